package workflows_test

import (
	"context"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func (b *fakeBooks) ReserveRefund(_ context.Context, o store.RefundOrder) (store.RefundRow, error) {
	err := b.enter("ReserveRefund")
	defer b.mu.Unlock()
	if err != nil {
		return store.RefundRow{}, err
	}
	for _, r := range b.refunds {
		if r.Key == o.Key {
			return r.RefundRow, nil
		}
	}
	a, ok := b.attempts[o.Attempt]
	if !ok {
		return store.RefundRow{}, fmt.Errorf("attempt %d: %w", o.Attempt, store.ErrNotFound)
	}
	for _, c := range a.captures {
		if o.ChannelNo != "" && o.ChannelNo != c.report.ChannelNo || c.report.Captured.Minor()-c.reserved < o.Amount.Minor() {
			continue
		}
		c.reserved += o.Amount.Minor()
		n := len(b.refunds) + 1
		row := store.RefundRow{PaymentID: o.PaymentID, N: n, Key: o.Key, Attempt: o.Attempt, State: channel.RefundProcessing,
			Actor: o.Actor, ExpectedBy: b.expected(o.At), Refund: channel.Refund{No: payment.RefundNo(b.w.request.Order.OrderNo, n), Amount: o.Amount,
				Reason: o.Reason, RequestedAt: o.At, Original: c.report}}
		b.refunds = append(b.refunds, &fakeRefund{RefundRow: row, from: c})
		return row, nil
	}
	if !b.exceeds {
		b.w.t.Errorf("a refund of %s exceeds what attempt %d captured (I6)", o.Amount, o.Attempt)
	}
	return store.RefundRow{}, payment.Problem{Code: payment.CodeRefundExceeds, Text: "exceeds"}
}

func (b *fakeBooks) refund(n int) (*fakeRefund, error) {
	if n < 1 || n > len(b.refunds) {
		return nil, fmt.Errorf("refund %d: %w", n, store.ErrNotFound)
	}
	return b.refunds[n-1], nil
}

func (b *fakeBooks) Refund(_ context.Context, _ string, n int) (store.RefundRow, error) {
	err := b.enter("Refund")
	defer b.mu.Unlock()
	if err != nil {
		return store.RefundRow{}, err
	}
	r, err := b.refund(n)
	if err != nil {
		return store.RefundRow{}, err
	}
	return r.RefundRow, nil
}

// expected is by when a refund is back, as the real books reckon it.
func (b *fakeBooks) expected(at time.Time) time.Time {
	if b.undated {
		return time.Time{}
	}
	return calendar.New(nil).EndOfWorkingDay(at, payment.RefundWorkingDays)
}

func (b *fakeBooks) RefundSent(_ context.Context, _ string, n int, at time.Time) (store.RefundRow, error) {
	err := b.enter("RefundSent")
	defer b.mu.Unlock()
	if err != nil {
		return store.RefundRow{}, err
	}
	r, err := b.refund(n)
	if err != nil {
		return store.RefundRow{}, err
	}
	if r.SentAt.IsZero() {
		r.SentAt = at
	}
	return r.RefundRow, nil
}

func (b *fakeBooks) RetryRefund(_ context.Context, _ string, n, retry int, at time.Time) (store.RefundRow, error) {
	err := b.enter("RetryRefund")
	defer b.mu.Unlock()
	if err != nil {
		return store.RefundRow{}, err
	}
	r, err := b.refund(n)
	if err != nil {
		return store.RefundRow{}, err
	}
	if retry > r.retries {
		r.retries, r.ExpectedBy = retry, b.expected(at)
	}
	return r.RefundRow, nil
}

func (b *fakeBooks) RecordRefund(_ context.Context, _ string, n int, report channel.RefundReport, _ string, _ time.Time) (store.RefundRow, error) {
	err := b.enter("RecordRefund")
	defer b.mu.Unlock()
	if err != nil {
		return store.RefundRow{}, err
	}
	r, err := b.refund(n)
	if err != nil {
		return store.RefundRow{}, err
	}
	if report.RefundNo != "" && report.RefundNo != r.Refund.No || report.Amount.Valid() && !report.Amount.Equal(r.Refund.Amount) {
		b.w.t.Errorf("not a report of refund %d: %+v", n, report)
		return store.RefundRow{}, store.ErrConflict
	}
	if r.State != channel.RefundSucceeded {
		r.State, r.Code = report.State, report.Code
	}
	return r.RefundRow, nil
}

func (b *fakeBooks) RecordOfflineRefund(_ context.Context, _ string, n int, operator, receipt string, _ time.Time) error {
	err := b.enter("RecordOfflineRefund")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	r, err := b.refund(n)
	if err != nil {
		return err
	}
	if r.State == channel.RefundSucceeded {
		b.w.t.Errorf("refund %d was returned and is handed over once more", n)
		return payment.Problem{Code: payment.CodeState, Text: "returned already"}
	}
	r.State, r.offline, r.Actor = channel.RefundSucceeded, receipt, operator
	return nil
}

func (b *fakeBooks) OpenCase(_ context.Context, _ string, c payment.Case, next payment.Status, _ time.Time) error {
	err := b.enter("OpenCase")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	if next != "" {
		if err := b.become(next, string(c.Reason)); err != nil {
			return err
		}
	}
	b.cases = append(b.cases, &fakeCase{Case: c})
	return nil
}

func (b *fakeBooks) Case(_ context.Context, id string) (store.CaseView, error) {
	err := b.enter("Case")
	defer b.mu.Unlock()
	if err != nil {
		return store.CaseView{}, err
	}
	for _, c := range b.cases {
		if c.ID == id {
			return store.CaseView{Case: c.Case, Decision: c.decision}, nil
		}
	}
	return store.CaseView{}, store.ErrNotFound
}

func (b *fakeBooks) DecideCase(_ context.Context, _ string, d payment.Decision, _ time.Time) error {
	return b.onCase("DecideCase", d.CaseID, func(c *fakeCase) error {
		if c.decision != nil {
			if c.decision.Verdict == d.Verdict && c.decision.Operator == d.Operator {
				return nil
			}
			return payment.Problem{Code: payment.CodeCaseClosed, Text: "this case was decided before"}
		}
		if err := d.Check(&c.Case); err != nil {
			b.w.t.Errorf("case %s: %v", c.ID, err)
			return err
		}
		if c.SecondPerson && !payment.ByNobody(d.Operator) && !c.Confirms(d) {
			b.w.t.Errorf("case %s is decided by one person", c.ID)
		}
		c.decision = &d
		return nil
	})
}

// ProposeDecision keeps the first person's word.
func (b *fakeBooks) ProposeDecision(_ context.Context, _ string, d payment.Decision, _ time.Time) error {
	return b.onCase("ProposeDecision", d.CaseID, func(c *fakeCase) error {
		if c.decision != nil {
			return payment.Problem{Code: payment.CodeCaseClosed, Text: "this case was decided before"}
		}
		c.Proposal = &d
		return nil
	})
}

// EscalateCase counts.
func (b *fakeBooks) EscalateCase(_ context.Context, _, caseID string, n int, _ time.Time) error {
	return b.onCase("EscalateCase", caseID, func(c *fakeCase) error {
		c.Escalations = n
		return nil
	})
}

func (b *fakeBooks) onCase(doing, id string, f func(*fakeCase) error) error {
	err := b.enter(doing)
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	for _, c := range b.cases {
		if c.ID == id {
			return f(c)
		}
	}
	b.w.t.Errorf("no case %s", id)
	return payment.Problem{Code: payment.CodeCaseUnknown, Text: "unknown"}
}

// openCases are the cases that nobody has decided.
func (b *fakeBooks) openCases() []payment.Case {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []payment.Case
	for _, c := range b.cases {
		if c.decision == nil {
			all = append(all, c.Case)
		}
	}
	return all
}

// decided are the decisions, in order.
func (b *fakeBooks) decided() []payment.Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []payment.Verdict
	for _, c := range b.cases {
		if c.decision != nil {
			all = append(all, c.decision.Verdict)
		}
	}
	return all
}

// reasons are the reasons of all cases, in order.
func (b *fakeBooks) reasons() []payment.Reason {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []payment.Reason
	for _, c := range b.cases {
		all = append(all, c.Reason)
	}
	return all
}

func (b *fakeBooks) Challenge(_ context.Context, id string) (store.Challenge, error) {
	err := b.enter("Challenge")
	defer b.mu.Unlock()
	if err != nil {
		return store.Challenge{}, err
	}
	if _, ok := b.proofs[id]; !ok {
		return store.Challenge{}, fmt.Errorf("challenge: %w", store.ErrNotFound)
	}
	kind := payment.ByFace
	if b.proofs[id] != "" {
		kind = payment.BySMS
	}
	o := b.w.request.Order
	return store.Challenge{ID: id, PaymentID: payment.ID(o.HospitalID, o.OrderNo), HospitalID: o.HospitalID, Kind: kind, VerifyID: "v", OutSeqNo: "s"}, nil
}

func (b *fakeBooks) AnswerSMS(_ context.Context, _, id, code string, _ time.Time) error {
	err := b.enter("AnswerSMS")
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	if b.status.Ended() {
		return payment.Problem{Code: payment.CodeState, Text: "the payment has ended"}
	}
	if want, ok := b.proofs[id]; !ok || want == "" || want != code {
		return payment.Problem{Code: payment.CodeVerification, Field: "code", Text: "the code is wrong"}
	}
	b.passed = true
	return nil
}

func (b *fakeBooks) PassFace(context.Context, string, string, time.Time) error {
	err := b.enter("PassFace")
	defer b.mu.Unlock()
	b.passed = b.passed || err == nil
	return err
}

var _ identity.Face = (*fakeFace)(nil)
