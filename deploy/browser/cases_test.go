package browser

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/store"
)

// visit is one registration of one patient, as the booking backend has it.
type visit struct {
	t      *testing.T
	w      *world
	person scenario.Person
	start  wire.Start
	answer wire.Answer
}

// change is a difference from what everybody asks for.
type change func(*visit)

func costs(fen int64) change {
	return func(v *visit) {
		v.start.Order.AmountFen = fen
		v.start.Order.Fees = []wire.Fee{{Code: "110200001", Name: "挂号费", AmountFen: fen}}
	}
}

// begin starts a payment.
func (w *world) begin(t *testing.T, hospital string, choose func(*visit) wire.Choice, changes ...change) *visit {
	t.Helper()
	v := &visit{t: t, w: w, person: scenario.NewPerson()}
	v.start = scenario.NewStart(hospital, v.person, wire.Choice{})
	v.start.Choice = choose(v)
	for _, c := range changes {
		c(v)
	}
	answer, _, err := w.in.API.Start(t.Context(), v.start)
	require.NoError(t, err)
	v.answer = answer
	return v
}

func (v *visit) hospital() string { return v.start.Order.HospitalID }
func (v *visit) order() string    { return v.start.Order.OrderNo }
func (v *visit) id() string       { return payment.ID(v.hospital(), v.order()) }

func wechat(*visit) wire.Choice { return scenario.WeChat(payment.Native) }

// mixed has the insurance pay a part.
func mixed(v *visit) wire.Choice {
	c, err := scenario.Mixed(v.t.Context(), v.w.in, v.hospital(), v.person, payment.WeChat, payment.Native)
	require.NoError(v.t, err)
	return c
}

// refusedConsent is a consent that the insurance platform will not know.
func refusedConsent(v *visit) wire.Choice {
	c := mixed(v)
	c.PayAuthNo = "0000000000000000000000000000000000000000"
	return c
}

func (v *visit) prove() {
	v.t.Helper()
	answer, err := scenario.Prove(v.t.Context(), v.w.in, v.answer)
	require.NoError(v.t, err)
	v.answer = answer
}

func (v *visit) pay() {
	v.t.Helper()
	require.NoError(v.t, scenario.Pay(v.t.Context(), v.w.in, v.answer, sandbox.Pay))
}

// look reads the payment as it stands.
func (v *visit) look() wire.Payment {
	v.t.Helper()
	p, err := v.w.in.API.Payment(v.t.Context(), v.id(), false)
	require.NoError(v.t, err)
	return p
}

// ends waits for a state.
func (v *visit) ends(state payment.Status) (p wire.Payment) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	p, err := scenario.Until(ctx, v.w.in, v.id(), state)
	require.NoError(v.t, err)
	return p
}

// inReview waits for an open case other than one that is known, and answers
// with its id. The patient asks now and then, which finds out what no
// notification told.
func (v *visit) inReview(reason payment.Reason, other string) string {
	v.t.Helper()
	id := ""
	v.w.until(v.t, "a case is open", func() bool {
		p, err := v.w.in.API.Payment(v.t.Context(), v.id(), true)
		if err != nil || p.Case == nil || p.Case.CaseID == other {
			return false
		}
		id = p.Case.CaseID
		return p.Case.Reason == reason
	})
	return id
}

// held is a payment with an open case.
type held struct {
	*visit
	id string // of the case
}

func (h held) page() string { return "/cases/" + h.id }

// desk is what the books have of the case.
func (h held) desk() store.DeskCase {
	h.t.Helper()
	c, err := h.w.books(h.t).DeskCase(h.t.Context(), h.id, clock())
	require.NoError(h.t, err)
	return c
}

// refused is a mixed payment whose self-pay part is in and whose insurance
// refused at once.
func (w *world) refused(t *testing.T, hospital string, changes ...change) held {
	t.Helper()
	v := w.begin(t, hospital, refusedConsent, changes...)
	v.prove()
	v.pay()
	return held{v, v.inReview(payment.ReviewClearingFailed, "")}
}

// unclear is a mixed payment whose clearing the platform itself cannot tell the
// end of.
func (w *world) unclear(t *testing.T, hospital string) held {
	t.Helper()
	v := w.begin(t, hospital, mixed)
	require.NoError(t, w.in.Sandbox.Instruct(t.Context(), sandbox.Instruction{Channel: string(payment.Insurance),
		Hospital: hospital, MerchantNo: payment.MerchantNo(v.order(), 2), Behaviour: sandbox.Abandon}))
	v.prove()
	v.pay()
	w.until(t, "the platform has the order", func() bool { return v.settles(local.InsuranceUnclear) == nil })
	return held{v, v.inReview(payment.ReviewClearingUnknown, "")}
}

// settles is the insurance platform's own staff at work.
func (v *visit) settles(result int) error {
	return v.w.in.Sandbox.SettleInsurance(v.t.Context(), v.hospital(), payment.MerchantNo(v.order(), 2), result)
}

// suspicious is a payment that the risk rules want somebody to look at.
func (w *world) suspicious(t *testing.T, hospital string, changes ...change) held {
	t.Helper()
	v := w.begin(t, hospital, wechat, append([]change{costs(reviewAmount)}, changes...)...)
	require.Equal(t, payment.InReview, v.answer.Status)
	return held{v, v.inReview(payment.ReviewRisk, "")}
}

// completed is a payment that is over and paid.
func (w *world) completed(t *testing.T, hospital string, changes ...change) *visit {
	t.Helper()
	v := w.begin(t, hospital, wechat, changes...)
	v.pay()
	v.ends(payment.Completed)
	return v
}

// stuck is a completed payment whose refund WeChat Pay cannot make.
func (w *world) stuck(t *testing.T, hospital string, changes ...change) held {
	t.Helper()
	v := w.completed(t, hospital, changes...)
	require.NoError(t, w.in.Sandbox.EndRefund(t.Context(), payment.RefundNo(v.order(), 1), local.RefundAbnormal))
	_, err := w.in.API.Refund(t.Context(), v.id(), wire.RefundOrder{Key: "all", AmountFen: v.start.Order.AmountFen, Reason: "visit_cancelled"})
	require.NoError(t, err)
	return held{v, v.inReview(payment.ReviewRefundFailed, "")}
}

// log is what the audit log of a subject has of an action, newest first.
func (w *world) log(t *testing.T, subject, action string) (found []store.LogLine) {
	t.Helper()
	lines, err := w.books(t).LogPage(t.Context(), subject, 0, 200)
	require.NoError(t, err)
	for _, l := range lines {
		if l.Action == action {
			found = append(found, l)
		}
	}
	return found
}
