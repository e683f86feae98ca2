package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// lost is an attempt of the books, a channel that has been paid, and what was
// told of it.
type lost struct {
	channel.Client
	attempt store.Attempt
	refunds []store.RefundRow
	report  channel.Report
	asked   channel.Charge
	err     error // of the channel
	told    []channel.Event
	ref     api.Ref
	deaf    error
}

func (l *lost) Attempt(_ context.Context, id string, n int) (store.Attempt, error) {
	if id != l.attempt.Charge.PaymentID || n != l.attempt.Charge.Attempt {
		return store.Attempt{}, store.ErrNotFound
	}
	return l.attempt, nil
}

func (l *lost) Refunds(context.Context, string) ([]store.RefundRow, error) { return l.refunds, nil }

func (l *lost) Channel(string, payment.Channel) (channel.Client, error) { return l, nil }

func (l *lost) Query(_ context.Context, ch channel.Charge) (channel.Report, error) {
	l.asked = ch
	return l.report, l.err
}

func (l *lost) look(no string) (strayFound, error) { return l.lookFor(no, "") }

func (l *lost) lookFor(no, channelNo string) (strayFound, error) {
	s := straySearch{books: l, channels: l, tell: func(_ context.Context, ref api.Ref, e channel.Event) error {
		l.told, l.ref = append(l.told, e), ref
		return l.deaf
	}}
	return s.look(context.Background(), "ren-he", no, channelNo)
}

const lostNo = "R20260105000001A01"

func newLost() *lost {
	return &lost{
		attempt: store.Attempt{State: channel.Closed, Charge: channel.Charge{PaymentID: payment.ID("ren-he", "R20260105000001"),
			Attempt: 1, MerchantNo: lostNo, Channel: payment.WeChat}},
		report: channel.Report{MerchantNo: lostNo, State: channel.Captured, ChannelNo: "wx-1", Captured: money.Fen(5000)},
	}
}

func TestMoneyThatTheBooksMissedIsToldAsANotificationWouldTellIt(t *testing.T) {
	l := newLost()
	found, err := l.look(lostNo)
	require.NoError(t, err)
	require.Equal(t, strayTold, found.Outcome)
	require.Equal(t, l.report, *l.told[0].Charge)
	require.Equal(t, api.Ref{HospitalID: "ren-he", OrderNo: "R20260105000001"}, l.ref)
	var b bytes.Buffer
	writeStray(&b, found)
	require.Contains(t, b.String(), "¥50.00 by wechat, number wx-1, was not in the books")
}

func TestMoneyThatIsKnownOrNotThereIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*lost)
		outcome string
	}{
		"not paid": {func(l *lost) { l.report = channel.Report{MerchantNo: lostNo, State: channel.Closed} }, strayNotPaid},
		"captured": {func(l *lost) { l.attempt.State, l.attempt.Capture = channel.Captured, l.report }, strayKnown},
		"a stray that has its refund": {func(l *lost) {
			l.attempt.State, l.attempt.Capture = channel.Captured, channel.Report{MerchantNo: lostNo, ChannelNo: "wx-0", Captured: money.Fen(5000)}
			l.refunds = []store.RefundRow{{Attempt: 1, Refund: channel.Refund{Original: l.report}}}
		}, strayKnown},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLost()
			tc.change(l)
			found, err := l.look(lostNo)
			require.NoError(t, err)
			require.Equal(t, tc.outcome, found.Outcome)
			require.Empty(t, l.told)
			var b bytes.Buffer
			writeStray(&b, found)
			require.NotEmpty(t, b.String())
		})
	}
}

func TestASecondPaymentByTheSameNumberIsFound(t *testing.T) {
	l := newLost()
	l.attempt.State, l.attempt.Capture = channel.Captured, channel.Report{MerchantNo: lostNo, ChannelNo: "wx-0", Captured: money.Fen(5000)}
	found, err := l.lookFor(lostNo, "wx-1")
	require.NoError(t, err)
	require.Equal(t, strayTold, found.Outcome)
	require.Equal(t, "wx-1", l.asked.ChannelNo, "the channel is asked for that one")
	require.Empty(t, l.attempt.Charge.ChannelNo)

	l.told = nil
	found, err = l.lookFor(lostNo, "wx-2")
	require.NoError(t, err)
	require.Equal(t, strayNotPaid, found.Outcome, "the channel shows another one")
	require.Empty(t, l.told)
}

func TestASearchThatCannotBeMadeSaysWhy(t *testing.T) {
	l := newLost()
	_, err := l.look("R20260105000002A01")
	require.Equal(t, exitNotFound, exitCode(err))
	_, err = l.look("whatever")
	require.Equal(t, exitUsage, exitCode(err))
	l.err = errors.New("connection refused")
	_, err = l.look(lostNo)
	require.Equal(t, exitUnavailable, exitCode(err))
	require.Empty(t, l.told, "an answer that was lost tells nothing")
	l.err, l.deaf = nil, errors.New("no Temporal")
	_, err = l.look(lostNo)
	require.Equal(t, exitUnavailable, exitCode(err))
	require.ErrorContains(t, err, "repeat")
}
