package sandbox_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/sandbox"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("UTC+8", 8*3600))

func openCharge(t *testing.T, b *sandbox.Book, key string, fen int64) {
	t.Helper()
	_, created, err := b.Open(sandbox.Charge{Key: key, Hospital: "h-renmin", MerchantNo: key, AmountFen: fen, CreatedAt: noon})
	require.NoError(t, err)
	require.True(t, created)
}

func TestOpeningTheSameNumberAgainFindsTheFirstEntry(t *testing.T) {
	b := sandbox.NewBook()
	openCharge(t, b, "a", 500)
	again, created, err := b.Open(sandbox.Charge{Key: "a", AmountFen: 500})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, noon, again.CreatedAt)

	_, _, err = b.Open(sandbox.Charge{Key: "a", AmountFen: 501})
	require.ErrorIs(t, err, sandbox.ErrDiffers)
	for _, fen := range []int64{0, -1} {
		_, _, err = b.Open(sandbox.Charge{Key: "b", AmountFen: fen})
		require.ErrorIs(t, err, sandbox.ErrAmount)
	}
	require.Len(t, b.Snapshot().Charges, 1)
}

func TestMoneyMovesOncePerCharge(t *testing.T) {
	b := sandbox.NewBook()
	openCharge(t, b, "a", 500)
	_, err := b.Fail("a")
	require.NoError(t, err, "a failed attempt may be followed by another")
	c, err := b.Capture("a", "420", noon, nil)
	require.NoError(t, err)
	require.Equal(t, int64(500), c.CapturedFen)
	_, err = b.Capture("a", "421", noon, nil)
	require.ErrorIs(t, err, sandbox.ErrState)
	_, err = b.Close("a")
	require.ErrorIs(t, err, sandbox.ErrState)
	_, err = b.Fail("a")
	require.ErrorIs(t, err, sandbox.ErrState)
	_, err = b.Capture("unknown", "1", noon, nil)
	require.ErrorIs(t, err, sandbox.ErrNotFound)

	openCharge(t, b, "closed", 500)
	for range 2 {
		_, err = b.Close("closed")
		require.NoError(t, err, "closing may be repeated")
	}
	_, err = b.Capture("closed", "1", noon, nil)
	require.ErrorIs(t, err, sandbox.ErrState)
}

func TestSplitMustAddUp(t *testing.T) {
	b := sandbox.NewBook()
	openCharge(t, b, "a", 500)
	_, err := b.Capture("a", "1", noon, &sandbox.Split{OwnFen: 100, AccountFen: 100, FundFen: 299})
	require.ErrorIs(t, err, sandbox.ErrDiffers)
	_, err = b.Capture("a", "1", noon, &sandbox.Split{OwnFen: 100, AccountFen: 100, FundFen: 300})
	require.NoError(t, err)
	c, _ := b.Charge("a")
	c.FundFen = 7 // a copy: the book does not change
	kept, _ := b.Charge("a")
	require.Equal(t, int64(300), kept.FundFen)
}

func TestRefundRules(t *testing.T) {
	b := sandbox.NewBook()
	openCharge(t, b, "a", 500)
	ask := func(key string, fen int64) (sandbox.Refund, bool, error) {
		return b.Refund(sandbox.Refund{Key: key, ChargeKey: "a", RefundNo: key, AmountFen: fen, CreatedAt: noon})
	}
	_, _, err := ask("r1", 100)
	require.ErrorIs(t, err, sandbox.ErrState, "not captured yet")
	_, err = b.Capture("a", "420", noon, nil)
	require.NoError(t, err)
	_, _, err = ask("r1", 501)
	require.ErrorIs(t, err, sandbox.ErrOverRefund)
	_, _, err = ask("r1", 0)
	require.ErrorIs(t, err, sandbox.ErrAmount)
	_, created, err := ask("r1", 300)
	require.NoError(t, err)
	require.True(t, created)
	r, created, err := ask("r1", 300)
	require.NoError(t, err)
	require.False(t, created, "the same number is the same refund")
	require.Equal(t, "a", r.MerchantNo)
	_, _, err = ask("r1", 200)
	require.ErrorIs(t, err, sandbox.ErrDiffers)
	_, _, err = ask("r2", 201)
	require.ErrorIs(t, err, sandbox.ErrOverRefund, "what is being processed is reserved")
	require.Zero(t, b.Snapshot().Charges[0].RefundedFen, "nothing has gone back yet")

	_, err = b.SettleRefund("r1", sandbox.RefundFailed)
	require.NoError(t, err)
	_, err = b.SettleRefund("r1", sandbox.RefundSuccess)
	require.ErrorIs(t, err, sandbox.ErrState)
	_, _, err = ask("r2", 500)
	require.NoError(t, err, "a failed refund gives its amount back")
	_, err = b.SettleRefund("r2", sandbox.RefundAbnormal)
	require.NoError(t, err)
	_, _, err = ask("r3", 1)
	require.ErrorIs(t, err, sandbox.ErrOverRefund, "an abnormal refund stays reserved")
	_, err = b.SettleRefund("r2", sandbox.RefundSuccess)
	require.NoError(t, err)
	require.Equal(t, int64(500), b.Snapshot().Charges[0].RefundedFen)
}

func TestSnapshotIsTheDocumentedJSON(t *testing.T) {
	b := sandbox.NewBook()
	empty, err := json.Marshal(b.Snapshot())
	require.NoError(t, err)
	require.JSONEq(t, `{"charges":[],"refunds":[]}`, string(empty))

	openCharge(t, b, "a", 500)
	_, err = b.Capture("a", "420", noon, &sandbox.Split{OwnFen: 500})
	require.NoError(t, err)
	_, _, err = b.Refund(sandbox.Refund{Key: "k", ChargeKey: "a", RefundNo: "r", ChannelRefundNo: "503", AmountFen: 1, CreatedAt: noon})
	require.NoError(t, err)
	got, err := json.Marshal(b.Snapshot())
	require.NoError(t, err)
	require.JSONEq(t, `{"charges":[{"hospital":"h-renmin","merchant_no":"a","channel_no":"420","amount_fen":500,"state":"captured",
		"captured_fen":500,"refunded_fen":0,"created_at":"2026-03-01T12:00:00+08:00","captured_at":"2026-03-01T12:00:00+08:00",
		"own_fen":500,"account_fen":0,"fund_fen":0}],
		"refunds":[{"hospital":"h-renmin","merchant_no":"a","refund_no":"r","channel_refund_no":"503","amount_fen":1,
		"state":"processing","created_at":"2026-03-01T12:00:00+08:00"}]}`, string(got))
}

func TestNeverMoreGoesBackThanCameIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := sandbox.NewBook()
		fen := rapid.Int64Range(1, 1<<40).Draw(t, "fen")
		if _, _, err := b.Open(sandbox.Charge{Key: "a", AmountFen: fen}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Capture("a", "1", noon, nil); err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(1, 20).Draw(t, "refunds") {
			key := fmt.Sprint(i % 7)
			amount := rapid.OneOf(rapid.Int64(), rapid.Int64Range(1, fen)).Draw(t, "amount")
			b.Refund(sandbox.Refund{Key: key, ChargeKey: "a", AmountFen: amount}) //nolint:errcheck // refusals are part of the play
			b.SettleRefund(key, rapid.SampledFrom([]sandbox.RefundState{sandbox.RefundSuccess, sandbox.RefundFailed,
				sandbox.RefundAbnormal}).Draw(t, "end")) //nolint:errcheck // refusals are part of the play
			var success, reserved int64
			for _, r := range b.RefundsOf("a") {
				if r.State != sandbox.RefundFailed {
					reserved += r.AmountFen
				}
				if r.State == sandbox.RefundSuccess {
					success += r.AmountFen
				}
			}
			c, _ := b.Charge("a")
			if reserved > c.CapturedFen || c.RefundedFen != success {
				t.Fatalf("captured %d, reserved %d, refunded %d, succeeded %d", c.CapturedFen, reserved, c.RefundedFen, success)
			}
		}
	})
}

func TestTwoRefundsAtOnceCannotBothTakeTheWhole(t *testing.T) {
	b := sandbox.NewBook()
	openCharge(t, b, "a", 500)
	_, err := b.Capture("a", "420", noon, nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b.Refund(sandbox.Refund{Key: fmt.Sprint(i), ChargeKey: "a", AmountFen: 500, State: sandbox.RefundSuccess}) //nolint:errcheck // one wins
		})
	}
	wg.Wait()
	require.Len(t, b.Snapshot().Refunds, 1)
	require.Equal(t, int64(500), b.Snapshot().Charges[0].RefundedFen)
}
