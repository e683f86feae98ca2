package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func refunds(w *world) *activities.Refunds {
	return &activities.Refunds{Store: w, Hospitals: w, Clock: clock}
}

func TestOnlyAFreshRefundIsSentWithoutALook(t *testing.T) {
	for _, tc := range []struct {
		name   string
		row    store.RefundRow
		in     activities.RefundIn
		queued bool
		asked  channel.RefundState
		did    []string
	}{
		{"fresh", store.RefundRow{State: channel.RefundProcessing}, activities.RefundIn{}, false, channel.RefundAbsent,
			[]string{"refund row", "attempt", "sent", "refund", "record processing"}},
		{"on its queue, absent", store.RefundRow{State: channel.RefundProcessing}, activities.RefundIn{}, true, channel.RefundAbsent,
			[]string{"refund row", "attempt", "query refund", "sent", "refund", "record processing"}},
		{"on its queue, there already", store.RefundRow{State: channel.RefundProcessing}, activities.RefundIn{}, true, channel.RefundProcessing,
			[]string{"refund row", "attempt", "query refund", "record processing"}},
		{"asked for once more, done meanwhile", store.RefundRow{State: channel.RefundProcessing}, activities.RefundIn{Again: true}, false, channel.RefundSucceeded,
			[]string{"refund row", "attempt", "query refund", "record succeeded"}},
		{"failed before, still failed", store.RefundRow{State: channel.RefundFailed}, activities.RefundIn{}, false, channel.RefundFailed,
			[]string{"refund row", "attempt", "query refund", "sent", "refund", "record processing"}},
		{"accepted before by a run that is gone", store.RefundRow{State: channel.RefundProcessing, ChannelNo: "r-1"}, activities.RefundIn{}, false, channel.RefundProcessing,
			[]string{"refund row", "attempt", "query refund", "record processing"}},
		{"about to leave before, by a run that is gone", store.RefundRow{State: channel.RefundProcessing, SentAt: noon}, activities.RefundIn{}, false, channel.RefundAbsent,
			[]string{"refund row", "attempt", "query refund", "sent", "refund", "record processing"}},
		{"a person's second retry", store.RefundRow{State: channel.RefundFailed}, activities.RefundIn{Again: true, Retry: 2}, false, channel.RefundAbsent,
			[]string{"refund row", "attempt", "retry 2", "query refund", "sent", "refund", "record processing"}},
		{"stuck at the channel", store.RefundRow{State: channel.RefundAbnormal}, activities.RefundIn{Again: true}, false, channel.RefundAbnormal,
			[]string{"refund row", "attempt", "query refund", "record abnormal"}},
		{"back already", store.RefundRow{State: channel.RefundSucceeded}, activities.RefundIn{Again: true, Retry: 1}, true, channel.RefundAbsent,
			[]string{"refund row", "attempt"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.refund, w.asked, w.refunds = tc.row, channel.RefundReport{State: tc.asked}, channel.RefundReport{State: channel.RefundProcessing}
			send := local[activities.RefundIn, activities.RefundOut]
			if tc.queued {
				send = queued[activities.RefundIn, activities.RefundOut]
			}
			_, err := send(t, refunds(w), refunds(w).SendRefund, tc.in)
			require.NoError(t, err)
			require.Equal(t, tc.did, w.did, "I3")
		})
	}
}

func TestARefundIsNotSentWhileItIsNotKnownWhetherItWas(t *testing.T) {
	w := newWorld()
	w.refund.State = channel.RefundProcessing
	w.errs["query refund"] = timeout()
	_, err := queued(t, refunds(w), refunds(w).SendRefund, activities.RefundIn{})
	require.Error(t, err)
	require.False(t, activities.IsFinal(err))
	require.NotContains(t, w.did, "refund")
}

func TestARefusalOfARefundIsOnRecord(t *testing.T) {
	w := newWorld()
	w.refund.State = channel.RefundProcessing
	w.errs["refund"] = &payment.Failure{Kind: payment.Final, System: "wechat", Op: "refund", Code: "NOT_ENOUGH"}
	r, err := local(t, refunds(w), refunds(w).SendRefund, activities.RefundIn{})
	require.NoError(t, err)
	require.Equal(t, channel.RefundFailed, r.State)
	require.Equal(t, "NOT_ENOUGH", r.Code)
	require.Equal(t, "NOT_ENOUGH", w.kept[0].Code)

	w = newWorld()
	w.refund.State = channel.RefundProcessing
	w.errs["refund"] = timeout()
	_, err = local(t, refunds(w), refunds(w).SendRefund, activities.RefundIn{})
	require.Error(t, err)
	require.Empty(t, w.kept, "a timeout is no failure (I3)")
}

func TestAWatchedRefundIsAskedAboutUntilItEnds(t *testing.T) {
	for state, ends := range map[channel.RefundState]bool{
		channel.RefundProcessing: false, channel.RefundSucceeded: true, channel.RefundFailed: true, channel.RefundAbnormal: true,
	} {
		w := newWorld()
		w.asked.State = state
		_, err := queued(t, refunds(w), refunds(w).WatchRefund, activities.RefundIn{})
		require.Equal(t, ends, err == nil, state)
		require.Equal(t, ends, len(w.kept) == 1, state)
	}
}

func TestARefundIsReservedOnceAndNumbered(t *testing.T) {
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	out, err := local(t, b, b.ReserveRefund, activities.ReserveIn{PaymentID: "pay_1", Key: "k", Attempt: 1, ChannelNo: "tx", Amount: money.Fen(100)})
	require.NoError(t, err)
	require.Equal(t, 2, out.N)
	require.True(t, out.Amount.Equal(money.Fen(100)))
	require.Equal(t, []string{"k", "tx"}, []string{w.ordered.Key, w.ordered.ChannelNo})
}

func TestACaptureThatALostTaskSetAsideGoesBackByThatRefund(t *testing.T) {
	in := activities.ReserveIn{PaymentID: "pay_1", Key: "stray/tx", Attempt: 1, ChannelNo: "tx", Amount: money.Fen(100)}
	there := store.RefundRow{N: 3, Key: "unwind/1", Attempt: 1, Refund: channel.Refund{Amount: money.Fen(100), Original: channel.Report{ChannelNo: "tx"}}}
	for name, change := range map[string]func(*store.RefundRow){
		"the very capture": func(*store.RefundRow) {},
		"another attempt":  func(r *store.RefundRow) { r.Attempt = 2 },
		"another capture":  func(r *store.RefundRow) { r.Refund.Original.ChannelNo = "other" },
		"a part of it":     func(r *store.RefundRow) { r.Refund.Amount = money.Fen(99) },
	} {
		w := newWorld()
		b := &activities.Books{Store: w, Hospitals: w}
		w.errs["reserve 1.00"] = payment.Problem{Code: payment.CodeRefundExceeds}
		w.refund = there
		change(&w.refund)
		out, err := local(t, b, b.ReserveRefund, in)
		if name == "the very capture" {
			require.NoError(t, err)
			require.Equal(t, 3, out.N)
			continue
		}
		require.True(t, activities.IsFinal(err), "%s: I6", name)
	}
}

func TestTheRestOfATenderIsWhatOtherRefundsHaveLeft(t *testing.T) {
	exceeds := payment.Problem{Code: payment.CodeRefundExceeds}
	in := activities.ReserveIn{PaymentID: "pay_1", Key: "unwind/1", Attempt: 1, Amount: money.Fen(5000), Rest: true}
	tender := func(captured, refunded int64) store.View {
		return store.View{Tenders: []store.TenderView{{Attempt: 2, Captured: money.Fen(9), Refunded: money.Fen(0)},
			{Attempt: 1, Captured: money.Fen(captured), Refunded: money.Fen(refunded)}}}
	}
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	w.errs["reserve 50.00"], w.errs["refund row"] = exceeds, store.ErrNotFound
	w.view = tender(5000, 1500)
	out, err := local(t, b, b.ReserveRefund, in)
	require.NoError(t, err)
	require.True(t, out.Amount.Equal(money.Fen(3500)))

	w.view = tender(5000, 5000)
	out, err = local(t, b, b.ReserveRefund, in)
	require.NoError(t, err)
	require.Zero(t, out.N, "nothing is left")

	w.errs["refund row"] = nil // a repeat finds what it reserved before
	w.refund = store.RefundRow{N: 7, Key: in.Key, Refund: channel.Refund{Amount: money.Fen(3500)}}
	out, err = local(t, b, b.ReserveRefund, in)
	require.NoError(t, err)
	require.Equal(t, 7, out.N)

	in.Rest = false
	_, err = local(t, b, b.ReserveRefund, in)
	require.True(t, activities.IsFinal(err), "elsewhere more than there is is refused (I6)")
}

func TestAllMoneyIsBackOnlyWhenThereWasSome(t *testing.T) {
	for _, tc := range []struct {
		captured, refunded int64
		whole              bool
	}{{5000, 5000, true}, {5000, 4999, false}, {0, 0, false}, {5000, 0, false}} {
		w := newWorld()
		b := &activities.Books{Store: w, Hospitals: w}
		w.view = store.View{Standing: store.Standing{Captured: money.Fen(tc.captured), Refunded: money.Fen(tc.refunded)}, CallbackURL: "u"}
		out, err := local(t, b, b.Totals, activities.CompleteIn{})
		require.NoError(t, err)
		require.Equal(t, tc.whole, out.Whole)
		require.Equal(t, "u", out.CallbackURL)
	}
}

func TestARefundThatIsNotOnDiskDoesNotLeave(t *testing.T) {
	w := newWorld()
	w.refund.State, w.errs["sent"] = channel.RefundProcessing, timeout()
	_, err := local(t, refunds(w), refunds(w).SendRefund, activities.RefundIn{})
	require.Error(t, err)
	require.NotContains(t, w.did, "refund", "I5")
}

func TestByWhenTheMoneyIsExpectedComesFromTheBooks(t *testing.T) {
	w := newWorld()
	w.refund = store.RefundRow{State: channel.RefundProcessing, ExpectedBy: noon.AddDate(0, 0, 9)}
	w.refunds.State = channel.RefundProcessing
	out, err := local(t, refunds(w), refunds(w).SendRefund, activities.RefundIn{})
	require.NoError(t, err)
	require.Equal(t, noon.AddDate(0, 0, 9), out.ExpectedBy.UTC())
}

// A notification that was held up says "abnormal" of money that is back.
func TestALateWordOfARefundThatIsBackIsNotBelieved(t *testing.T) {
	w := newWorld()
	w.refund.State = channel.RefundSucceeded
	r, err := local(t, refunds(w), refunds(w).RecordRefund, activities.ReportIn{Report: channel.RefundReport{State: channel.RefundAbnormal, Code: "ABNORMAL"}})
	require.NoError(t, err)
	require.Equal(t, channel.RefundSucceeded, r.State)
}

func TestALookAtARefundRecordsOnlyThatItIsBack(t *testing.T) {
	for state, kept := range map[channel.RefundState]int{channel.RefundSucceeded: 1, channel.RefundProcessing: 0, channel.RefundAbsent: 0, channel.RefundFailed: 0} {
		w := newWorld()
		w.asked.State = state
		r, err := local(t, refunds(w), refunds(w).LookAtRefund, activities.RefundIn{})
		require.NoError(t, err)
		require.Equal(t, state, r.State)
		require.Len(t, w.kept, kept, state)
	}
}
