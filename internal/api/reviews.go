package api

import (
	"context"
	"errors"
	"strings"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

type decideInput struct {
	PaymentPath
	Body wire.Decision
}

type decideOutput struct{ Body wire.Decided }

// decide gives a person's decision to the workflow that waits for it. The
// rules are checked against the books first, for a clear answer; the workflow
// checks them again, since another decision may have come in between.
func (s *server) decide(ctx context.Context, in *decideInput) (*decideOutput, error) {
	v, err := s.payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := in.Body.Domain()
	// The console's own decisions carry these names, which a key does not prove.
	if staff.IsSubject(d.Operator) {
		return nil, payment.Problems{{Code: payment.CodeOperator, Field: "operator", Text: "people of the review console decide there"}}
	}
	open, err := s.openCase(ctx, v, d.CaseID)
	if err != nil {
		return nil, err
	}
	if err := d.CheckPerson(open); err != nil {
		return nil, err
	}
	if err := s.engine.Decide(ctx, refOf(v.Standing), d); err != nil {
		return nil, err
	}
	return &decideOutput{Body: wire.Decided{PaymentID: v.ID, CaseID: d.CaseID, Decision: d.Verdict,
		Proposed: open.SecondPerson && !open.Confirms(d)}}, nil
}

// openCase is the case that a decision is about: the payment's own, or one of
// a refund of it, which is open beside it.
func (s *server) openCase(ctx context.Context, v store.View, caseID string) (*payment.Case, error) {
	if v.Case != nil && v.Case.ID == caseID {
		return v.Case, nil
	}
	if !strings.HasPrefix(caseID, v.ID+"-R") {
		return v.Case, nil
	}
	c, err := s.books.Case(ctx, caseID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return v.Case, nil
	case err != nil:
		return nil, err
	case c.PaymentID != v.ID || c.State != store.CaseOpen:
		return nil, nil
	}
	return &c.Case, nil
}

type reviewsInput struct {
	Hospital string `query:"hospital_id" maxLength:"32" pattern:"^[a-z0-9-]*$" doc:"One hospital alone"`
	Limit    int    `query:"limit" minimum:"1" maximum:"50" default:"50"`
	Cursor   string `query:"cursor" maxLength:"100" doc:"next of the page before"`
}

type reviewsOutput struct{ Body wire.Reviews }

// reviews lists the open cases of the caller's hospitals, oldest first.
func (s *server) reviews(ctx context.Context, in *reviewsInput) (*reviewsOutput, error) {
	out := &reviewsOutput{Body: wire.Reviews{Items: []wire.Review{}}}
	hospitals := scope(callerOf(ctx), in.Hospital)
	if len(hospitals) == 0 {
		return out, nil
	}
	if strings.ContainsFunc(in.Cursor, notIDRune) {
		return nil, newProblem(CodeCursor)
	}
	cases, err := s.books.Cases(ctx, store.CaseFilter{Hospitals: hospitals, Open: true, Limit: in.Limit + 1, After: in.Cursor})
	if err != nil {
		return nil, err
	}
	if len(cases) > in.Limit {
		cases = cases[:in.Limit]
		out.Body.Next = cases[in.Limit-1].ID
	}
	for _, c := range cases {
		out.Body.Items = append(out.Body.Items, wire.Review{Case: wire.CaseOf(c.Case), PaymentID: c.PaymentID,
			HospitalID: c.HospitalID, OrderNo: c.OrderNo, AmountFen: c.Amount.Minor()})
	}
	return out, nil
}
