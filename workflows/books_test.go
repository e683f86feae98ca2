package workflows_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

// fakeBooks is activities.Store in memory, as strict as the real one: a status
// that cannot follow, money that does not match, a refund above its capture
// are refused.
type fakeBooks struct {
	w  *world
	mu sync.Mutex

	opened   *store.Opening
	status   payment.Status
	reason   string
	path     []payment.Status // every status, in order
	choices  []payment.Choice
	attempts map[int]*fakeAttempt
	refunds  []*fakeRefund
	cases    []*fakeCase
	voucher  string
	his      string // appointment
	refusal  string
	proofs   map[string]string // challenge → code
	passed   bool
	assessed risk.Assessment
	trouble  map[string][]error // what an operation answers next; nil works
	between  func()             // happens once, after the payment is read
	ahead    bool               // a workflow task that was lost has written already
	undated  bool               // refunds are from before their date was kept
	windows  payment.Windows    // of maintenance, with the world's own times
	line     func() store.Line  // before the registration; nil for none
	exceeds  bool               // a refund above what is left is what the test is about
}

type fakeAttempt struct {
	store.Attempt
	inDoubt  int
	captures []*fakeCapture
	code     string
}

type fakeCapture struct {
	report   channel.Report
	actor    string
	reserved int64
}

type fakeRefund struct {
	store.RefundRow
	from    *fakeCapture
	offline string // receipt
	retries int
}

type fakeCase struct {
	payment.Case
	decision *payment.Decision
}

func newFakeBooks(w *world) *fakeBooks {
	return &fakeBooks{w: w, attempts: map[int]*fakeAttempt{}, proofs: map[string]string{"sms-1": "123456", "face-1": ""},
		assessed: risk.Assessment{Verdict: risk.Pass}, trouble: map[string][]error{}}
}

// enter locks the books, or says what is wrong with them.
func (b *fakeBooks) enter(op string) error {
	b.mu.Lock()
	if todo := b.trouble[op]; len(todo) > 0 {
		b.trouble[op] = todo[1:]
		return todo[0]
	}
	return nil
}

func (b *fakeBooks) become(to payment.Status, reason string) error {
	if b.opened == nil {
		return fmt.Errorf("no payment: %w", store.ErrNotFound)
	}
	if b.status == to {
		return nil
	}
	if !b.status.CanBecome(to) {
		if !b.ahead && b.status != payment.Refunded { // two refunds that end together meet there
			b.w.t.Errorf("from %s to %s cannot be", b.status, to)
		}
		return fmt.Errorf("from %s to %s: %w", b.status, to, store.ErrTransition)
	}
	b.status, b.reason = to, reason
	b.path = append(b.path, to)
	if to == payment.Paid && b.voucher == "" {
		b.voucher = "voucher-1"
	}
	return nil
}

func (b *fakeBooks) OpenPayment(_ context.Context, o store.Opening) (store.Opened, error) {
	if err := b.enter("OpenPayment"); err != nil {
		b.mu.Unlock()
		return store.Opened{}, err
	}
	defer b.mu.Unlock()
	if b.opened == nil {
		b.opened, b.status = &o, payment.Pending
		switch {
		case b.assessed.Verdict == risk.Refuse:
			b.status, b.reason = payment.Rejected, b.assessed.Rule
		case b.assessed.Verdict == risk.Pass && o.First != "":
			b.status = o.First
		}
		b.path = append(b.path, b.status)
	}
	return store.Opened{Assessment: b.assessed, Status: b.status}, nil
}

func (b *fakeBooks) MoveTo(_ context.Context, m store.Move) error {
	err := b.enter("MoveTo")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	return b.become(m.To, m.Reason)
}

func (b *fakeBooks) ChooseMethod(_ context.Context, _ string, c payment.Choice, _ time.Time) error {
	err := b.enter("ChooseMethod")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	switch b.status {
	case payment.Pending, payment.Verifying, payment.AwaitingPayment, payment.Clearing, payment.InReview, payment.Suspended:
		b.choices = append(b.choices, c)
		return nil
	}
	if !b.ahead {
		b.w.t.Errorf("a method chosen in %s", b.status)
	}
	return fmt.Errorf("choose in %s: %w", b.status, store.ErrTransition)
}

func (b *fakeBooks) BeginAttempt(_ context.Context, c channel.Charge, next payment.Status) (store.Attempt, error) {
	err := b.enter("BeginAttempt")
	defer b.mu.Unlock()
	if err != nil {
		return store.Attempt{}, err
	}
	if a, ok := b.attempts[c.Attempt]; ok {
		if a.Charge.Channel != c.Channel || !a.Charge.Amount.Equal(c.Amount) {
			return store.Attempt{}, store.ErrConflict
		}
		known := a.Attempt
		known.Existed = true
		return known, nil
	}
	if err := b.become(next, ""); err != nil {
		return store.Attempt{}, err
	}
	a := &fakeAttempt{Attempt: store.Attempt{Charge: c, State: channel.Open}, inDoubt: 1}
	b.attempts[c.Attempt] = a
	return a.Attempt, nil
}

func (b *fakeBooks) AskAgain(_ context.Context, _ string, attempt int) (bool, error) {
	err := b.enter("AskAgain")
	defer b.mu.Unlock()
	if err != nil {
		return false, err
	}
	a := b.attempts[attempt]
	a.inDoubt++
	return a.inDoubt > 1, nil
}

func (b *fakeBooks) CameToNothing(_ context.Context, _ string, attempt int) error {
	err := b.enter("CameToNothing")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	b.attempts[attempt].inDoubt--
	return nil
}

func (b *fakeBooks) SavePrepaid(_ context.Context, _ string, attempt int, p channel.Prepaid, _ time.Time) error {
	err := b.enter("SavePrepaid")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	a := b.attempts[attempt]
	a.Prepaid, a.Pay, a.Charge.Handle = true, p.Pay, p.Handle
	return nil
}

func (b *fakeBooks) Attempt(_ context.Context, _ string, attempt int) (store.Attempt, error) {
	err := b.enter("Attempt")
	defer b.mu.Unlock()
	if err != nil {
		return store.Attempt{}, err
	}
	a, ok := b.attempts[attempt]
	if !ok {
		return store.Attempt{}, fmt.Errorf("attempt %d: %w", attempt, store.ErrNotFound)
	}
	return a.Attempt, nil
}

func (b *fakeBooks) EndAttempt(_ context.Context, _ string, attempt int, s channel.State, code string, _ time.Time) error {
	err := b.enter("EndAttempt")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	a, ok := b.attempts[attempt]
	if !ok {
		return fmt.Errorf("attempt %d: %w", attempt, store.ErrNotFound)
	}
	if s.Outcome() != payment.Failed {
		b.w.t.Errorf("attempt %d ended as %s", attempt, s)
	}
	if a.State != channel.Captured && a.State != channel.Closed && a.State != channel.Declined {
		a.State, a.code = s, code
	}
	return nil
}

func (b *fakeBooks) RecordCapture(_ context.Context, c store.Capture) (store.Captured, error) {
	err := b.enter("RecordCapture")
	defer b.mu.Unlock()
	if err != nil {
		return store.Captured{}, err
	}
	a, ok := b.attempts[c.Attempt]
	if !ok {
		return store.Captured{}, fmt.Errorf("attempt %d: %w", c.Attempt, store.ErrNotFound)
	}
	if c.Report.State != channel.Captured || !c.Report.Captured.IsPositive() || c.Report.MerchantNo != a.Charge.MerchantNo {
		b.w.t.Errorf("not a capture of attempt %d: %+v", c.Attempt, c.Report)
		return store.Captured{}, store.ErrConflict
	}
	for _, known := range a.captures {
		if known.report.ChannelNo == c.Report.ChannelNo {
			return store.Captured{Repeated: true, VoucherCode: b.voucher}, nil
		}
	}
	if p := c.Prepaid; p != nil {
		a.Prepaid, a.Pay, a.Charge.Handle = true, p.Pay, p.Handle
	}
	if c.Next != "" {
		if err := b.become(c.Next, ""); err != nil {
			return store.Captured{}, err
		}
	}
	a.State = channel.Captured
	a.captures = append(a.captures, &fakeCapture{report: c.Report, actor: c.Actor})
	a.Capture = a.captures[0].report
	return store.Captured{VoucherCode: b.voucher}, nil
}

func (b *fakeBooks) RecordRegistered(_ context.Context, _ string, r his.Registered, next payment.Status, _ time.Time) error {
	err := b.enter("RecordRegistered")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	if b.his == "" {
		if err := b.become(payment.Registered, ""); err != nil {
			return err
		}
		b.his = r.AppointmentID
	}
	if b.status == payment.Registered {
		return b.become(next, "")
	}
	return nil
}

func (b *fakeBooks) RecordRegistrationRefused(_ context.Context, _, code string, _ time.Time) error {
	err := b.enter("RecordRegistrationRefused")
	defer b.mu.Unlock()
	b.refusal = code
	return err
}

func (b *fakeBooks) Complete(_ context.Context, _ string, _ time.Time) error {
	err := b.enter("Complete")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	return b.become(payment.Completed, "")
}

func (b *fakeBooks) Order(context.Context, string) (payment.Request, error) {
	err := b.enter("Order")
	defer b.mu.Unlock()
	return b.w.request, err
}

func (b *fakeBooks) Standing(ctx context.Context, id string) (store.Standing, error) {
	v, err := b.Payment(ctx, id)
	return v.Standing, err
}

func (b *fakeBooks) Payment(_ context.Context, id string) (store.View, error) {
	err := b.enter("Payment")
	defer b.mu.Unlock()
	if err != nil {
		return store.View{}, err
	}
	captured, refunded := b.totals()
	o := b.w.request.Order
	v := store.View{Standing: store.Standing{ID: id, HospitalID: o.HospitalID, OrderNo: o.OrderNo, Status: b.status, Reason: b.reason,
		Method: b.w.request.Choice.Method, Amount: o.Amount, Captured: money.Fen(captured), Refunded: money.Fen(refunded),
		AppointmentID: b.his}, CallbackURL: b.w.request.CallbackURL}
	for n, a := range b.attempts {
		tender := store.TenderView{Attempt: n, Channel: a.Charge.Channel}
		var in, out int64
		for _, c := range a.captures {
			in, out = in+c.report.Captured.Minor(), out+c.reserved
		}
		tender.Captured, tender.Refunded = money.Fen(in), money.Fen(out)
		v.Tenders = append(v.Tenders, tender)
	}
	if b.between != nil {
		b.between()
		b.between = nil
	}
	if b.voucher != "" {
		v.Voucher = &store.Voucher{Code: b.voucher, Temporary: b.his == "", Void: b.refusal != "" || b.status == payment.Refunded}
	}
	return v, nil
}

// totals are the fen captured and returned.
func (b *fakeBooks) totals() (captured, refunded int64) {
	for _, a := range b.attempts {
		for _, c := range a.captures {
			captured += c.report.Captured.Minor()
		}
	}
	for _, r := range b.refunds {
		if r.State == channel.RefundSucceeded {
			refunded += r.Refund.Amount.Minor()
		}
	}
	return captured, refunded
}

// requireMoneyOwned demands what holds at every end (I1, I2): the order's
// amount is in and registered, or nothing is held.
func (b *fakeBooks) requireMoneyOwned(t *testing.T, end payment.Status) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	captured, refunded := b.totals()
	want := int64(0)
	if end == payment.Completed {
		want = b.w.request.Order.Amount.Minor()
		require.NotEmpty(t, b.his, "completed and not in the HIS")
		require.NotEmpty(t, b.voucher)
	}
	require.Equal(t, want, captured-refunded, "captured %d, returned %d", captured, refunded)
	for _, c := range b.cases {
		require.NotNil(t, c.decision, "case %s is open at the end", c.ID)
	}
}
