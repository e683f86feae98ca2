package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	sandboxhis "github.com/regpay/regpay/internal/sandbox/his"
	"github.com/regpay/regpay/workflows"
)

// patience is how long a test waits for what takes seconds; slowly for what
// waits for a minute of silence first; soon for what a patient waits for in
// front of the screen.
const (
	soon     = 15 * time.Second
	patience = 45 * time.Second
	slowly   = 150 * time.Second
)

// visit is one registration of one patient.
type visit struct {
	t      *testing.T
	w      *world
	person scenario.Person
	start  wire.Start
	answer wire.Answer
}

// arrange makes a request to pay without sending it.
func (w *world) arrange(t *testing.T, hospital string, choose func(scenario.Person) wire.Choice, change ...func(*wire.Start)) *visit {
	t.Helper()
	v := &visit{t: t, w: w, person: scenario.NewPerson()}
	v.start = scenario.NewStart(hospital, v.person, choose(v.person))
	v.start.CallbackURL = w.backend.url(hospital, v.order())
	for _, f := range change {
		f(&v.start)
	}
	t.Cleanup(v.explain)
	return v
}

// explain shows what happened to the payment of a test that failed.
func (v *visit) explain() {
	if !v.t.Failed() {
		return
	}
	line, err := v.w.in.API.Timeline(background(), v.id())
	if err != nil {
		v.t.Logf("order %s: %v", v.order(), err)
		return
	}
	for _, e := range line.Items {
		v.t.Logf("order %s: %s %s %s %v", v.order(), e.At.Format("15:04:05.000"), e.Actor, e.Action, e.Detail)
	}
	events, _ := v.w.events(background(), v.workflow()) // what can be had
	for _, e := range events {
		v.t.Logf("order %s: %s %s %s%s", v.order(), e.GetEventTime().AsTime().Format("15:04:05.000"), e.GetEventType(),
			e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName(), e.GetMarkerRecordedEventAttributes().GetFailure().GetMessage())
	}
}

// begin arranges a payment and starts it.
func (w *world) begin(t *testing.T, hospital string, choose func(scenario.Person) wire.Choice, change ...func(*wire.Start)) *visit {
	t.Helper()
	v := w.arrange(t, hospital, choose, change...)
	v.begin()
	return v
}

func (v *visit) begin() {
	v.t.Helper()
	answer, replayed, err := v.w.in.API.Start(v.t.Context(), v.start)
	require.NoError(v.t, err)
	require.False(v.t, replayed, "a new order")
	v.answer = answer
}

func (v *visit) hospital() string { return v.start.Order.HospitalID }
func (v *visit) order() string    { return v.start.Order.OrderNo }
func (v *visit) id() string       { return payment.ID(v.hospital(), v.order()) }
func (v *visit) workflow() string { return workflows.PaymentWorkflowID(v.hospital(), v.order()) }

// Ways to choose.
func wechatNative(scenario.Person) wire.Choice  { return scenario.WeChat(payment.Native) }
func wechatJSAPI(scenario.Person) wire.Choice   { return scenario.WeChat(payment.JSAPI) }
func unionpayFront(scenario.Person) wire.Choice { return scenario.UnionPay(payment.Front) }
func unionpayApp(scenario.Person) wire.Choice   { return scenario.UnionPay(payment.App) }

func (w *world) insured(t *testing.T, hospital string) func(scenario.Person) wire.Choice {
	return func(p scenario.Person) wire.Choice {
		c, err := scenario.Insurance(t.Context(), w.in, hospital, p)
		require.NoError(t, err)
		return c
	}
}

func (w *world) mixed(t *testing.T, hospital string, ch payment.Channel, s payment.Scene) func(scenario.Person) wire.Choice {
	return func(p scenario.Person) wire.Choice {
		c, err := scenario.Mixed(t.Context(), w.in, hospital, p, ch, s)
		require.NoError(t, err)
		return c
	}
}

// window is how long the patient has.
func window(d time.Duration) func(*wire.Start) {
	return func(s *wire.Start) { s.PayWithinSeconds = int64(d / time.Second) }
}

// costs changes the price.
func costs(fen int64) func(*wire.Start) {
	return func(s *wire.Start) {
		s.Order.AmountFen, s.Order.Fees = fen, []wire.Fee{{Code: "110200001", Name: "挂号费", AmountFen: fen}}
	}
}

// pay lets the patient pay what the last answer asked for.
func (v *visit) pay() { v.act(sandbox.Pay) }

func (v *visit) act(do sandbox.Behaviour) {
	v.t.Helper()
	require.NoError(v.t, scenario.Pay(v.t.Context(), v.w.in, v.answer, do))
}

// prove lets the patient answer a code by SMS.
func (v *visit) prove() {
	v.t.Helper()
	answer, err := scenario.Prove(v.t.Context(), v.w.in, v.answer)
	require.NoError(v.t, err)
	v.answer = answer
}

// instruct tells the patient of the n-th charge what to do, before it exists.
func (v *visit) instruct(ch payment.Channel, n int, do sandbox.Behaviour) {
	v.t.Helper()
	require.NoError(v.t, v.w.in.Sandbox.Instruct(v.t.Context(), sandbox.Instruction{
		Channel: string(ch), Hospital: v.hospital(), MerchantNo: payment.MerchantNo(v.order(), n), Behaviour: do}))
}

// until waits for a state.
func (v *visit) until(states ...payment.Status) wire.Payment { return v.within(patience, states...) }

func (v *visit) within(d time.Duration, states ...payment.Status) wire.Payment {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), d)
	defer cancel()
	p, err := scenario.Until(ctx, v.w.in, v.id(), states...)
	require.NoError(v.t, err)
	return p
}

// look reads the payment as it stands.
func (v *visit) look() wire.Payment {
	v.t.Helper()
	p, err := v.w.in.API.Payment(v.t.Context(), v.id(), false)
	require.NoError(v.t, err)
	return p
}

// eventually waits until a condition holds.
func (v *visit) eventually(what string, holds func() bool) { v.w.eventually(v.t, what, holds) }

func (w *world) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, scenario.Wait(ctx, func() (bool, error) { return holds(), nil }), what)
}

// happened lists the actions of the payment's timeline.
func (v *visit) happened() []string {
	v.t.Helper()
	line, err := v.w.in.API.Timeline(v.t.Context(), v.id())
	require.NoError(v.t, err)
	var all []string
	for _, e := range line.Items {
		all = append(all, e.Action)
	}
	return all
}

// charges and refunds are what a channel has of the order in its own books;
// every one of them, whatever number it was made under.
func (v *visit) charges(ch payment.Channel) (all []sandbox.Charge) {
	v.t.Helper()
	for _, c := range v.w.book(v.t, ch).Charges {
		if v.mine(c.Hospital, c.MerchantNo) {
			all = append(all, c)
		}
	}
	return all
}

func (v *visit) refunds(ch payment.Channel) (all []sandbox.Refund) {
	v.t.Helper()
	for _, r := range v.w.book(v.t, ch).Refunds {
		if v.mine(r.Hospital, r.MerchantNo) {
			all = append(all, r)
		}
	}
	return all
}

func (v *visit) mine(hospital, merchantNo string) bool {
	order, _, ok := payment.SplitMerchantNo(merchantNo)
	return ok && order == v.order() && hospital == v.hospital()
}

// appointments is what the HIS has of the order.
func (v *visit) appointments() (all []sandboxhis.AppointmentEntry) {
	v.t.Helper()
	for _, a := range v.w.books(v.t).HIS.Appointments {
		if a.Hospital == v.hospital() && a.OrderNo == v.order() {
			all = append(all, a)
		}
	}
	return all
}

// code is the stable code of an API's refusal, empty for none.
func code(err error) string {
	var p *wire.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	if err != nil {
		return "not a problem: " + err.Error()
	}
	return ""
}

// status is the HTTP status of an API's refusal, zero for none.
func status(err error) int {
	var p *wire.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}
