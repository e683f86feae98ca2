package tutorial

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

// world is the books and the systems around them. It keeps everything that is
// written and sent, in order, with all of its content; reads leave no trace.
type world struct {
	activities.Store     // a method that a test does not expect panics
	activities.Hospitals // the same

	mu     sync.Mutex
	did    []string
	stands store.Standing
	errs   map[string][]error // by what is done, one for each time
}

func newWorld() *world { return &world{errs: map[string][]error{}} }

func clock() time.Time { return noon }

// steps are all activities, the same for both cuts, in this world.
func (w *world) steps() []any {
	return []any{
		&activities.Books{Store: w, Hospitals: w},
		&activities.Channels{Store: w, Hospitals: w, Clock: clock},
		&activities.HIS{Store: w, Hospitals: w, Clock: clock},
		&activities.Backend{Store: w, Hospitals: w, Clock: clock, HTTP: &http.Client{Transport: w}},
		&actions{books: w, systems: w, clock: clock},
	}
}

func (w *world) do(what string, content ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	w.did = append(w.did, what+" "+string(text))
	if errs := w.errs[what]; len(errs) > 0 {
		w.errs[what] = errs[1:]
		return errs[0]
	}
	return nil
}

// The writes.
func (w *world) OpenPayment(_ context.Context, o store.Opening) (store.Opened, error) {
	return store.Opened{Assessment: risk.Assessment{Verdict: risk.Pass}}, w.do("open", o.PaymentID, o.Request, o.At, o.Deadline, o.First)
}

func (w *world) CameToNothing(context.Context, string, int) error { return nil }

func (w *world) BeginAttempt(_ context.Context, c channel.Charge, next payment.Status) (store.Attempt, error) {
	return store.Attempt{Charge: c, State: channel.Open}, w.do("begin", c, next)
}

func (w *world) SavePrepaid(_ context.Context, id string, n int, p channel.Prepaid, at time.Time) error {
	return w.do("save", id, n, p, at)
}

func (w *world) RecordCapture(_ context.Context, c store.Capture) (store.Captured, error) {
	return store.Captured{VoucherCode: "v-1"}, w.do("capture", c)
}

func (w *world) RecordRegistered(_ context.Context, id string, r his.Registered, next payment.Status, at time.Time) error {
	w.stands = store.Standing{ID: id, Status: next, AppointmentID: r.AppointmentID, Amount: money.Fen(5000),
		Captured: money.Fen(5000), Refunded: money.Fen(0)}
	return w.do("registered", id, r, next, at)
}

func (w *world) Complete(_ context.Context, id string, at time.Time) error {
	return w.do("complete", id, at)
}

// What is sent.
func (w *world) Channel(string, payment.Channel) (channel.Client, error) { return account{w: w}, nil }
func (w *world) HIS(string) (his.Gateway, error)                         { return gateway{w: w}, nil }

type account struct {
	channel.Client
	w *world
}

func (a account) Prepay(_ context.Context, c channel.Charge) (channel.Prepaid, error) {
	return channel.Prepaid{Handle: "h", Pay: payment.PayParams{"code_url": "weixin://1"}, Report: channel.Report{State: channel.Open}},
		a.w.do("prepay", c, c.Repeat, c.Handle)
}

type gateway struct {
	his.Gateway
	w *world
}

func (g gateway) Register(_ context.Context, r his.Registration) (his.Registered, error) {
	return his.Registered{AppointmentID: "a-1", NoticeID: "n-1"}, g.w.do("register", r)
}

// RoundTrip is the booking backend.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	err = w.do("callback", r.URL.String(), string(body))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, err
}

// What is only read.
func (w *world) ActiveWindows(context.Context, string, time.Time, ...payment.System) (payment.Windows, error) {
	return nil, nil
}
func (w *world) LineBefore(context.Context, string, time.Time) (store.Line, error) {
	return store.Line{}, nil
}
func (w *world) Standing(_ context.Context, id string) (store.Standing, error) {
	if w.stands.ID != id {
		return store.Standing{}, fmt.Errorf("read %s: %w", id, store.ErrNotFound)
	}
	return w.stands, nil
}
func (w *world) Rules(string) (risk.Rules, error) { return risk.Rules{}, nil }
func (w *world) FeeRate(string, payment.Channel) (decimal.Decimal, error) {
	return decimal.New(6, -3), nil
}
func (w *world) CallbackSecret(string) ([]byte, error) {
	return []byte("a secret of the hospital"), nil
}
