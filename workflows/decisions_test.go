package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// declined is a payment whose insurance has failed, half an hour before the
// first decision.
func declined(t *testing.T, m payment.Method) *world {
	w := newWorld(t, by(m))
	w.verified()
	n := 1
	if m == payment.ByMixed {
		w.paysAt(10*time.Second, payment.WeChat, 1)
		n = 2
	}
	w.saysAt(30*time.Minute, payment.Insurance, n, channel.Declined, "15")
	return w
}

func TestThePatientPaysByAnotherChannelWhatTheInsuranceDoesNot(t *testing.T) {
	for m, paid := range map[payment.Method]int64{payment.ByInsurance: 5000, payment.ByMixed: 3000} {
		t.Run(string(m), func(t *testing.T) {
			w := declined(t, m)
			before := w.channels[payment.WeChat].held
			decided := w.decidesAt(time.Hour, payment.ConvertToSelfPay, "")
			changed := w.at(time.Hour+time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
			attempt := map[payment.Method]int{payment.ByInsurance: 2, payment.ByMixed: 3}[m]
			w.paysAt(time.Hour+2*time.Minute, payment.UnionPay, attempt)
			w.ends(payment.Completed, "")
			require.Equal(t, payment.AwaitingPayment, decided.answered(t).Status)
			require.Equal(t, "convert_to_self_pay", decided.answered(t).Reason)
			require.Equal(t, noon.Add(time.Hour).Add(payment.DefaultWindow).Unix(), decided.answered(t).PayBy.Unix(), "the patient has the whole time to pay")
			require.Equal(t, paid, changed.answered(t).Tender.Amount.Minor(), "the rest, and no more")
			require.Equal(t, paid, w.channels[payment.UnionPay].held())
			require.Equal(t, 5000-paid, before())
			require.Equal(t, []string{"payment.awaiting_payment", "payment.completed"}, w.backend.heard())
			require.Equal(t, "unionpay", w.seen.attribute("PaymentChannel"))
		})
	}
}

func TestWhoDoesNotPayTheRestHasTheFirstPartReturned(t *testing.T) {
	w := declined(t, payment.ByMixed)
	w.decidesAt(time.Hour, payment.ConvertToSelfPay, "")
	again := w.at(time.Hour+time.Minute, workflows.UpdateChangeMethod, choice(payment.ByInsurance))
	w.ends(payment.Refunded, "not_converted")
	require.Equal(t, payment.CodeMethod, again.problem(t), "the insurance has failed")
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestAnInsuranceThatSettlesAfterTheConversionIsReturned(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	insurance := w.channels[payment.Insurance]
	insurance.sticky = true
	w.after(40*time.Second, func() { insurance.becomes(1, channel.Doubtful, "17") })
	w.decidesAt(time.Hour, payment.ConvertToSelfPay, "")
	w.at(time.Hour+time.Minute, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	w.paysAt(time.Hour+2*time.Minute, payment.Insurance, 1)
	w.paysAt(time.Hour+3*time.Minute, payment.WeChat, 2)
	w.ends(payment.Completed, "")
	require.Zero(t, insurance.held())
	require.EqualValues(t, 5000, w.channels[payment.WeChat].held())
}

func TestMoneyHandedBackOnSiteIsNotReturnedTwice(t *testing.T) {
	w := declined(t, payment.ByMixed)
	w.after(time.Hour, func() {
		w.update(workflows.UpdateDecideReview, payment.Decision{CaseID: w.standing().Case.ID, Verdict: payment.RefundOffline,
			Operator: "op-li", Reference: "RECEIPT-7", HandedBy: "cashier-wu"})
	})
	w.ends(payment.Refunded, string(payment.ReviewClearingFailed))
	require.Empty(t, w.asked("wechat refund"))
	require.Len(t, w.books.refunds, 1)
	require.Equal(t, "RECEIPT-7", w.books.refunds[0].offline)
	require.Equal(t, "cashier-wu", w.books.refunds[0].Actor)
}

func TestOnlyDecisionsThatMakeSenseAreOffered(t *testing.T) {
	for _, tc := range []struct {
		name    string
		w       *world
		allowed []payment.Verdict
	}{
		{"nothing is in, the attempt is dead", declined(t, payment.ByInsurance),
			[]payment.Verdict{payment.RetryClearing, payment.ConvertToSelfPay, payment.RefundAll, payment.Reject}},
		{"a part is in, the attempt is dead", declined(t, payment.ByMixed),
			[]payment.Verdict{payment.RetryClearing, payment.ConvertToSelfPay, payment.RefundAll, payment.RefundOffline, payment.Reject}},
		{"the platform does not know", func() *world {
			w := newWorld(t, by(payment.ByInsurance))
			w.verified()
			w.after(40*time.Second, func() { w.channels[payment.Insurance].becomes(1, channel.Doubtful, "17") })
			return w
		}(), []payment.Verdict{payment.RetryClearing, payment.ConfirmSettled, payment.ConvertToSelfPay, payment.RefundAll, payment.Reject}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var offered []payment.Verdict
			tc.w.after(59*time.Minute, func() { offered = tc.w.standing().Case.Allowed })
			tc.w.decidesAt(time.Hour, payment.Reject, "")
			_, err := tc.w.pay()
			require.NoError(t, err)
			require.Equal(t, tc.allowed, offered)
		})
	}
}

func TestAPersonsWordDoesNotCountAgainstThePlatforms(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.verified()
	insurance := w.channels[payment.Insurance]
	w.after(40*time.Second, func() { insurance.becomes(1, channel.Doubtful, "17") })
	w.after(time.Hour-time.Second, func() { insurance.becomes(1, channel.Declined, "15") })
	contradicted := w.decidesAt(time.Hour, payment.ConfirmSettled, "SETL-1")
	var open *payment.Case
	w.after(time.Hour+time.Minute, func() { open = w.standing().Case })
	w.decidesAt(2*time.Hour, payment.Reject, "")
	w.ends(payment.Rejected, string(payment.ReviewClearingUnknown))
	require.Equal(t, payment.CodeContradicted, contradicted.problem(t))
	require.NotNil(t, open, "nothing has changed")
	require.Equal(t, []payment.Verdict{payment.Reject}, w.books.decided())
}

func TestAboveTheLimitTwoPeopleDecide(t *testing.T) {
	w := declined(t, payment.ByMixed)
	w.second = workflows.Fen(4999)
	say := func(d time.Duration, operator string, v payment.Verdict) *later {
		l := &later{}
		w.after(d, func() {
			l.reply = w.update(workflows.UpdateDecideReview, payment.Decision{CaseID: w.standing().Case.ID, Verdict: v, Operator: operator})
		})
		return l
	}
	first := say(time.Hour, "op-li", payment.RefundAll)
	var waiting *payment.Case
	w.after(time.Hour+time.Minute, func() { c := *w.standing().Case; waiting = &c })
	same := say(time.Hour+2*time.Minute, " OP-LI ", payment.RefundAll)
	other := say(time.Hour+3*time.Minute, "op-wang", payment.Reject)
	confirmed := say(time.Hour+4*time.Minute, "op-li", payment.Reject)
	w.ends(payment.Rejected, string(payment.ReviewClearingFailed))
	require.Equal(t, payment.InReview, first.answered(t).Status, "nothing follows from one person's word")
	require.Equal(t, payment.RefundAll, waiting.Proposal.Verdict)
	require.Equal(t, payment.CodeSecondPerson, same.problem(t), "nobody is both")
	require.Equal(t, payment.InReview, other.answered(t).Status, "another decision is a proposal of its own")
	require.NoError(t, confirmed.err)
	require.Equal(t, "op-li", w.books.cases[0].decision.Operator)
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestUpToTheLimitOnePersonDecides(t *testing.T) {
	w := declined(t, payment.ByMixed)
	w.second = workflows.Fen(5000)
	w.decidesAt(time.Hour, payment.RefundAll, "")
	w.ends(payment.Refunded, string(payment.ReviewClearingFailed))
	require.Zero(t, w.seen.tried("Propose"))
}

func TestACaseThatNobodyDecidesInTimeStandsOut(t *testing.T) {
	w := declined(t, payment.ByMixed)
	type look struct {
		attention   any
		escalations int
	}
	var seen []look
	for _, d := range []time.Duration{23 * time.Hour, 25 * time.Hour, 49 * time.Hour} {
		w.after(d, func() { seen = append(seen, look{w.seen.attribute("Attention"), w.standing().Case.Escalations}) })
	}
	w.decidesAt(50*time.Hour, payment.RefundAll, "")
	w.ends(payment.Refunded, string(payment.ReviewClearingFailed))
	require.Equal(t, []look{{nil, 0}, {workflows.AttentionOverdue, 1}, {workflows.AttentionOverdue, 2}}, seen)
	require.Nil(t, w.seen.attribute("Attention"), "decided, it stands out no more")
	require.Equal(t, 2, w.books.cases[0].Escalations)
}

func TestAHISThatIsDownForHoursIsACaseThatClosesItself(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	var early, late *payment.Case
	var attention any
	w.after(119*time.Minute, func() { early = w.standing().Case })
	w.after(121*time.Minute, func() {
		late, attention = w.standing().Case, w.seen.attribute("Attention")
		require.Equal(t, payment.Paid, w.standing().Status, "the patient has paid, whoever looks")
	})
	w.after(5*time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.ends(payment.Completed, "")
	require.Nil(t, early)
	require.Equal(t, payment.ReviewHISDelayed, late.Reason)
	require.Equal(t, []payment.Verdict{payment.RefundAll}, late.Allowed)
	require.Equal(t, workflows.AttentionHISDelayed, attention)
	require.Nil(t, w.seen.attribute("Attention"))
	require.Equal(t, payment.ByHIS, w.books.cases[0].decision.Operator)
}

func TestStaffReturnTheMoneyOfAPaymentThatTheHISKeepsWaiting(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.decidesAt(3*time.Hour, payment.RefundAll, "")
	w.after(6*time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.ends(payment.Refunded, string(payment.ReviewHISDelayed))
	require.Zero(t, w.channels[payment.WeChat].held())
	require.False(t, w.his.has)
}
