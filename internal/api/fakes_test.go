package api_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/verification"
)

// books is the database in memory, as far as the API sees it.
type books struct {
	mu       sync.Mutex
	err      error // of everything
	views    map[string]store.View
	attempts []store.Attempt
	refunds  []store.RefundRow
	cases    []store.CaseView
	webhooks []store.Webhook
	windows  payment.Windows
	keys     map[string]store.APIKey
	asked    int               // for API keys
	log      []store.Happening // of every payment, after its opening
	// reserve replaces ReserveRefunds' verdict.
	reserve func(store.RefundOrder) error
	filter  store.Filter
}

func (b *books) lock() func() { b.mu.Lock(); return b.mu.Unlock }

func (b *books) Payment(_ context.Context, id string) (store.View, error) {
	defer b.lock()()
	v, ok := b.views[id]
	switch {
	case b.err != nil:
		return store.View{}, b.err
	case !ok:
		return store.View{}, store.ErrNotFound
	}
	v.Tenders = slices.Clone(v.Tenders) // as a database would give it
	return v, nil
}

func (b *books) Ref(ctx context.Context, id string) (api.Ref, error) {
	v, err := b.Payment(ctx, id)
	return api.Ref{HospitalID: v.HospitalID, OrderNo: v.OrderNo}, err
}

func missing(ok bool) error {
	if ok {
		return nil
	}
	return store.ErrNotFound
}

func (b *books) Payments(_ context.Context, f store.Filter) ([]store.View, error) {
	defer b.lock()()
	b.filter = f
	var all []store.View
	for _, v := range b.views {
		in := slices.Contains(f.Hospitals, v.HospitalID) || slices.Contains(f.Hospitals, store.AllHospitals)
		before := f.Before.IsZero() || v.CreatedAt.Before(f.Before)
		if in && before && (f.OrderNo == "" || f.OrderNo == v.OrderNo) && (f.Status == "" || f.Status == v.Status) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b store.View) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all[:min(len(all), f.Limit)], b.err
}

func (b *books) Timeline(context.Context, string) ([]store.Happening, error) {
	defer b.lock()()
	return append([]store.Happening{{At: now(), Actor: "workflow", Action: "opened"}}, b.log...), b.err
}

func (b *books) Cases(_ context.Context, f store.CaseFilter) ([]store.CaseView, error) {
	var all []store.CaseView
	for _, c := range b.cases {
		if slices.Contains(f.Hospitals, c.HospitalID) || slices.Contains(f.Hospitals, store.AllHospitals) {
			all = append(all, c)
		}
	}
	return all[:min(len(all), f.Limit)], b.err
}

func (b *books) Case(_ context.Context, id string) (store.CaseView, error) {
	for _, c := range b.cases {
		if c.ID == id {
			return c, nil
		}
	}
	return store.CaseView{}, store.ErrNotFound
}

func (b *books) Attempt(_ context.Context, id string, n int) (store.Attempt, error) {
	for _, a := range b.attempts {
		if a.Charge.PaymentID == id && a.Charge.Attempt == n {
			return a, nil
		}
	}
	return store.Attempt{}, store.ErrNotFound
}

func (b *books) AttemptByNumber(_ context.Context, hospital string, ch payment.Channel, no string) (store.Asked, error) {
	for _, a := range b.attempts {
		if c := a.Charge; c.HospitalID == hospital && c.Channel == ch && c.MerchantNo == no {
			return store.Asked{PaymentID: c.PaymentID, Amount: c.Amount, State: a.State, ChannelNo: a.Capture.ChannelNo}, b.err
		}
	}
	return store.Asked{}, errors.Join(b.err, store.ErrNotFound)
}

func (b *books) KeepWebhook(_ context.Context, w store.Webhook) (bool, error) {
	defer b.lock()()
	if b.err != nil {
		return false, b.err
	}
	for _, k := range b.webhooks {
		if w.EventID != "" && k.EventID == w.EventID {
			return true, nil
		}
	}
	b.webhooks = append(b.webhooks, w)
	return false, nil
}

// ReserveRefunds sets all of the parts aside, or none.
func (b *books) ReserveRefunds(_ context.Context, parts []store.RefundOrder) ([]store.RefundRow, error) {
	defer b.lock()()
	for _, o := range parts {
		if b.reserve != nil {
			if err := b.reserve(o); err != nil {
				return nil, err
			}
		}
	}
	var rows []store.RefundRow
	refunds, v := slices.Clone(b.refunds), b.views[parts[0].PaymentID]
	tenders := slices.Clone(v.Tenders)
	for _, o := range parts {
		if i := slices.IndexFunc(refunds, func(r store.RefundRow) bool { return r.PaymentID == o.PaymentID && r.Key == o.Key }); i >= 0 {
			rows = append(rows, refunds[i])
			continue
		}
		for i, t := range tenders {
			if t.Attempt == o.Attempt {
				sum, _ := t.Refunded.Add(o.Amount)
				if c, _ := sum.Cmp(t.Captured); c > 0 {
					return nil, payment.Problem{Code: payment.CodeRefundExceeds}
				}
				tenders[i].Refunded = sum
			}
		}
		n := len(refunds) + 1
		row := store.RefundRow{PaymentID: o.PaymentID, N: n, Key: o.Key, Attempt: o.Attempt, State: channel.RefundProcessing, Actor: o.Actor,
			ExpectedBy: now().AddDate(0, 0, 9),
			Refund:     channel.Refund{No: payment.RefundNo(v.OrderNo, n), Amount: o.Amount, Reason: o.Reason, RequestedAt: o.At}}
		refunds, rows = append(refunds, row), append(rows, row)
	}
	b.refunds, v.Tenders = refunds, tenders
	b.views[v.ID] = v
	return rows, nil
}

func (b *books) Refunds(context.Context, string) ([]store.RefundRow, error) {
	defer b.lock()()
	return slices.Clone(b.refunds), b.err
}

func (b *books) RefundByNumber(_ context.Context, _ string, _ payment.Channel, no string) (store.RefundRow, error) {
	for _, r := range b.refunds {
		if r.Refund.No == no {
			return r, nil
		}
	}
	return store.RefundRow{}, store.ErrNotFound
}

func (b *books) AuthenticateAPIKey(_ context.Context, secret string) (store.APIKey, error) {
	defer b.lock()()
	b.asked++
	k, ok := b.keys[secret]
	if b.err != nil || !ok {
		return store.APIKey{}, errors.Join(b.err, missing(ok))
	}
	return k, nil
}

func (b *books) AnnounceWindow(_ context.Context, key string, w payment.Window, at time.Time) (payment.Window, bool, error) {
	defer b.lock()()
	w.ID = payment.WindowID(w.HospitalID, key)
	for _, known := range b.windows {
		if known.ID == w.ID {
			if !known.Same(w) {
				return payment.Window{}, false, payment.Problem{Code: payment.CodeWindowConflict, Field: "key", Text: "used"}
			}
			return known, true, b.err
		}
	}
	if w.From.IsZero() {
		w.From = at
	}
	w.AnnouncedAt = at
	if err := w.Check(at); err != nil {
		return payment.Window{}, false, err
	}
	b.windows = append(b.windows, w)
	return w, false, b.err
}

func (b *books) EndWindow(_ context.Context, id, by string, at time.Time) (payment.Window, error) {
	defer b.lock()()
	for i, w := range b.windows {
		if w.ID == id {
			if w.EndedAt.IsZero() {
				b.windows[i].EndedAt, b.windows[i].EndedBy = at, by
			}
			return b.windows[i], b.err
		}
	}
	return payment.Window{}, store.ErrNotFound
}

func (b *books) Window(_ context.Context, id string) (payment.Window, error) {
	for _, w := range b.windows {
		if w.ID == id {
			return w, b.err
		}
	}
	return payment.Window{}, errors.Join(b.err, store.ErrNotFound)
}

func (b *books) Windows(_ context.Context, f store.WindowFilter) (payment.Windows, error) {
	var all payment.Windows
	past := f.After != ""
	for _, w := range b.windows {
		in := slices.Contains(f.Hospitals, w.HospitalID) || slices.Contains(f.Hospitals, store.AllHospitals)
		if !past && in && (f.State == "" || f.State == w.State(f.At)) {
			all = append(all, w)
		}
		past = past && w.ID != f.After
	}
	return all[:min(len(all), f.Limit)], b.err
}

func (b *books) ActiveWindows(_ context.Context, hospital string, at time.Time, _ ...payment.System) (payment.Windows, error) {
	var all payment.Windows
	for _, w := range b.windows {
		if w.HospitalID == hospital && w.Active(at) {
			all = append(all, w)
		}
	}
	return all, b.err
}

func (b *books) Ping(context.Context) error { return b.err }

// engine is the workflow, as far as the API sees it: it writes what a call
// does into the books at once.
type engine struct {
	b        *books
	err      error
	begun    int
	proofs   []payment.Proof
	choices  []payment.Choice
	cancels  []payment.Cancellation
	decided  []payment.Decision
	refunded []store.RefundRow
	told     []channel.Event
	status   payment.Status // of a new payment; AwaitingPayment when empty
	digest   string         // replaces the answer's
	block    bool           // waits for the request's end
	joined   bool           // the payment runs already, and is not in the books yet
}

func (e *engine) Begin(ctx context.Context, r payment.Request) (payment.Answer, bool, error) {
	if e.block {
		<-ctx.Done()
		return payment.Answer{}, false, ctx.Err()
	}
	if e.err != nil {
		return payment.Answer{}, false, e.err
	}
	e.begun++
	id := payment.ID(r.Order.HospitalID, r.Order.OrderNo)
	st := e.status
	if st == "" {
		st = payment.AwaitingPayment
	}
	v, there := e.b.views[id]
	if !there {
		v = view(r.Order.HospitalID, r.Order.OrderNo, st)
		v.RequestIndex = index(r.Digest())
		e.b.views[id] = v
	}
	a := answer(v)
	a.Digest = r.Digest()
	if e.digest != "" {
		a.Digest = e.digest
	}
	return a, there || e.joined, nil
}

func (e *engine) answer(ref api.Ref) (payment.Answer, error) {
	if e.err != nil {
		return payment.Answer{}, e.err
	}
	return answer(e.b.views[payment.ID(ref.HospitalID, ref.OrderNo)]), nil
}

func (e *engine) Verify(_ context.Context, ref api.Ref, p payment.Proof) (payment.Answer, error) {
	e.proofs = append(e.proofs, p)
	return e.answer(ref)
}

func (e *engine) ChangeMethod(_ context.Context, ref api.Ref, c payment.Choice) (payment.Answer, error) {
	e.choices = append(e.choices, c)
	return e.answer(ref)
}

func (e *engine) Cancel(_ context.Context, ref api.Ref, c payment.Cancellation) (payment.Answer, error) {
	e.cancels = append(e.cancels, c)
	return e.answer(ref)
}

func (e *engine) Decide(_ context.Context, _ api.Ref, d payment.Decision) error {
	e.decided = append(e.decided, d)
	return e.err
}

func (e *engine) Refund(_ context.Context, _ api.Ref, r store.RefundRow) error {
	if e.err == nil {
		e.refunded = append(e.refunded, r)
	}
	return e.err
}

func (e *engine) Notify(_ context.Context, _ api.Ref, ev channel.Event) error {
	if e.err == nil {
		e.told = append(e.told, ev)
	}
	return e.err
}

func (e *engine) Ping(context.Context) error { return e.err }

// bank is a channel's client.
type bank struct {
	channel.Client // nothing else is called
	event          channel.Event
	parseErr       error
	report         channel.Report
	queryErr       error
	queries        int
	seen           []channel.Notification
}

func (c *bank) ParseNotification(_ context.Context, n channel.Notification) (channel.Event, error) {
	c.seen = append(c.seen, n)
	return c.event, c.parseErr
}

func (c *bank) Query(context.Context, channel.Charge) (channel.Report, error) {
	c.queries++
	return c.report, c.queryErr
}

func (c *bank) Acknowledge(err error) channel.Reply {
	if err != nil {
		return channel.Reply{Status: 500, ContentType: "application/json", Body: []byte(`{"code":"FAIL","message":"` + err.Error() + `"}`)}
	}
	return channel.Reply{Status: 204}
}

type hospital struct {
	channels map[payment.Channel]channel.Client
}

func (h hospital) Offers(c payment.Channel) bool            { return h.channels[c] != nil }
func (h hospital) Channel(c payment.Channel) channel.Client { return h.channels[c] }

type verifier struct {
	err     error
	started []payment.VerifyKind
}

func (v *verifier) StartSMS(context.Context, string) (verification.Started, error) {
	v.started = append(v.started, payment.BySMS)
	return verification.Started{Challenge: "ver_1", ExpiresAt: now().Add(time.Minute)}, v.err
}

func (v *verifier) StartFace(context.Context, string) (verification.Started, error) {
	v.started = append(v.started, payment.ByFace)
	return verification.Started{Challenge: "ver_2", ExpiresAt: now().Add(time.Minute), VerifyID: "wx-1"}, v.err
}
