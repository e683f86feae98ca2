package integration

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// TestThePatientPaysTheInsurancesPart by another channel, as staff decided.
func TestThePatientPaysTheInsurancesPart(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsurance(t)
	first := v.look().CapturedFen
	require.NoError(t, v.decide(payment.ConvertToSelfPay, ""))
	p := v.until(payment.AwaitingPayment)
	assert.Equal(t, string(payment.ConvertToSelfPay), p.Reason)
	_, err := w.in.API.ChangeMethod(t.Context(), v.id(), w.insured(t, renmin)(v.person))
	assert.Equal(t, payment.CodeMethod, code(err), "the insurance has failed")
	v.choose(scenario.UnionPay(payment.App))
	assert.Equal(t, scenario.Fee-first, v.answer.Tender.AmountFen, "the rest, and no more")
	v.pay()
	p = v.until(payment.Completed)
	assert.Equal(t, scenario.Fee, p.CapturedFen)
	assert.Zero(t, p.RefundedFen)
	v.isRegisteredOnce(p)
	v.isTold(payment.AwaitingPayment, payment.Completed)
}

// TestMoneyHandedBackAtTheCounter is in the books as returned, and the channel
// is not asked to return it as well.
func TestMoneyHandedBackAtTheCounter(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsurance(t)
	require.NoError(t, v.decide(payment.RefundOffline, "RECEIPT-1"))
	p := v.until(payment.Refunded)
	assert.Equal(t, p.CapturedFen, p.RefundedFen)
	assert.Empty(t, v.refunds(payment.WeChat))
}

// TestTwoPeopleDecideAboutMuchMoney and nobody is both.
func TestTwoPeopleDecideAboutMuchMoney(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsuranceAt(t, xiehe, costs(twoPeople+1))
	id := v.look().Case.CaseID
	say := func(who string, verdict payment.Verdict) (wire.Decided, error) {
		return w.in.Staff.Decide(t.Context(), v.id(), wire.Decision{CaseID: id, Decision: verdict, Operator: who})
	}
	d, err := say("op-li", payment.RefundAll)
	require.NoError(t, err)
	assert.True(t, d.Proposed)
	p := v.look()
	assert.Equal(t, payment.InReview, p.Status, "nothing follows from one person's word")
	require.NotNil(t, p.Case.Proposal)
	assert.Equal(t, "op-li", p.Case.Proposal.Operator)
	_, err = say("OP-LI", payment.RefundAll)
	assert.Equal(t, payment.CodeSecondPerson, code(err))
	d, err = say("op-wang", payment.RefundAll)
	require.NoError(t, err)
	assert.False(t, d.Proposed)
	v.until(payment.Refunded)
	assert.Subset(t, v.happened(), []string{"decision_proposed", "case_decided"})
}
