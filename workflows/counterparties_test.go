package workflows_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// fakeChannel is a channel with books of its own. Its behaviour is set before
// the payment starts, or from the test's callbacks.
type fakeChannel struct {
	channel.Client // the notification side is not called by workflows
	w              *world
	name           payment.Channel
	withdrawn      atomic.Bool // the hospital offers it no longer

	mu       sync.Mutex
	charges  map[string]*fakeCharge
	returned map[string]channel.RefundReport
	trouble  map[string][]error // what an operation answers next; nil works
	down     map[string]error   // what it always answers
	lost     int                // so many prepays are executed and their replies lost
	sticky   bool               // it cannot close yet
	asks     channel.State      // of a charge just asked for
	refundAs channel.RefundState
	closing  func()            // happens while it closes
	settling func(*fakeCharge) // happens to a new charge before it is answered
}

type fakeCharge struct {
	channel.Charge
	report channel.Report
}

func newFakeChannel(w *world, name payment.Channel) *fakeChannel {
	f := &fakeChannel{w: w, name: name, charges: map[string]*fakeCharge{}, returned: map[string]channel.RefundReport{},
		trouble: map[string][]error{}, down: map[string]error{}, asks: channel.Open, refundAs: channel.RefundSucceeded}
	if name == payment.Insurance {
		f.asks = channel.InClearing
	}
	return f
}

func (f *fakeChannel) enter(op, no string) error {
	f.w.notes(string(f.name) + " " + op + " " + no)
	f.mu.Lock()
	if err := f.down[op]; err != nil {
		return err
	}
	if todo := f.trouble[op]; len(todo) > 0 {
		f.trouble[op] = todo[1:]
		return todo[0]
	}
	return nil
}

func (f *fakeChannel) Prepay(ctx context.Context, c channel.Charge) (channel.Prepaid, error) {
	op := "prepay"
	if c.Repeat {
		op = "prepay again"
	}
	if _, err := f.w.books.Attempt(ctx, c.PaymentID, c.Attempt); err != nil {
		f.w.t.Errorf("attempt %d is not on disk (I5)", c.Attempt)
	}
	err := f.enter(op, c.MerchantNo)
	defer f.mu.Unlock()
	if err != nil {
		return channel.Prepaid{}, err
	}
	known, ok := f.charges[c.MerchantNo]
	if !ok {
		known = &fakeCharge{Charge: c, report: channel.Report{MerchantNo: c.MerchantNo, State: f.asks}}
		f.charges[c.MerchantNo] = known
		if f.settling != nil {
			f.settling(known)
		}
	}
	if f.lost > 0 {
		f.lost--
		return channel.Prepaid{}, outage(string(f.name), "prepay")
	}
	return channel.Prepaid{Handle: "h-" + c.MerchantNo, Pay: payment.PayParams{"code_url": "weixin://" + c.MerchantNo}, Report: known.report}, nil
}

func (f *fakeChannel) Query(_ context.Context, c channel.Charge) (channel.Report, error) {
	err := f.enter("query", c.MerchantNo)
	defer f.mu.Unlock()
	if err != nil {
		return channel.Report{}, err
	}
	if known, ok := f.charges[c.MerchantNo]; ok {
		return known.report, nil
	}
	return channel.Report{MerchantNo: c.MerchantNo, State: channel.Absent}, nil
}

func (f *fakeChannel) Close(_ context.Context, c channel.Charge) (channel.Report, error) {
	err := f.enter("close", c.MerchantNo)
	happens := f.closing
	f.mu.Unlock()
	if happens != nil {
		happens()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return channel.Report{}, err
	}
	known, ok := f.charges[c.MerchantNo]
	if !ok {
		return channel.Report{MerchantNo: c.MerchantNo, State: channel.Absent}, nil
	}
	if !f.sticky && known.report.State.Outcome() == payment.Unknown {
		known.report.State = channel.Closed
	}
	return known.report, nil
}

func (f *fakeChannel) Refund(_ context.Context, _ channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	err := f.enter("refund", r.No+" "+r.Amount.Yuan())
	defer f.mu.Unlock()
	if err != nil {
		return channel.RefundReport{}, err
	}
	report := channel.RefundReport{RefundNo: r.No, State: f.refundAs, ChannelNo: "back-" + r.No, Amount: r.Amount}
	f.returned[r.No] = report
	return report, nil
}

func (f *fakeChannel) QueryRefund(_ context.Context, _ channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	err := f.enter("query_refund", r.No)
	defer f.mu.Unlock()
	if err != nil {
		return channel.RefundReport{}, err
	}
	if known, ok := f.returned[r.No]; ok {
		return known, nil
	}
	return channel.RefundReport{RefundNo: r.No, State: channel.RefundAbsent}, nil
}

// set changes the channel's behaviour while the payment runs.
func (f *fakeChannel) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// captures lets an attempt be paid in the channel's own books and returns what
// a notification would say.
func (f *fakeChannel) captures(attempt int) channel.Report {
	no := payment.MerchantNo(f.w.request.Order.OrderNo, attempt)
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.charges[no]
	if !ok {
		f.w.t.Errorf("%s does not know %s", f.name, no)
		return channel.Report{}
	}
	return f.capturesOf(c, c.Amount)
}

func (f *fakeChannel) capturesOf(c *fakeCharge, amount money.Money) channel.Report {
	c.report.State, c.report.Captured, c.report.ChannelNo = channel.Captured, amount, "tx-"+c.MerchantNo
	c.report.CapturedAt = f.w.now()
	return c.report
}

// becomes changes what the channel says of an attempt.
func (f *fakeChannel) becomes(attempt int, s channel.State, code string) channel.Report {
	no := payment.MerchantNo(f.w.request.Order.OrderNo, attempt)
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.charges[no]
	if !ok {
		f.w.t.Errorf("%s does not know %s", f.name, no)
		return channel.Report{}
	}
	c.report.State, c.report.Code = s, code
	return c.report
}

// finishes changes what the channel says of a refund, and returns it.
func (f *fakeChannel) finishes(no string, s channel.RefundState) channel.RefundReport {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.returned[no]
	r.State = s
	f.returned[no] = r
	return r
}

// held is what the channel has and has not given back, in fen.
func (f *fakeChannel) held() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fen int64
	for _, c := range f.charges {
		fen += c.report.Captured.Minor()
	}
	for _, r := range f.returned {
		if r.State == channel.RefundSucceeded {
			fen -= r.Amount.Minor()
		}
	}
	return fen
}

// fakeHIS is a hospital's system.
type fakeHIS struct {
	w       *world
	mu      sync.Mutex
	down    error
	refuses string
	has     bool
	trouble []error
	during  func() // happens while it registers
}

func (h *fakeHIS) Register(_ context.Context, r his.Registration) (his.Registered, error) {
	h.w.notes("his register " + r.OrderNo)
	if h.during != nil {
		h.during()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.trouble) > 0 {
		err := h.trouble[0]
		h.trouble = h.trouble[1:]
		if err != nil {
			return his.Registered{}, err
		}
	}
	switch {
	case h.down != nil:
		return his.Registered{}, h.down
	case h.refuses != "":
		return his.Registered{}, refusal("his", "register", h.refuses)
	}
	h.has = true
	return his.Registered{AppointmentID: "appointment-1", NoticeID: "notice-1"}, nil
}

func (h *fakeHIS) Cancel(_ context.Context, r his.Registration) error {
	h.w.notes("his cancel " + r.OrderNo)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down != nil {
		return h.down
	}
	h.has = false
	return nil
}

func (h *fakeHIS) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// fakeFace is the face check's server.
type fakeFace struct {
	w      *world
	result identity.FaceResult
	err    error
}

func (f *fakeFace) Start(context.Context, identity.FaceStart) (identity.FaceTicket, error) {
	return identity.FaceTicket{}, f.err
}

func (f *fakeFace) Result(context.Context, identity.FaceTicket, identity.FaceStart) (identity.FaceResult, error) {
	f.w.notes("face result")
	return f.result, f.err
}

// fakeBackend is the booking backend: it keeps every callback whose signature
// is right.
type fakeBackend struct {
	w     *world
	mu    sync.Mutex
	down  bool
	told  []activities.Callback
	at    []time.Time
	hears func() // happens once, with the next callback that it takes
}

func (b *fakeBackend) client() *http.Client { return &http.Client{Transport: b} }

// RoundTrip answers as an HTTP server would.
func (b *fakeBackend) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := func(status int) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
	}
	verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		return nil, err
	}
	// The suite's clock is not the wall's, so the age is not looked at here.
	if err := verifier.VerifyIgnoringTimestamp(body, r.Header); err != nil {
		b.w.t.Errorf("callback: %v", err)
		return answer(http.StatusUnauthorized)
	}
	b.w.notes("backend " + r.Header.Get(standardwebhooks.HeaderWebhookID))
	if b.down {
		return answer(http.StatusBadGateway)
	}
	var c activities.Callback
	if err := json.Unmarshal(body, &c); err != nil {
		b.w.t.Errorf("callback: %v", err)
	}
	b.w.seen.keep("callback", string(body))
	b.told, b.at = append(b.told, c), append(b.at, b.w.now())
	if b.hears != nil {
		b.hears()
		b.hears = nil
	}
	return answer(http.StatusNoContent)
}

func (b *fakeBackend) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// heard are the types of the callbacks, in order.
func (b *fakeBackend) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, c := range b.told {
		all = append(all, c.Type)
	}
	return all
}
