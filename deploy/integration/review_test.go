package integration

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/workflows"
)

const operator = "li"

// refusedByInsurance is a mixed payment whose consent the platform does not
// know: the self-pay part is in and the insurance refuses at once.
func (w *world) refusedByInsurance(t *testing.T) *visit { return w.refusedByInsuranceAt(t, renmin) }

func (w *world) refusedByInsuranceAt(t *testing.T, hospital string, changes ...func(*wire.Start)) *visit {
	t.Helper()
	v := w.withoutConsent(t, hospital, changes...)
	v.prove()
	v.pay()
	p := v.until(payment.InReview)
	require.NotNil(t, p.Case)
	require.Equal(t, payment.ReviewClearingFailed, p.Case.Reason)
	return v
}

// withoutConsent is a mixed payment with a consent that the platform does not
// know.
func (w *world) withoutConsent(t *testing.T, hospital string, changes ...func(*wire.Start)) *visit {
	t.Helper()
	return w.begin(t, hospital, func(p scenario.Person) wire.Choice {
		c := w.mixed(t, hospital, payment.WeChat, payment.Native)(p)
		c.PayAuthNo = "0000000000000000000000000000000000000000"
		return c
	}, changes...)
}

// unclearAtInsurance is a mixed payment that the platform accepts and then
// fails or cannot tell the end of, which is found out by asking.
func (w *world) unclearAtInsurance(t *testing.T, result int) *visit {
	t.Helper()
	v := w.clearing(t)
	v.eventually("the platform has the order", func() bool { return v.settleByHand(result) == nil })
	v.asking(payment.InReview)
	return v
}

// clearing is a mixed payment that the platform has accepted.
func (w *world) clearing(t *testing.T) *visit {
	t.Helper()
	v := w.begin(t, xiehe, w.mixed(t, xiehe, payment.WeChat, payment.Native))
	v.instruct(payment.Insurance, 2, sandbox.Abandon)
	v.prove()
	v.pay()
	v.until(payment.Clearing)
	return v
}

// settleByHand is the insurance platform's own staff at work.
func (v *visit) settleByHand(result int) error {
	return v.w.in.Sandbox.SettleInsurance(v.t.Context(), v.hospital(), payment.MerchantNo(v.order(), 2), result)
}

// asking waits for a state, with a patient who asks.
func (v *visit) asking(state payment.Status) (p wire.Payment) {
	v.t.Helper()
	v.eventually("asking finds "+string(state), func() bool {
		var err error
		p, err = v.w.in.API.Payment(v.t.Context(), v.id(), true)
		return err == nil && p.Status == state
	})
	return p
}

// decide sends staff's decision on the open case.
func (v *visit) decide(verdict payment.Verdict, reference string) error {
	v.t.Helper()
	p := v.look()
	require.NotNil(v.t, p.Case)
	_, err := v.w.in.Staff.Decide(v.t.Context(), v.id(), wire.Decision{
		CaseID: p.Case.CaseID, Decision: verdict, Operator: operator, Note: "looked into it", Reference: reference})
	return err
}

// TestStaffDecideWhatTheInsuranceCannot by the API: every decision.
func TestStaffDecideWhatTheInsuranceCannot(t *testing.T) {
	w := hold(t)
	t.Run("refund", func(t *testing.T) {
		t.Parallel()
		v := w.refusedByInsurance(t)
		require.NoError(t, v.decide(payment.RefundAll, ""))
		p := v.until(payment.Refunded)
		assert.Equal(t, int64(1500), p.RefundedFen)
		assert.Nil(t, p.Case)
		assert.Contains(t, v.happened(), "case_decided")
		v.isTold(payment.Refunded)
		v.settles()
	})
	t.Run("reject", func(t *testing.T) {
		t.Parallel()
		v := w.refusedByInsurance(t)
		require.NoError(t, v.decide(payment.Reject, ""))
		p := v.until(payment.Rejected)
		assert.Equal(t, p.CapturedFen, p.RefundedFen)
		v.isTold(payment.Rejected)
	})
	t.Run("retry, refused once more, refund", func(t *testing.T) {
		t.Parallel()
		v := w.refusedByInsurance(t)
		first := v.look().Case.CaseID
		require.NoError(t, v.decide(payment.RetryClearing, ""))
		v.eventually("there is another case", func() bool {
			p := v.look()
			return p.Case != nil && p.Case.CaseID != first
		})
		_, err := w.in.Staff.Decide(t.Context(), v.id(), wire.Decision{CaseID: first, Decision: payment.RefundAll, Operator: operator})
		assert.Contains(t, []string{payment.CodeCaseUnknown, payment.CodeCaseClosed}, code(err), "the first case is decided")
		require.NoError(t, v.decide(payment.RefundAll, ""))
		v.until(payment.Refunded)
	})
	t.Run("retry without a fresh consent is refused, with one it clears", func(t *testing.T) {
		t.Parallel()
		v := w.unclearAtInsurance(t, local.InsuranceFailed)
		assert.Equal(t, payment.ReviewClearingFailed, v.look().Case.Reason)
		first := v.look().Case.CaseID
		require.NoError(t, v.decide(payment.RetryClearing, "")) // the consent was used up
		v.eventually("there is another case", func() bool { c := v.look().Case; return c != nil && c.CaseID != first })
		v.choose(w.mixed(t, xiehe, payment.WeChat, payment.Native)(v.person))
		p := v.until(payment.Completed)
		assert.Equal(t, scenario.Fee, p.CapturedFen)
		assert.Len(t, v.charges(payment.WeChat), 1, "what was paid already is not asked for again")
		v.isRegisteredOnce(p)
		v.settles()
	})
	t.Run("it settles before anybody has decided", func(t *testing.T) {
		t.Parallel()
		v := w.unclearAtInsurance(t, local.InsuranceUnclear)
		assert.Equal(t, payment.ReviewClearingUnknown, v.look().Case.Reason)
		require.NoError(t, v.settleByHand(local.InsuranceSettled))
		p := v.until(payment.Completed)
		assert.Equal(t, scenario.Fee, p.CapturedFen)
		assert.Nil(t, p.Case)
		v.isRegisteredOnce(p)
	})
	t.Run("confirmed, and the platform tells of the same money afterwards", func(t *testing.T) {
		t.Parallel()
		v := w.unclearAtInsurance(t, local.InsuranceUnclear)
		require.Equal(t, payment.CodeReference, code(v.decide(payment.ConfirmSettled, "")), "a number that can be checked")
		require.NoError(t, v.decide(payment.ConfirmSettled, "SETTLED0001"))
		p := v.until(payment.Completed)
		assert.Equal(t, scenario.Fee, p.CapturedFen)
		before := w.told(t, v)
		require.NoError(t, v.settleByHand(local.InsuranceSettled))
		v.eventually("the notice is in", func() bool { return w.told(t, v) > before })
		v.settles()
		assert.Empty(t, v.refunds(payment.Insurance))
		assert.Equal(t, scenario.Fee, v.look().CapturedFen, "it is no second payment")
		v.isRegisteredOnce(p)
	})
	t.Run("by the signal of Temporal's UI", func(t *testing.T) {
		t.Parallel()
		v := w.refusedByInsurance(t)
		// As an operator types it there: plain JSON, with nobody's key.
		signal := func(caseID string) {
			require.NoError(t, w.temporal.SignalWorkflow(t.Context(), v.workflow(), "",
				workflows.SignalManualReview, map[string]string{"case_id": caseID, "decision": "refund", "operator": "operator-7", "note": "by hand"}))
		}
		signal("not-the-case")
		signal(v.look().Case.CaseID)
		v.until(payment.Refunded)
		line, err := w.in.API.Timeline(t.Context(), v.id())
		require.NoError(t, err)
		decided := 0
		for _, e := range line.Items {
			if e.Action == "case_decided" {
				decided++
				assert.Equal(t, "operator-7", e.Actor)
			}
		}
		assert.Equal(t, 1, decided, "the signal about another case changed nothing")
	})
}

// TestStaffKnowWhatNoNoticeTold: the platform has settled and its notice is
// lost, so a decision has to find the money by itself.
func TestStaffKnowWhatNoNoticeTold(t *testing.T) {
	w := hold(t, insurance)
	w.breakPart(t, insurance, sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}})
	for verdict, reference := range map[payment.Verdict]string{payment.RetryClearing: "", payment.ConfirmSettled: "SETTLED0002"} {
		t.Run(string(verdict), func(t *testing.T) {
			v := w.unclearAtInsurance(t, local.InsuranceUnclear)
			require.NoError(t, v.settleByHand(local.InsuranceSettled))
			require.NoError(t, v.decide(verdict, reference))
			p := v.until(payment.Completed)
			assert.Equal(t, scenario.Fee, p.CapturedFen)
			require.Len(t, v.charges(payment.Insurance), 1, "it was asked for once")
			v.isRegisteredOnce(p)
			v.settles()
		})
	}
}

// TestAWrongDecisionIsRefusedAndChangesNothing.
func TestAWrongDecisionIsRefusedAndChangesNothing(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsurance(t)
	before := v.look()
	good := wire.Decision{CaseID: before.Case.CaseID, Decision: payment.RefundAll, Operator: operator}
	for rule, c := range map[string]struct {
		change func(*wire.Decision)
		code   string
	}{
		"another case":      {func(d *wire.Decision) { d.CaseID = v.id() + "-C9" }, payment.CodeCaseUnknown},
		"nobody's case":     {func(d *wire.Decision) { d.CaseID = "x" }, payment.CodeCaseUnknown},
		"not allowed":       {func(d *wire.Decision) { d.Decision = payment.Approve }, payment.CodeDecision},
		"unknown verdict":   {func(d *wire.Decision) { d.Decision = "maybe" }, api.CodeInvalid},
		"nobody decided":    {func(d *wire.Decision) { d.Operator = "" }, payment.CodeOperator},
		"without a number":  {func(d *wire.Decision) { d.Decision = payment.RefundOffline }, payment.CodeReference},
		"settled after all": {func(d *wire.Decision) { d.Decision, d.Reference = payment.ConfirmSettled, "SETL-1" }, payment.CodeDecision},
	} {
		d := good
		c.change(&d)
		_, err := w.in.Staff.Decide(t.Context(), v.id(), d)
		assert.Equal(t, c.code, code(err), rule)
	}
	_, err := w.in.API.Decide(t.Context(), v.id(), good)
	assert.Equal(t, api.CodeForbidden, code(err), "a booking backend's key decides nothing")
	assert.Equal(t, before, v.look())

	_, err = w.in.Staff.Decide(t.Context(), v.id(), good)
	require.NoError(t, err)
	_, err = w.in.Staff.Decide(t.Context(), v.id(), good)
	assert.Equal(t, payment.CodeCaseClosed, code(err), "decided already")
	v.until(payment.Refunded)
	_, err = w.in.Staff.Decide(t.Context(), v.id(), good)
	assert.Equal(t, payment.CodeCaseClosed, code(err), "ended already")
	assert.Len(t, v.refunds(payment.WeChat), 1)
}

// TestOpenCasesAreListedForStaff.
func TestOpenCasesAreListedForStaff(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsurance(t)
	find := func(hospital string) (found *wire.Review) {
		cursor := ""
		for {
			page, err := w.in.Staff.Reviews(t.Context(), hospital, cursor)
			require.NoError(t, err)
			for _, r := range page.Items {
				if r.PaymentID == v.id() {
					found = &r
				}
			}
			if page.Next == "" {
				return found
			}
			cursor = page.Next
		}
	}
	all := find("")
	require.NotNil(t, all)
	assert.Equal(t, payment.ReviewClearingFailed.AllowedIn(payment.Situation{MoneyIn: true, Dead: true}), all.Allowed)
	assert.Equal(t, scenario.Fee, all.AmountFen)
	assert.Equal(t, v.order(), all.OrderNo)
	assert.NotNil(t, find(renmin))
	assert.Nil(t, find(xiehe))
	_, err := w.in.API.Reviews(t.Context(), "", "")
	assert.Equal(t, api.CodeForbidden, code(err))
	require.NoError(t, v.decide(payment.RefundAll, ""))
	v.until(payment.Refunded)
	assert.Nil(t, find(""))
}

// TestTheRiskRulesPassRefuseOrReview.
func TestTheRiskRulesPassRefuseOrReview(t *testing.T) {
	w := hold(t)
	t.Run("a large amount is looked at, and approved", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative, costs(reviewAmount))
		require.Equal(t, payment.InReview, v.answer.Status)
		require.Equal(t, payment.ReviewRisk, v.look().Case.Reason)
		assert.Empty(t, v.charges(payment.WeChat), "nothing is asked for yet")
		require.NoError(t, v.decide(payment.Approve, ""))
		p := v.until(payment.AwaitingPayment)
		v.eventually("the code to pay is there", func() bool {
			p = v.look()
			return len(p.Tenders) == 1 && p.Tenders[0].Pay["code_url"] != ""
		})
		require.NoError(t, w.in.Sandbox.Instruct(t.Context(), sandbox.Instruction{Channel: "wechat", Token: p.Tenders[0].Pay["code_url"], Behaviour: sandbox.Pay}))
		v.until(payment.Completed)
	})
	t.Run("a large amount is looked at, and rejected", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, wechatNative, costs(reviewAmount))
		require.NoError(t, v.decide(payment.Reject, ""))
		v.until(payment.Rejected)
		assert.Empty(t, v.charges(payment.WeChat))
	})
	t.Run("a patient on the block list is refused", func(t *testing.T) {
		t.Parallel()
		books, err := w.in.Books(t.Context())
		require.NoError(t, err)
		v := w.arrange(t, renmin, wechatNative)
		require.NoError(t, books.Block(t.Context(), renmin, v.person.IDNumber, "test", operator, clock()))
		v.begin()
		assert.Equal(t, payment.Rejected, v.answer.Status)
		assert.Equal(t, "block_list", v.answer.Reason)
		assert.Nil(t, v.answer.Tender)
		v.isTold(payment.Rejected)
		assert.Empty(t, v.charges(payment.WeChat))
	})
	t.Run("missed appointments are looked at", func(t *testing.T) {
		t.Parallel()
		books, err := w.in.Books(t.Context())
		require.NoError(t, err)
		v := w.arrange(t, renmin, wechatNative)
		for _, slot := range []string{"one", "two"} {
			require.NoError(t, books.RecordNoShow(t.Context(), renmin, v.person.IDNumber, slot, clock()))
		}
		v.begin()
		assert.Equal(t, payment.InReview, v.answer.Status)
		require.NoError(t, v.decide(payment.Reject, ""))
		v.until(payment.Rejected)
	})
	t.Run("many payments of one patient are looked at, more are refused", func(t *testing.T) {
		t.Parallel()
		person := scenario.NewPerson()
		var got []payment.Status
		for range refuseAfter + 1 {
			v := w.arrange(t, xiehe, wechatNative, window(short))
			v.person = person
			v.start.Order.Patient = person.Patient()
			v.begin()
			got = append(got, v.answer.Status)
			if v.answer.Status == payment.InReview {
				require.NoError(t, v.decide(payment.Reject, ""))
			}
		}
		assert.Equal(t, []payment.Status{payment.AwaitingPayment, payment.AwaitingPayment, payment.AwaitingPayment,
			payment.InReview, payment.Rejected}, got)
	})
}
