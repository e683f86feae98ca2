package workflows_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/workflows"
)

// world is everything that a payment touches, in memory, with the clock of
// Temporal's test suite: the real workflows and the real activities run
// against books that accept only what the real ones do, and counterparties
// whose behaviour a test sets.
type world struct {
	t        *testing.T
	env      *testsuite.TestWorkflowEnvironment
	request  payment.Request
	rules    risk.Rules
	second   money.Money // two people decide above it
	books    *fakeBooks
	channels map[payment.Channel]*fakeChannel
	his      *fakeHIS
	face     *fakeFace
	backend  *fakeBackend
	seen     *observer
	told     []*workflows.Outcome // to the process
	ended    bool

	mu    sync.Mutex
	steps []string // what the counterparties were asked, in order
}

const secret = "regpay-test-secret-of-32-bytes!!"

// limit ends a workflow that stands still; nothing real takes as long.
const limit = 40 * 24 * time.Hour

// noon is when every test's payment starts.
var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, r payment.Request) *world {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	w := &world{t: t, env: suite.NewTestWorkflowEnvironment(), request: r}
	w.env.SetStartTime(noon)
	w.env.SetTestTimeout(10 * time.Second)
	w.books = newFakeBooks(w)
	w.channels = map[payment.Channel]*fakeChannel{}
	for _, ch := range payment.Channels() {
		w.channels[ch] = newFakeChannel(w, ch)
	}
	w.his, w.face, w.backend = &fakeHIS{w: w}, &fakeFace{w: w, result: identity.FacePassed}, &fakeBackend{w: w}
	w.seen = observe(w)
	for _, steps := range []any{
		&activities.Books{Store: w.books, Hospitals: w},
		&activities.Channels{Store: w.books, Hospitals: w, Clock: w.now},
		&activities.Refunds{Store: w.books, Hospitals: w, Clock: w.now},
		&activities.HIS{Store: w.books, Hospitals: w, Clock: w.now},
		&activities.Proofs{Store: w.books, Hospitals: w},
		&activities.Windows{Store: w.books, Clock: w.now},
		&activities.Backend{Store: w.books, Hospitals: w, Clock: w.now, HTTP: w.backend.client()},
	} {
		w.env.RegisterActivity(steps)
	}
	for name, f := range map[string]any{
		workflows.TypeRegistrationPayment: func(ctx workflow.Context, r workflows.Request) (workflows.Result, error) {
			return workflows.Pay(ctx, r, func(_ string, o *workflows.Outcome) { w.told = append(w.told, o) })
		},
		workflows.TypeRefund:       workflows.Refund,
		workflows.TypeStrayPayment: workflows.StrayPayment,
	} {
		w.env.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
	return w
}

func (w *world) now() time.Time { return w.env.Now() }

// notes keeps what a counterparty was asked.
func (w *world) notes(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, what)
}

// asked is what the counterparties were asked, in order; with a prefix only
// what begins so.
func (w *world) asked(prefix string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, s := range w.steps {
		if strings.HasPrefix(s, prefix) {
			all = append(all, s)
		}
	}
	return all
}

// after does something at a time counted from the payment's start.
func (w *world) after(d time.Duration, f func()) { w.env.RegisterDelayedCallback(f, d) }

// pay runs the payment to its end. It also looks at what every payment has to
// keep: no personal data outside of encrypted values (I10), and no money left
// without an owner (I1, I2).
func (w *world) pay() (workflows.Result, error) {
	w.t.Helper()
	options := workflows.StartOptions(w.request, noon)
	options.WorkflowRunTimeout = limit
	if w.seen.attrs.Size() == 0 {
		w.seen.attrs = options.TypedSearchAttributes
	}
	w.env.SetStartWorkflowOptions(options)
	w.env.ExecuteWorkflow(workflows.TypeRegistrationPayment, w.request)
	require.True(w.t, w.env.IsWorkflowCompleted())
	w.ended = true
	w.seen.requirePrivacy(w.t, w.request.Order.Patient)
	var result workflows.Result
	err := w.env.GetWorkflowError()
	if err == nil {
		require.NoError(w.t, w.env.GetWorkflowResult(&result))
		w.books.requireMoneyOwned(w.t, result.Status)
	}
	return result, err
}

// ends runs the payment and demands its end.
func (w *world) ends(status payment.Status, reason string) workflows.Result {
	w.t.Helper()
	r, err := w.pay()
	require.NoError(w.t, err)
	require.Equal(w.t, status, r.Status)
	require.Equal(w.t, reason, r.Reason)
	require.Equal(w.t, status, w.books.status, "the books and the workflow agree")
	return r
}

func (w *world) id() string { return payment.ID(w.request.Order.HospitalID, w.request.Order.OrderNo) }

// Channel and the methods after it make the world a hospital's configuration.
func (w *world) Channel(_ string, ch payment.Channel) (channel.Client, error) {
	c, ok := w.channels[ch]
	if !ok || c.withdrawn.Load() {
		return nil, payment.Problem{Code: payment.CodeChannel, Field: "choice.method", Text: "not offered"}
	}
	return c, nil
}

func (w *world) HIS(string) (his.Gateway, error)    { return w.his, nil }
func (w *world) Face(string) (identity.Face, error) { return w.face, nil }
func (w *world) Rules(string) (risk.Rules, error)   { return w.rules, nil }
func (w *world) FeeRate(string, payment.Channel) (decimal.Decimal, error) {
	return decimal.New(6, -3), nil
}
func (w *world) SecondPersonAbove(string) (money.Money, error) { return w.second, nil }
func (w *world) CallbackSecret(string) ([]byte, error)         { return []byte(secret), nil }

// reply is the outcome of an update.
type reply struct {
	answer   payment.Answer
	err      error
	accepted bool
	done     bool
	at       time.Time
}

// update sends an update and keeps its outcome. It has to be called while the
// payment runs.
func (w *world) update(name string, args ...any) *reply { return w.updateOf("", name, args...) }

func (w *world) updateOf(workflowID, name string, args ...any) *reply {
	r := &reply{}
	end := func(err error) {
		r.err, r.done, r.at = err, true, w.env.Now()
		if err != nil {
			w.seen.keep("error of "+name, err.Error())
		}
	}
	callback := &testsuite.TestUpdateCallback{
		OnAccept: func() { r.accepted = true },
		OnReject: end,
		OnComplete: func(v any, err error) {
			if a, ok := v.(payment.Answer); ok && err == nil {
				r.answer = a
			}
			end(err)
		},
	}
	if workflowID == "" {
		w.env.UpdateWorkflow(name, "", callback, args...)
		return r
	}
	require.NoError(w.t, w.env.UpdateWorkflowByID(workflowID, name, "", callback, args...))
	return r
}

// begins sends the start's own update.
func (w *world) begins() *later { return w.at(0, workflows.UpdateBegin) }

// at sends an update at a time counted from the start, and keeps its outcome.
func (w *world) at(d time.Duration, name string, args ...any) *later {
	l := &later{}
	w.after(d, func() { l.reply = w.update(name, args...) })
	return l
}

// later is the outcome of an update that is sent in the future.
type later struct{ *reply }

func (l *later) problem(t *testing.T) string {
	t.Helper()
	require.NotNil(t, l.reply, "the payment ended before the update")
	require.True(t, l.done, "the update has no outcome")
	p, ok := activities.AsProblem(l.err)
	require.True(t, ok, "no problem: %v", l.err)
	return p.Code
}

func (l *later) answered(t *testing.T) payment.Answer {
	t.Helper()
	require.NotNil(t, l.reply, "the payment ended before the update")
	require.True(t, l.done, "the update has no outcome")
	require.NoError(t, l.err)
	return l.answer
}

// standing asks the payment where it stands.
func (w *world) standing() workflows.Standing {
	v, err := w.env.QueryWorkflow(workflows.QueryStatus)
	require.NoError(w.t, err)
	var s workflows.Standing
	require.NoError(w.t, v.Get(&s))
	w.seen.details(w)
	return s
}

// timeline is what the payment tells of itself.
func (w *world) timeline() []string {
	v, err := w.env.QueryWorkflow(workflows.QueryTimeline)
	require.NoError(w.t, err)
	var all []workflows.Moment
	require.NoError(w.t, v.Get(&all))
	var said []string
	for _, m := range all {
		w.seen.keep("timeline", m.What+" "+m.Detail)
		said = append(said, m.What)
	}
	return said
}

// notify gives the payment a notification, in the way that is tried first.
func (w *world) notify(r channel.Report) {
	w.update(workflows.UpdateChannelEvent, channel.Event{ID: "n-" + r.ChannelNo, Charge: &r})
}

// outage is an error of a counterparty that cannot be reached.
func outage(system, op string) error {
	return &payment.Failure{Kind: payment.Uncertain, System: system, Op: op, Err: context.DeadlineExceeded}
}

// refusal is a final error of a counterparty.
func refusal(system, op, code string) error {
	return &payment.Failure{Kind: payment.Final, System: system, Op: op, Code: code}
}

func busy(system, op string) error {
	return &payment.Failure{Kind: payment.Retryable, System: system, Op: op, Code: "BUSY"}
}
