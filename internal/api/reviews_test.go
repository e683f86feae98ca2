package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func inReview(s *stack) store.View {
	v := view("ren-he", "R20260105000001", payment.InReview)
	v.Case = &payment.Case{ID: v.ID + "-C1", Reason: payment.ReviewClearingFailed, OpenedAt: now(),
		Allowed: payment.ReviewClearingFailed.Allowed()}
	s.books.cases = []store.CaseView{{Case: *v.Case, PaymentID: v.ID, HospitalID: "ren-he", OrderNo: v.OrderNo, Amount: money.Fen(5000), State: store.CaseOpen}}
	return s.put(v)
}

func decision(caseID, word string) map[string]any {
	return map[string]any{"case_id": caseID, "decision": word, "operator": "wang"}
}

// by is a decision that names somebody else as its operator.
func by(operator string) func(store.View) map[string]any {
	return func(v store.View) map[string]any {
		body := decision(v.Case.ID, "reject")
		body["operator"] = operator
		return body
	}
}

func TestStaffDecideACase(t *testing.T) {
	s := newStack(t)
	v := inReview(s)
	got := as[wire.Decided](t, s.do("POST", "/v1/payments/"+v.ID+"/review", staff, decision(v.Case.ID, "retry_clearing")), 202)
	require.Equal(t, v.Case.ID, got.CaseID)
	require.Equal(t, []payment.Decision{{CaseID: v.Case.ID, Verdict: payment.RetryClearing, Operator: "wang"}}, s.engine.decided)
}

func TestTheFirstOfTwoPeopleIsToldThatItIsAProposal(t *testing.T) {
	s := newStack(t)
	v := inReview(s)
	v.Case.SecondPerson = true
	s.put(v)
	path := "/v1/payments/" + v.ID + "/review"
	require.True(t, as[wire.Decided](t, s.do("POST", path, staff, decision(v.Case.ID, "refund")), 202).Proposed)
	v.Case.Proposal = &payment.Decision{CaseID: v.Case.ID, Verdict: payment.RefundAll, Operator: "wang"}
	s.put(v)
	problem(t, s.do("POST", path, staff, decision(v.Case.ID, "refund")), 409, payment.CodeSecondPerson)
	by := decision(v.Case.ID, "refund")
	by["operator"] = "li"
	require.False(t, as[wire.Decided](t, s.do("POST", path, staff, by), 202).Proposed)
	require.Len(t, s.engine.decided, 2, "the same person's confirmation went no further")
	got := as[wire.Payment](t, s.do("GET", "/v1/payments/"+v.ID, staff, nil), 200)
	require.Equal(t, &wire.Proposal{Decision: payment.RefundAll, Operator: "wang"}, got.Case.Proposal)
}

func TestADecisionIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		key    string
		change func(*store.View)
		body   func(store.View) map[string]any
		want   int
		code   string
	}{
		{"without a staff key", backend, nil, func(v store.View) map[string]any { return decision(v.Case.ID, "reject") }, 403, api.CodeForbidden},
		{"on a case that is closed", staff, func(v *store.View) { v.Case = nil },
			func(v store.View) map[string]any { return decision(v.ID+"-C1", "reject") }, 409, payment.CodeCaseClosed},
		{"on another case", staff, nil, func(v store.View) map[string]any { return decision(v.ID+"-C9", "reject") }, 404, payment.CodeCaseUnknown},
		{"that the case does not take", staff, nil, func(v store.View) map[string]any { return decision(v.Case.ID, "approve") }, 422, payment.CodeDecision},
		{"that is none", staff, nil, func(v store.View) map[string]any { return decision(v.Case.ID, "perhaps") }, 422, api.CodeInvalid},
		{"without a reference", staff, nil, func(v store.View) map[string]any { return decision(v.Case.ID, "confirm_settled") }, 422, payment.CodeReference},
		{"without an operator", staff, nil, func(v store.View) map[string]any {
			return map[string]any{"case_id": v.Case.ID, "decision": "reject", "operator": " "}
		}, 422, payment.CodeOperator},
		{"in the name of an account of the console", staff, nil, by("local:wang"), 422, payment.CodeOperator},
		{"in the name of somebody of the issuer, written otherwise", staff, nil, by(" OIDC:Wang"), 422, payment.CodeOperator},
		{"in the name of nobody", staff, nil, by("Patient"), 422, payment.CodeOperator},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			v := inReview(s)
			b := tc.body(v)
			if tc.change != nil {
				tc.change(&v)
				s.put(v)
			}
			problem(t, s.do("POST", "/v1/payments/"+v.ID+"/review", tc.key, b), tc.want, tc.code)
			require.Empty(t, s.engine.decided)
		})
	}
}

func TestADecisionThatCameSecondIsToldSo(t *testing.T) {
	s := newStack(t)
	v := inReview(s)
	s.engine.err = payment.Problem{Code: payment.CodeCaseClosed}
	problem(t, s.do("POST", "/v1/payments/"+v.ID+"/review", staff, decision(v.Case.ID, "reject")), 409, payment.CodeCaseClosed)
}

func TestACaseOfARefundIsDecidedBesideThePayment(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	c := payment.Case{ID: v.ID + "-R01-C1", Reason: payment.ReviewRefundFailed, Allowed: payment.ReviewRefundFailed.Allowed()}
	s.books.cases = []store.CaseView{{Case: c, PaymentID: v.ID, State: store.CaseOpen}}
	path := "/v1/payments/" + v.ID + "/review"
	as[wire.Decided](t, s.do("POST", path, staff, decision(c.ID, "retry_refund")), 202)
	s.books.cases[0].State = store.CaseDecided
	problem(t, s.do("POST", path, staff, decision(c.ID, "retry_refund")), 409, payment.CodeCaseClosed)
	s.books.cases[0].State, s.books.cases[0].PaymentID = store.CaseOpen, "pay_another"
	problem(t, s.do("POST", path, staff, decision(c.ID, "retry_refund")), 409, payment.CodeCaseClosed)
}

func TestOpenCasesAreListedForStaff(t *testing.T) {
	s := newStack(t)
	v := inReview(s)
	got := as[wire.Reviews](t, s.do("GET", "/v1/reviews", staff, nil), 200)
	require.Len(t, got.Items, 1)
	require.Equal(t, v.ID, got.Items[0].PaymentID)
	require.Equal(t, v.Case.ID, got.Items[0].CaseID)
	require.Equal(t, int64(5000), got.Items[0].AmountFen)
	problem(t, s.do("GET", "/v1/reviews", backend, nil), 403, api.CodeForbidden)
	require.Empty(t, as[wire.Reviews](t, s.do("GET", "/v1/reviews?hospital_id=other", staff, nil), 200).Items)
	problem(t, s.do("GET", "/v1/reviews?cursor=%00", staff, nil), 422, api.CodeCursor)
}
