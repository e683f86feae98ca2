package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"go.temporal.io/sdk/testsuite"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// world keeps what was done, in order; the answers are a test's own.
type world struct {
	activities.Store     // a method that a test does not expect panics
	activities.Hospitals // the same

	did      []string
	attempt  store.Attempt
	refund   store.RefundRow
	view     store.View
	errs     map[string]error // by what was done
	report   channel.Report
	refunds  channel.RefundReport // the channel's answer to Refund
	asked    channel.RefundReport // and to QueryRefund
	saved    channel.Prepaid
	charged  channel.Charge
	kept     []channel.RefundReport
	ordered  store.RefundOrder
	capture  store.Capture
	opening  store.Opening
	secret   []byte
	second   money.Money // two people decide above it
	opened   payment.Case
	face     identity.FaceResult
	told     his.Registration
	line     store.Line // before a payment that is to be registered
	repeated bool       // the capture was in the books before
	inDoubt  bool       // a try of the charge before may have come to something
	before   time.Time  // when it has to be paid to stand there
	windows  payment.Windows
	looked   [][]payment.System // what windows were looked for
}

func newWorld() *world {
	return &world{errs: map[string]error{}, secret: []byte("a secret of the hospital"), face: identity.FacePassed}
}

func (w *world) do(what string) error {
	w.did = append(w.did, what)
	return w.errs[what]
}

func (w *world) BeginAttempt(_ context.Context, c channel.Charge, next payment.Status) (store.Attempt, error) {
	w.charged = c
	if w.attempt.Charge.MerchantNo == "" {
		w.attempt.Charge = c
	}
	return w.attempt, w.do("begin " + string(next))
}

func (w *world) AskAgain(context.Context, string, int) (bool, error) {
	return w.inDoubt, w.do("ask again")
}

func (w *world) CameToNothing(context.Context, string, int) error { return w.do("came to nothing") }

func (w *world) SavePrepaid(_ context.Context, _ string, _ int, p channel.Prepaid, _ time.Time) error {
	w.saved = p
	return w.do("save")
}

func (w *world) Attempt(context.Context, string, int) (store.Attempt, error) {
	return w.attempt, w.do("attempt")
}

func (w *world) EndAttempt(_ context.Context, _ string, _ int, s channel.State, code string, _ time.Time) error {
	return w.do(fmt.Sprintf("end %s %s", s, code))
}

func (w *world) RecordCapture(_ context.Context, c store.Capture) (store.Captured, error) {
	w.capture = c
	return store.Captured{VoucherCode: "v-1", Repeated: w.repeated}, w.do("capture")
}

func (w *world) OpenPayment(_ context.Context, o store.Opening) (store.Opened, error) {
	w.opening = o
	return store.Opened{Assessment: risk.Assessment{Verdict: risk.Review, Rule: "amount"}}, w.do("open")
}

func (w *world) Refund(context.Context, string, int) (store.RefundRow, error) {
	return w.refund, w.do("refund row")
}

func (w *world) ReserveRefund(_ context.Context, o store.RefundOrder) (store.RefundRow, error) {
	w.ordered = o
	return store.RefundRow{N: 2, Key: o.Key, Refund: channel.Refund{Amount: o.Amount}}, w.do("reserve " + o.Amount.Yuan())
}

func (w *world) RefundSent(context.Context, string, int, time.Time) (store.RefundRow, error) {
	return w.refund, w.do("sent")
}

func (w *world) RetryRefund(_ context.Context, _ string, _, retry int, _ time.Time) (store.RefundRow, error) {
	return w.refund, w.do(fmt.Sprint("retry ", retry))
}

func (w *world) RecordRefund(_ context.Context, _ string, _ int, r channel.RefundReport, _ string, _ time.Time) (store.RefundRow, error) {
	w.kept = append(w.kept, r)
	return w.refund, w.do("record " + string(r.State))
}

func (w *world) Payment(context.Context, string) (store.View, error) { return w.view, w.do("view") }
func (w *world) Standing(context.Context, string) (store.Standing, error) {
	return w.view.Standing, w.do("standing")
}
func (w *world) Complete(context.Context, string, time.Time) error { return w.do("complete") }
func (w *world) MoveTo(_ context.Context, m store.Move) error      { return w.do("move " + string(m.To)) }
func (w *world) RecordRegistered(_ context.Context, _ string, r his.Registered, next payment.Status, _ time.Time) error {
	return w.do(string(next) + " " + r.AppointmentID)
}
func (w *world) ActiveWindows(_ context.Context, _ string, at time.Time, systems ...payment.System) (payment.Windows, error) {
	w.looked = append(w.looked, systems)
	return w.windows, w.errs["windows"]
}
func (w *world) LineBefore(_ context.Context, _ string, before time.Time) (store.Line, error) {
	w.before = before
	return w.line, w.errs["line"]
}
func (w *world) ChooseMethod(context.Context, string, payment.Choice, time.Time) error {
	return w.do("choose")
}
func (w *world) AnswerSMS(_ context.Context, _, _, code string, _ time.Time) error {
	return w.do("sms " + code)
}
func (w *world) Challenge(_ context.Context, id string) (store.Challenge, error) {
	return store.Challenge{ID: id, PaymentID: "pay_1", HospitalID: "h-one", Kind: payment.ByFace, VerifyID: "v", OutSeqNo: "s"}, w.do("challenge")
}
func (w *world) PassFace(context.Context, string, string, time.Time) error { return w.do("pass") }

// The configuration.
func (w *world) Channel(_ string, ch payment.Channel) (channel.Client, error) {
	if err := w.errs["channel "+string(ch)]; err != nil {
		return nil, err
	}
	return client{w: w}, nil
}
func (w *world) HIS(string) (his.Gateway, error)               { return gateway{w}, nil }
func (w *world) Face(string) (identity.Face, error)            { return face{w}, nil }
func (w *world) SecondPersonAbove(string) (money.Money, error) { return w.second, nil }

func (w *world) Rules(string) (risk.Rules, error) {
	return risk.Rules{ReviewAfter: 3}, w.errs["rules"]
}
func (w *world) FeeRate(string, payment.Channel) (decimal.Decimal, error) {
	return decimal.New(6, -3), w.errs["fee"]
}
func (w *world) CallbackSecret(string) ([]byte, error) { return w.secret, w.errs["secret"] }

type client struct {
	channel.Client
	w *world
}

func (c client) Prepay(_ context.Context, ch channel.Charge) (channel.Prepaid, error) {
	what := "prepay"
	if ch.Repeat {
		what = "prepay again"
	}
	return channel.Prepaid{Handle: "h", Pay: payment.PayParams{"tn": "1"}, Report: c.w.report}, c.w.do(what)
}
func (c client) Query(context.Context, channel.Charge) (channel.Report, error) {
	return c.w.report, c.w.do("query")
}
func (c client) Close(context.Context, channel.Charge) (channel.Report, error) {
	return c.w.report, c.w.do("close")
}
func (c client) Refund(context.Context, channel.Charge, channel.Refund) (channel.RefundReport, error) {
	return c.w.refunds, c.w.do("refund")
}
func (c client) QueryRefund(context.Context, channel.Charge, channel.Refund) (channel.RefundReport, error) {
	return c.w.asked, c.w.do("query refund")
}

type gateway struct{ w *world }

func (g gateway) Register(_ context.Context, r his.Registration) (his.Registered, error) {
	g.w.told = r
	return his.Registered{AppointmentID: "A-1"}, g.w.do("register")
}
func (g gateway) Cancel(context.Context, his.Registration) error { return g.w.do("cancel") }

type face struct{ w *world }

func (f face) Start(context.Context, identity.FaceStart) (identity.FaceTicket, error) {
	return identity.FaceTicket{}, f.w.do("face start")
}
func (f face) Result(context.Context, identity.FaceTicket, identity.FaceStart) (identity.FaceResult, error) {
	return f.w.face, f.w.do("face result")
}

// local and queued run a step as the workflows do: inside the workflow task,
// or on a queue.
func local[I, O any](t *testing.T, receiver any, step func(context.Context, I) (O, error), in I) (O, error) {
	return run[I, O](t, receiver, in, func(env *testsuite.TestActivityEnvironment) (value, error) { return env.ExecuteLocalActivity(step, in) })
}

func queued[I, O any](t *testing.T, receiver any, step func(context.Context, I) (O, error), in I) (O, error) {
	return run[I, O](t, receiver, in, func(env *testsuite.TestActivityEnvironment) (value, error) { return env.ExecuteActivity(step, in) })
}

type value interface{ Get(any) error }

func run[I, O any](t *testing.T, receiver any, _ I, do func(*testsuite.TestActivityEnvironment) (value, error)) (O, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(receiver)
	var out O
	v, err := do(env)
	if err != nil {
		return out, err
	}
	if v != nil {
		err = v.Get(&out)
	}
	return out, err
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func timeout() error {
	return &payment.Failure{Kind: payment.Uncertain, System: "wechat", Op: "prepay", Err: context.DeadlineExceeded}
}

func order() payment.Order {
	return payment.Order{HospitalID: "h-one", OrderNo: "ORDER0001", Amount: money.Fen(5000),
		Patient: payment.Patient{Name: "王小测", IDNumber: "110101199003071233", Phone: "13812345678"},
		Slot:    payment.Slot{ID: "s", Department: "心内科", Doctor: "李医生"}}
}

func (w *world) OpenCase(_ context.Context, _ string, c payment.Case, _ payment.Status, _ time.Time) error {
	w.opened = c
	return w.do("open case")
}
