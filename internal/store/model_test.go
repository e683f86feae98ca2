package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// The books against a model of a few numbers: whatever captures and refunds
// come, in whatever order and however often repeated, refunds stay within
// captures (I6), the ledger balances (I7) and agrees with the sums.
func TestAnyHistoryKeepsTheBooksRight(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	run := 0
	type sums struct{ captured, refunded int64 }
	model := map[payment.Channel]*sums{payment.WeChat: {}, payment.UnionPay: {}}

	rapid.Check(t, func(rt *rapid.T) {
		run++
		order := fmt.Sprintf("RUN%06d", run)
		id := b.open(t, order, 10000)
		channels := []payment.Channel{payment.WeChat, payment.UnionPay}
		for i, ch := range channels {
			if _, err := b.BeginAttempt(ctx, charge(order, i+1, ch, 5000), payment.AwaitingPayment); err != nil {
				rt.Fatal(err)
			}
		}
		left := map[string]int64{} // of each capture, what no refund has taken
		taken := map[string]int64{}
		var rows []store.RefundRow
		done := map[int]bool{}
		rt.Repeat(map[string]func(*rapid.T){
			"capture": func(rt *rapid.T) {
				attempt := rapid.IntRange(1, 2).Draw(rt, "attempt")
				no := fmt.Sprintf("%s-%d-%d", order, attempt, rapid.IntRange(1, 2).Draw(rt, "no"))
				fen := taken[no]
				if fen == 0 {
					fen = rapid.Int64Range(1, 5000).Draw(rt, "fen")
				}
				out, err := b.RecordCapture(ctx, capture(order, attempt, no, fen, ""))
				if err != nil {
					rt.Fatal(err)
				}
				if out.Repeated != (taken[no] > 0) {
					rt.Fatalf("capture %s: repeated is %v", no, out.Repeated)
				}
				if !out.Repeated {
					taken[no], left[no] = fen, fen
					model[channels[attempt-1]].captured += fen
				}
			},
			"reserve": func(rt *rapid.T) {
				attempt := rapid.IntRange(1, 2).Draw(rt, "attempt")
				no := fmt.Sprintf("%s-%d-%d", order, attempt, rapid.IntRange(1, 2).Draw(rt, "no"))
				fen := rapid.Int64Range(1, 5000).Draw(rt, "fen")
				row, err := b.ReserveRefund(ctx, store.RefundOrder{PaymentID: id, Key: fmt.Sprint(len(rows), no, fen), Attempt: attempt,
					ChannelNo: no, Amount: money.Fen(fen), At: noon})
				switch fits := fen <= left[no]; {
				case taken[no] == 0:
					if err == nil {
						rt.Fatal("a refund of nothing")
					}
				case fits != (err == nil):
					rt.Fatalf("refund of %d from %d left: %v", fen, left[no], err)
				case !fits && !payment.HasCode(err, payment.CodeRefundExceeds):
					rt.Fatal(err)
				case fits:
					left[no] -= fen
					rows = append(rows, row)
				}
			},
			"report": func(rt *rapid.T) {
				if len(rows) == 0 {
					return
				}
				row := rapid.SampledFrom(rows).Draw(rt, "row")
				state := rapid.SampledFrom([]channel.RefundState{channel.RefundSucceeded, channel.RefundFailed,
					channel.RefundProcessing, channel.RefundAbnormal, channel.RefundAbsent}).Draw(rt, "state")
				got, err := b.RecordRefund(ctx, id, row.N, channel.RefundReport{State: state}, "", noon)
				if err != nil {
					rt.Fatal(err)
				}
				if state == channel.RefundSucceeded && !done[row.N] {
					done[row.N] = true
					model[channels[row.Attempt-1]].refunded += row.Refund.Amount.Minor()
				}
				if done[row.N] != (got.State == channel.RefundSucceeded) {
					rt.Fatalf("refund %d is %s", row.N, got.State)
				}
			},
		})
		if err := b.VerifyAudit(ctx, id); err != nil {
			rt.Fatal(err)
		}
		v, err := b.Payment(ctx, id)
		if err != nil {
			rt.Fatal(err)
		}
		if s, err := b.Standing(ctx, id); err != nil || !assert.ObjectsAreEqual(v.Standing, s) {
			rt.Fatalf("it stands at %+v, and in the view at %+v: %v", s, v.Standing, err)
		}
		var captured, refunded int64
		for _, fen := range taken {
			captured += fen
		}
		for _, r := range rows {
			if done[r.N] {
				refunded += r.Refund.Amount.Minor()
			}
		}
		if v.Captured.Minor() != captured || v.Refunded.Minor() != refunded {
			rt.Fatalf("the view has %s and %s, the model %d and %d", v.Captured, v.Refunded, captured, refunded)
		}
	})

	balances, err := b.TrialBalance(ctx)
	require.NoError(t, err)
	require.True(t, balances.Balanced())
	bad, err := b.Unbalanced(ctx)
	require.NoError(t, err)
	require.Empty(t, bad)
	totals, err := b.ChannelTotals(ctx)
	require.NoError(t, err)
	for _, total := range totals {
		require.Equal(t, model[total.Channel].captured, total.Captured.Minor())
		require.Equal(t, model[total.Channel].refunded, total.Refunded.Minor())
	}
	require.Zero(t, one[int64](t, b, `SELECT count(*) FROM payments p WHERE
		captured_fen <> (SELECT coalesce(sum(captured_fen), 0) FROM attempts a WHERE a.payment_id = p.id) OR
		captured_fen <> (SELECT coalesce(sum(amount_fen), 0) FROM captures a WHERE a.payment_id = p.id) OR
		reserved_fen <> (SELECT coalesce(sum(reserved_fen), 0) FROM captures a WHERE a.payment_id = p.id) OR
		reserved_fen <> (SELECT coalesce(sum(amount_fen), 0) FROM refunds a WHERE a.payment_id = p.id) OR
		refunded_fen <> (SELECT coalesce(sum(refunded_fen), 0) FROM attempts a WHERE a.payment_id = p.id)`))
}
