package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func chargeIn() activities.ChargeIn {
	return activities.ChargeIn{PaymentID: "pay_1", Order: order(), Attempt: 3, Next: payment.AwaitingPayment,
		Choice:    payment.Choice{Method: payment.ByMixed, PayAuthNo: "AUTH"},
		Tender:    payment.Tender{Channel: payment.WeChat, Scene: payment.JSAPI, Amount: money.Fen(2000)},
		CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}
}

func channels(w *world) *activities.Channels {
	return &activities.Channels{Store: w, Hospitals: w, Clock: clock}
}

func TestAnAttemptIsOnDiskBeforeTheRequestLeaves(t *testing.T) {
	w := newWorld()
	w.report = channel.Report{State: channel.Open}
	out, err := local(t, channels(w), channels(w).Charge, chargeIn())
	require.NoError(t, err)
	require.Equal(t, []string{"begin awaiting_payment", "prepay", "save"}, w.did, "I5")
	require.Equal(t, payment.PayParams{"tn": "1"}, out.Pay)
	require.Equal(t, channel.Open, out.Report.State)
	require.Equal(t, "h", w.saved.Handle)

	c := w.charged
	require.Equal(t, "ORDER0001A03", c.MerchantNo, "derived from order and attempt (I4)")
	require.Equal(t, []any{money.Fen(2000), money.Fen(5000)}, []any{c.Amount, c.Total})
	require.Equal(t, []time.Time{noon, noon.Add(time.Minute)}, []time.Time{c.CreatedAt.UTC(), c.ExpiresAt.UTC()}, "the times are the workflow's")
	require.Equal(t, "AUTH", c.PayAuthNo)
	require.NotContains(t, c.Description, "心内科", "a payment app's bill is seen by others")
}

func TestAnAttemptThatCannotBeWrittenIsNotAskedFor(t *testing.T) {
	w := newWorld()
	w.errs["begin awaiting_payment"] = timeout()
	_, err := local(t, channels(w), channels(w).Charge, chargeIn())
	require.Error(t, err)
	require.Equal(t, []string{"begin awaiting_payment"}, w.did)

	w = newWorld()
	w.errs["channel wechat"] = payment.Problem{Code: payment.CodeChannel}
	_, err = local(t, channels(w), channels(w).Charge, chargeIn())
	p, _ := activities.AsProblem(err)
	require.Equal(t, payment.CodeChannel, p.Code)
	require.Empty(t, w.did)
}

func TestARepeatTellsTheClientThatTheRequestMayHaveLeft(t *testing.T) {
	for inDoubt, asks := range map[bool]string{true: "prepay again", false: "prepay"} {
		w := newWorld()
		w.attempt, w.inDoubt = store.Attempt{Existed: true, State: channel.Open}, inDoubt
		_, err := local(t, channels(w), channels(w).Charge, chargeIn())
		require.NoError(t, err)
		require.Equal(t, []string{"begin awaiting_payment", "ask again", asks, "save"}, w.did)
	}
	w := newWorld()
	w.attempt = store.Attempt{Existed: true, State: channel.Open}
	w.errs["ask again"] = timeout()
	_, err := local(t, channels(w), channels(w).Charge, chargeIn())
	require.Error(t, err)
	require.Equal(t, []string{"begin awaiting_payment", "ask again"}, w.did, "what is not noted does not leave")
}

// A refusal of a repeat says nothing of the tries before it, unless they are
// known to have come to nothing.
func TestATryThatCameToNothingIsNoLongerInDoubt(t *testing.T) {
	for kind, did := range map[payment.Kind][]string{
		payment.Retryable: {"begin awaiting_payment", "prepay", "came to nothing"},
		payment.Uncertain: {"begin awaiting_payment", "prepay"},
		payment.Final:     {"begin awaiting_payment", "prepay"},
	} {
		w := newWorld()
		w.errs["prepay"] = failure(kind)
		w.errs["came to nothing"] = timeout() // it stays in doubt
		_, err := local(t, channels(w), channels(w).Charge, chargeIn())
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, map[payment.Kind]string{payment.Retryable: activities.ErrTypeRetryable, payment.Uncertain: activities.ErrTypeUnknown,
			payment.Final: activities.ErrTypeFinal}[kind], app.Type())
		require.Equal(t, did, w.did, kind)
	}
}

func TestAnAnswerThatIsKnownIsNotAskedForAgain(t *testing.T) {
	paid := channel.Report{MerchantNo: "ORDER0001A03", ChannelNo: "tx", Captured: money.Fen(2000), State: channel.Captured}
	for _, a := range []store.Attempt{
		{Existed: true, Prepaid: true, State: channel.Open, Pay: payment.PayParams{"tn": "9"}},
		{Existed: true, Prepaid: true, State: channel.Captured, Pay: payment.PayParams{"tn": "9"}, Capture: paid},
	} {
		w := newWorld()
		w.attempt = a
		out, err := local(t, channels(w), channels(w).Charge, chargeIn())
		require.NoError(t, err)
		require.Equal(t, []string{"begin awaiting_payment"}, w.did)
		require.Equal(t, a.Pay, out.Pay)
		require.Equal(t, a.State, out.Report.State)
		require.True(t, out.Report.Captured.Equal(a.Capture.Captured), "a capture comes with its amount")
	}
}

func TestAnAnswerThatCannotBeKeptIsUnknown(t *testing.T) {
	w := newWorld()
	w.errs["save"] = timeout()
	_, err := local(t, channels(w), channels(w).Charge, chargeIn())
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, activities.ErrTypeUnknown, app.Type())
}

// An insurance that settles within the call.
func settledIn(w *world) activities.ChargeIn {
	in := chargeIn()
	in.Tender.Channel, in.Next, in.Paid = payment.Insurance, payment.Clearing, payment.Paid
	w.report = channel.Report{MerchantNo: "ORDER0001A03", ChannelNo: "tx", Captured: money.Fen(2000), State: channel.Captured}
	return in
}

func TestMoneyThatComesWithTheAnswerIsBookedWithIt(t *testing.T) {
	w := newWorld()
	in := settledIn(w)
	out, err := local(t, channels(w), channels(w).Charge, in)
	require.NoError(t, err)
	require.Equal(t, []string{"begin clearing", "prepay", "capture"}, w.did)
	require.Equal(t, &activities.Settled{At: noon, Voucher: "v-1"}, out.Settled)
	require.Equal(t, "tx", out.Report.ChannelNo)
	c := w.capture
	require.Equal(t, []any{"pay_1", 3, "0.006", payment.Paid, "h", noon}, []any{c.PaymentID, c.Attempt, c.FeeRate.String(), c.Next, c.Prepaid.Handle, c.At})
	require.Equal(t, w.report, c.Report)
}

func TestMoneyThatCannotBeBookedWithTheAnswerIsLeftToTheWorkflow(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*world, *activities.ChargeIn)
		did    []string
	}{
		"another amount": {func(w *world, _ *activities.ChargeIn) { w.report.Captured = money.Fen(1999) }, []string{"save"}},
		"no money yet":   {func(w *world, _ *activities.ChargeIn) { w.report = channel.Report{State: channel.InClearing} }, []string{"save"}},
		"a workflow of the version before does not ask for it": {func(_ *world, in *activities.ChargeIn) { in.Paid = "" }, []string{"save"}},
		"it was there before":  {func(w *world, _ *activities.ChargeIn) { w.repeated = true }, []string{"capture", "save"}},
		"the books refuse it":  {func(w *world, _ *activities.ChargeIn) { w.errs["capture"] = store.ErrTransition }, []string{"capture", "save"}},
		"the fee is not known": {func(w *world, _ *activities.ChargeIn) { w.errs["fee"] = timeout() }, []string{"save"}},
	} {
		w := newWorld()
		in := settledIn(w)
		tc.change(w, &in)
		out, err := local(t, channels(w), channels(w).Charge, in)
		require.NoError(t, err, name)
		require.Equal(t, append([]string{"begin clearing", "prepay"}, tc.did...), w.did, name)
		require.Nil(t, out.Settled, name)
		require.Equal(t, w.report.State, out.Report.State, name)
		require.Equal(t, "h", w.saved.Handle, name)
	}
}

func TestAnAttemptThatNeverGotOntoDiskIsAbsent(t *testing.T) {
	w := newWorld()
	w.errs["attempt"] = store.ErrNotFound
	for _, step := range []func() (channel.Report, error){
		func() (channel.Report, error) {
			return local(t, channels(w), channels(w).Look, activities.AttemptIn{})
		},
		func() (channel.Report, error) {
			return queued(t, channels(w), channels(w).Close, activities.AttemptIn{})
		},
	} {
		r, err := step()
		require.NoError(t, err)
		require.Equal(t, channel.Absent, r.State)
	}
	require.NotContains(t, w.did, "close")
	w.errs["end closed "] = store.ErrNotFound
	b := &activities.Books{Store: w, Hospitals: w}
	_, err := local(t, b, b.EndAttempt, activities.EndAttemptIn{State: channel.Closed})
	require.NoError(t, err)
}

func TestAChargeThatTheChannelRefusedIsNotPlacedByAskingAboutIt(t *testing.T) {
	w := newWorld()
	w.attempt = store.Attempt{State: channel.Declined}
	r, err := local(t, channels(w), channels(w).Look, activities.AttemptIn{})
	require.NoError(t, err)
	require.Equal(t, channel.Declined, r.State)
	_, err = local(t, channels(w), channels(w).Close, activities.AttemptIn{})
	require.NoError(t, err)
	require.Equal(t, []string{"attempt", "attempt"}, w.did)
}

func TestWhatALookFindsAtAnEnd(t *testing.T) {
	for state, done := range map[channel.State]bool{
		channel.Captured: true, channel.Closed: true, channel.Declined: true, channel.Doubtful: true,
		channel.Open: false, channel.InClearing: false, channel.Absent: false,
	} {
		w := newWorld()
		w.attempt.Charge.Channel = payment.Insurance
		w.report = channel.Report{State: state}
		r, err := queued(t, channels(w), channels(w).Watch, activities.AttemptIn{})
		if done {
			require.NoError(t, err, state)
			require.Equal(t, state, r.State)
			continue
		}
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app, state)
		require.Equal(t, activities.ErrTypeUndecided, app.Type())
		require.Equal(t, temporal.ApplicationErrorCategoryBenign, app.Category(), "waiting is no failure to log")
		require.False(t, app.NonRetryable(), "it is asked again")
		require.Equal(t, 2*time.Second, app.NextRetryDelay())
	}
}

func TestACloseEndsOnlyWithOneOfTwoAnswers(t *testing.T) {
	for _, tc := range []struct {
		state channel.State
		did   []string
		ends  bool
	}{
		{channel.Captured, []string{"attempt", "close"}, true},
		{channel.Closed, []string{"attempt", "close", "end closed C"}, true},
		{channel.Absent, []string{"attempt", "close", "end absent C"}, true},
		{channel.Open, []string{"attempt", "close"}, false},
		{channel.Doubtful, []string{"attempt", "close"}, false},
	} {
		w := newWorld()
		w.attempt.Charge.Channel = payment.UnionPay
		w.attempt.Prepaid = true
		w.report = channel.Report{State: tc.state, Code: "C"}
		_, err := local(t, channels(w), channels(w).Close, activities.AttemptIn{})
		require.Equal(t, tc.ends, err == nil, tc.state)
		require.Equal(t, tc.did, w.did, tc.state)
		require.False(t, activities.IsFinal(err))
	}
}

func TestOnlyTheAmountThatWasAskedForIsTheSameMoney(t *testing.T) {
	ask := money.Fen(2000)
	require.True(t, activities.SameMoney(channel.Report{Captured: money.Fen(2000)}, ask))
	for _, other := range []money.Money{money.Fen(1999), money.Fen(2001), {}, money.Minor(2000, money.HKD)} {
		require.False(t, activities.SameMoney(channel.Report{Captured: other}, ask), other)
	}
}

func TestACaptureIsRecordedWithTheChannelsFee(t *testing.T) {
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	out, err := local(t, b, b.Settle, activities.SettleIn{PaymentID: "pay_1", Attempt: 2, Channel: payment.WeChat, At: noon,
		Actor: "op", Next: payment.Paid, Report: channel.Report{Captured: money.Fen(2000)}})
	require.NoError(t, err)
	require.Equal(t, "v-1", out.Voucher)
	require.Equal(t, "0.006", w.capture.FeeRate.String())
	require.Equal(t, []any{2, "op", payment.Paid}, []any{w.capture.Attempt, w.capture.Actor, w.capture.Next})
}
