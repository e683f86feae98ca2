package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// lookEvery is how often support staff look at their queue.
const lookEvery = time.Second

// staff is the support staff: they work through the queue of open cases by the
// API, with a key of their own, and decide what the file says.
type staff struct {
	in *local.Installation

	desks sync.WaitGroup

	mu    sync.Mutex
	plans map[string]*plan // by order number
}

// plan is what becomes of one order's cases.
type plan struct {
	registration registration
	decisions    []payment.Verdict // still to be made
	last         string            // the case decided last
	busy         bool              // somebody is at it
	stuck        error             // why nobody can go on
}

func newStaff(in *local.Installation) *staff { return &staff{in: in, plans: map[string]*plan{}} }

// brief tells the staff what to decide of an order.
func (s *staff) brief(order string, r registration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[order] = &plan{registration: r, decisions: r.Staff}
}

// stuck is why an order's case stays open, or nil.
func (s *staff) stuck(order string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[order]; p != nil {
		return p.stuck
	}
	return nil
}

// work works until ctx ends, and then until everybody has put the pen down.
func (s *staff) work(ctx context.Context) {
	defer s.desks.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *staff) round(ctx context.Context) {
	cursor := ""
	for {
		page, err := s.in.Staff.Reviews(ctx, "", cursor)
		if err != nil {
			return // looked at again in a second; a lasting trouble shows in the rows
		}
		for _, review := range page.Items {
			s.see(ctx, review)
		}
		if cursor = page.Next; cursor == "" {
			return
		}
	}
}

// see has somebody take a case that has a plan; a slow one holds nobody up.
func (s *staff) see(ctx context.Context, review wire.Review) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.plans[review.OrderNo]
	switch {
	case p == nil || p.busy || p.last == review.CaseID:
	case len(p.decisions) > 0:
		p.busy = true
		verdict := p.decisions[0]
		s.desks.Go(func() { s.settle(ctx, p, review, verdict) })
	case p.registration.Behaviour != changes:
		// Where they do change, the patient's own wish closes the case.
		p.stuck = fmt.Errorf("a case that nobody planned: %s %s", review.Reason, review.Detail)
	}
}

func (s *staff) settle(ctx context.Context, p *plan, review wire.Review, verdict payment.Verdict) {
	err := s.decide(ctx, p.registration, review, verdict)
	var refused *wire.Problem
	s.mu.Lock()
	defer s.mu.Unlock()
	p.busy = false
	switch {
	case err == nil:
		p.decisions, p.last = p.decisions[1:], review.CaseID
	case errors.As(err, &refused) && refused.Status < 500:
		p.stuck = err
	}
}

// Who decides: where two people have to, the second confirms what the first
// one proposed.
const (
	operator  = "demo-staff"
	colleague = "demo-colleague"
)

// decide finds out what staff would have to, and decides the case.
func (s *staff) decide(ctx context.Context, r registration, review wire.Review, verdict payment.Verdict) error {
	d := wire.Decision{CaseID: review.CaseID, Decision: verdict, Operator: operator, Note: "decided as the file says"}
	if review.Reason == payment.ReviewClearingUnknown {
		// They call the platform, whose own staff find the settlement.
		merchantNo := payment.MerchantNo(review.OrderNo, r.insuranceAttempt())
		if err := s.in.Sandbox.SettleInsurance(ctx, review.HospitalID, merchantNo, local.InsuranceSettled); err != nil {
			return err
		}
		d.Note = "the platform confirms by telephone"
	}
	if verdict.NeedsReference() {
		d.Reference = "TEL-" + review.OrderNo
	}
	if review.Proposal == nil {
		made, err := s.in.Staff.Decide(ctx, review.PaymentID, d)
		if err != nil || !made.Proposed {
			return err
		}
	}
	d.Operator, d.Note = colleague, "checked by a second person"
	_, err := s.in.Staff.Decide(ctx, review.PaymentID, d)
	return err
}
