package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

func TestAStepWhoseCommitWasLostIsRepeatedSafely(t *testing.T) {
	b := newBooks(t)
	s, w := b.overWire(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const order = "ORDER0001"
	o := opening(request(order, 1, 5000))
	id := o.PaymentID
	for i, step := range []struct {
		name  string
		quick bool // it repeats itself, with the lock
		call  func() error
	}{
		{"open", true, func() error { _, err := s.OpenPayment(ctx, o); return err }},
		{"begin", true, func() error {
			_, err := s.BeginAttempt(ctx, charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
			return err
		}},
		{"capture", true, func() error {
			_, err := s.RecordCapture(ctx, capture(order, 1, "wx-1", 5000, payment.Paid))
			return err
		}},
		{"registered", true, func() error {
			return s.RecordRegistered(ctx, id, his.Registered{AppointmentID: "a"}, payment.Registered, noon)
		}},
		{"complete", true, func() error { return s.Complete(ctx, id, noon) }},
		{"reserve", false, func() error { _, err := s.ReserveRefund(ctx, refundOf(id, "k", 5000)); return err }},
		{"refund", false, func() error {
			row, err := s.Refund(ctx, id, 1)
			if err != nil {
				return err
			}
			_, err = s.RecordRefund(ctx, id, 1, succeeded(row), "workflow", noon)
			return err
		}},
	} {
		w.loseAnswer()
		if err := step.call(); step.quick {
			require.NoError(t, err, "%s: the answer was lost", step.name)
		} else {
			require.Error(t, err, "%s: the answer was lost", step.name)
		}
		require.True(t, w.answerLost(), "%s: the commit was reached", step.name)
		require.Equal(t, i+1, lines(t, b, id), "%s: it was committed all the same", step.name)
		require.NoError(t, step.call(), step.name)
		require.Equal(t, i+1, lines(t, b, id), "%s: the repeat changed nothing", step.name)
	}
	require.NoError(t, b.VerifyAudit(ctx, id))
	totals, err := b.ChannelTotals(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 5000, totals[0].Captured.Minor())
	require.EqualValues(t, 5000, totals[0].Refunded.Minor())
}

func TestADeadlineIsRespected(t *testing.T) {
	b := newBooks(t)
	id := b.open(t, "ORDER0001", 5000)
	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM payments WHERE id = $1 FOR UPDATE", id)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	require.Error(t, b.Complete(ctx, id, noon))
	require.Less(t, time.Since(started), 10*time.Second)
	require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
}
