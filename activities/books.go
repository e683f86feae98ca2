package activities

import (
	"context"
	"errors"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

// Books are the steps that touch the database alone. Each is one transaction
// of state, ledger and audit together, and idempotent.
type Books struct {
	Store     Store
	Hospitals Hospitals
}

// OpenIn opens a payment.
type OpenIn struct {
	Request    payment.Request
	PaymentID  string
	WorkflowID string
	At         time.Time
	Deadline   time.Time
	First      payment.Status // after an assessment that passes
}

// OpenOut is what the risk rules say of it.
type OpenOut struct {
	Verdict risk.Verdict `json:"verdict"`
	Rule    string       `json:"rule,omitempty"`
}

// Refused and Review read the verdict.
func (o OpenOut) Refused() bool { return o.Verdict == risk.Refuse }
func (o OpenOut) Review() bool  { return o.Verdict == risk.Review }

// Open checks the request once more, this time with the hospital's own
// configuration and its maintenance windows, and opens the payment in the
// books, once per order.
func (b *Books) Open(ctx context.Context, in OpenIn) (OpenOut, error) {
	if err := in.Request.Check(in.At); err != nil {
		return OpenOut{}, boundary(err)
	}
	hospital := in.Request.Order.HospitalID
	rules, err := b.Hospitals.Rules(hospital)
	if err != nil {
		return OpenOut{}, boundary(err)
	}
	if err := b.offered(hospital, in.Request); err != nil {
		return OpenOut{}, boundary(err)
	}
	if err := b.admitted(ctx, in.Request, in.At); err != nil {
		return OpenOut{}, boundary(err)
	}
	opened, err := b.Store.OpenPayment(ctx, store.Opening{
		Request: in.Request, PaymentID: in.PaymentID, WorkflowID: in.WorkflowID,
		At: in.At, Deadline: in.Deadline, Rules: rules, First: in.First,
	})
	return OpenOut{Verdict: opened.Assessment.Verdict, Rule: opened.Assessment.Rule}, boundary(err)
}

func (b *Books) offered(hospital string, r payment.Request) error {
	for _, t := range r.Choice.Tenders(r.Order.Amount) {
		if _, err := b.Hospitals.Channel(hospital, t.Channel); err != nil {
			return err
		}
	}
	return nil
}

// MoveIn changes a payment's status.
type MoveIn struct {
	PaymentID string
	To        payment.Status
	Reason    string
	Actor     string
	At        time.Time
}

// Move records a change of status that moves no money.
func (b *Books) Move(ctx context.Context, in MoveIn) (None, error) {
	return None{}, boundary(b.Store.MoveTo(ctx, store.Move{
		PaymentID: in.PaymentID, To: in.To, Reason: in.Reason, Actor: in.Actor, At: in.At,
	}))
}

// None is the result of a step that has nothing to say.
type None struct{}

// ChooseIn records the patient's change of method.
type ChooseIn struct {
	PaymentID string
	Request   payment.Request // with the new choice
	At        time.Time
}

// Choose records a change of method, when the hospital offers it and none of
// what it needs is in maintenance.
func (b *Books) Choose(ctx context.Context, in ChooseIn) (None, error) {
	if err := in.Request.Choice.Check(in.Request.Order); err != nil {
		return None{}, boundary(err)
	}
	if err := b.offered(in.Request.Order.HospitalID, in.Request); err != nil {
		return None{}, boundary(err)
	}
	if err := b.admitted(ctx, in.Request, in.At); err != nil {
		return None{}, boundary(err)
	}
	return None{}, boundary(b.Store.ChooseMethod(ctx, in.PaymentID, in.Request.Choice, in.At))
}

// SettleIn records captured money.
type SettleIn struct {
	HospitalID string
	PaymentID  string
	Attempt    int
	Channel    payment.Channel
	Report     channel.Report
	At         time.Time
	Actor      string
	Next       payment.Status
}

// SettleOut has the voucher's code when the payment is fully paid.
type SettleOut struct {
	Voucher string `json:"voucher,omitempty"`
}

// Settle puts a capture, with the channel's fee, into the ledger; with Next
// being Paid the voucher comes into being in the same transaction.
func (b *Books) Settle(ctx context.Context, in SettleIn) (SettleOut, error) {
	rate, err := b.Hospitals.FeeRate(in.HospitalID, in.Channel)
	if err != nil {
		return SettleOut{}, boundary(err)
	}
	done, err := b.Store.RecordCapture(ctx, store.Capture{
		PaymentID: in.PaymentID, Attempt: in.Attempt, Report: in.Report, FeeRate: rate,
		At: in.At, Actor: in.Actor, Next: in.Next,
	})
	return SettleOut{Voucher: done.VoucherCode}, boundary(err)
}

// AttemptsIn asks for the attempts after one that is known.
type AttemptsIn struct {
	PaymentID string
	After     int
}

// KnownAttempt is an attempt as the books have it.
type KnownAttempt struct {
	N      int            `json:"n"`
	Tender payment.Tender `json:"tender"`
	// Report has the capture, where the books have one.
	Report channel.Report `json:"report"`
}

// Attempts lists what the books have beyond an attempt, in order. A workflow
// whose task was lost after it had written an attempt down finds it here.
func (b *Books) Attempts(ctx context.Context, in AttemptsIn) ([]KnownAttempt, error) {
	var all []KnownAttempt
	for n := in.After + 1; n <= payment.MaxAttempts; n++ {
		a, err := b.Store.Attempt(ctx, in.PaymentID, n)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, boundary(err)
		}
		r := a.Capture
		r.MerchantNo, r.State = a.Charge.MerchantNo, a.State
		all = append(all, KnownAttempt{N: n, Tender: payment.Tender{Channel: a.Charge.Channel, Scene: a.Charge.Scene, Amount: a.Charge.Amount}, Report: r})
	}
	return all, nil
}

// EndAttemptIn records that an attempt will never be paid.
type EndAttemptIn struct {
	PaymentID string
	Attempt   int
	State     channel.State
	Code      string
	At        time.Time
}

// EndAttempt records it. An attempt that never got onto disk was never asked
// for (I5) and needs no end.
func (b *Books) EndAttempt(ctx context.Context, in EndAttemptIn) (None, error) {
	err := b.Store.EndAttempt(ctx, in.PaymentID, in.Attempt, in.State, in.Code, in.At)
	if errors.Is(err, store.ErrNotFound) {
		return None{}, nil
	}
	return None{}, boundary(err)
}

// CaseIn opens a review case; Next is the payment's status with it, empty to
// leave it alone. Amount is what is decided about.
type CaseIn struct {
	PaymentID  string
	HospitalID string
	Amount     money.Money
	Case       payment.Case
	Next       payment.Status
	At         time.Time
}

// CaseOut is the case as it was opened: whether two people decide it is the
// hospital's rule.
type CaseOut struct {
	SecondPerson bool `json:"second_person,omitempty"`
}

// OpenCase opens it.
func (b *Books) OpenCase(ctx context.Context, in CaseIn) (CaseOut, error) {
	limit, err := b.Hospitals.SecondPersonAbove(in.HospitalID)
	if err != nil {
		return CaseOut{}, boundary(err)
	}
	if limit.IsPositive() {
		above, err := in.Amount.Cmp(limit)
		if err != nil {
			return CaseOut{}, boundary(err)
		}
		in.Case.SecondPerson = above > 0
	}
	err = b.Store.OpenCase(ctx, in.PaymentID, in.Case, in.Next, in.At)
	return CaseOut{SecondPerson: in.Case.SecondPerson}, boundary(err)
}

// Propose records the first person's decision on a case that two decide.
func (b *Books) Propose(ctx context.Context, in DecideIn) (None, error) {
	return None{}, boundary(b.Store.ProposeDecision(ctx, in.PaymentID, in.Decision, in.At))
}

// EscalateIn says that a case is overdue for the n-th time.
type EscalateIn struct {
	PaymentID string
	CaseID    string
	N         int
	At        time.Time
}

// Escalate records it.
func (b *Books) Escalate(ctx context.Context, in EscalateIn) (None, error) {
	return None{}, boundary(b.Store.EscalateCase(ctx, in.PaymentID, in.CaseID, in.N, in.At))
}

// DecideIn closes a review case.
type DecideIn struct {
	PaymentID string
	Decision  payment.Decision
	At        time.Time
}

// DecideOut is the decision that stands.
type DecideOut struct {
	Decision payment.Decision `json:"decision"`
}

// Decide records a person's decision, before anything follows from it. What
// the books have already stands: a workflow task that was lost after this step
// comes here again, perhaps with a word that came in meanwhile, and has to
// follow the first.
func (b *Books) Decide(ctx context.Context, in DecideIn) (DecideOut, error) {
	err := b.Store.DecideCase(ctx, in.PaymentID, in.Decision, in.At)
	if !payment.HasCode(err, payment.CodeCaseClosed) {
		return DecideOut{Decision: in.Decision}, boundary(err)
	}
	c, err := b.Store.Case(ctx, in.Decision.CaseID)
	if err != nil {
		return DecideOut{}, boundary(err)
	}
	return DecideOut{Decision: *c.Decision}, nil
}

// CompleteIn ends a payment.
type CompleteIn struct {
	PaymentID string
	At        time.Time
}

// Complete ends a payment whose backend cannot or need not be told.
func (b *Books) Complete(ctx context.Context, in CompleteIn) (None, error) {
	return None{}, boundary(complete(ctx, b.Store, in.PaymentID, in.At))
}

// complete ends a registered payment. One whose money is being returned by
// now, on the backend's request, is ended by that refund instead.
func complete(ctx context.Context, s Store, paymentID string, at time.Time) error {
	if err := s.Complete(ctx, paymentID, at); !errors.Is(err, store.ErrTransition) {
		return err
	}
	return nil
}

// TotalsOut says whether all captured money is back.
type TotalsOut struct {
	Whole       bool   `json:"whole"`
	CallbackURL string `json:"callback_url,omitempty"`
}

// Totals compares what was captured with what was returned.
func (b *Books) Totals(ctx context.Context, in CompleteIn) (TotalsOut, error) {
	v, err := b.Store.Payment(ctx, in.PaymentID)
	return TotalsOut{Whole: v.Captured.IsPositive() && v.Captured.Equal(v.Refunded), CallbackURL: v.CallbackURL}, boundary(err)
}
