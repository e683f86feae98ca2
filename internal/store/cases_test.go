package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func caseOf(id, name string, reason payment.Reason, after time.Duration) payment.Case {
	at := noon.Add(after).Truncate(time.Microsecond)
	return payment.Case{ID: id + "-" + name, Reason: reason, Detail: "ordStas=9", Attempt: 1, OpenedAt: at,
		Deadline: at.Add(payment.ReviewWindow), Allowed: reason.Allowed(), Workflow: "payment/" + name}
}

func TestACaseIsOpenedAndDecidedOnce(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := caseOf(id, "C1", payment.ReviewClearingFailed, 0)
	for range 2 {
		require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
	}
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.InReview, v.Status)
	require.Equal(t, string(payment.ReviewClearingFailed), v.Reason)
	require.Equal(t, &c, v.Case)

	d := payment.Decision{CaseID: c.ID, Verdict: payment.ConfirmSettled, Operator: "op-li", Note: "患者来电", Reference: "SETL-1"}
	wrong := d
	wrong.Verdict = payment.Approve
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, wrong, noon), payment.CodeDecision))
	wrong = d
	wrong.CaseID = "no-such-case"
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, wrong, noon), payment.CodeCaseUnknown))
	wrong = d
	wrong.Reference = ""
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, wrong, noon), payment.CodeReference))

	n := lines(t, b, id)
	for range 2 {
		require.NoError(t, b.DecideCase(ctx, id, d, noon.Add(time.Minute)))
	}
	require.Equal(t, n+1, lines(t, b, id))
	d.Verdict = payment.Reject
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, d, noon), payment.CodeCaseClosed))
	require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon), "a late repeat of the opening")

	got, err := b.Case(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, store.CaseDecided, got.State)
	require.Equal(t, &payment.Decision{CaseID: c.ID, Verdict: payment.ConfirmSettled, Operator: "op-li", Note: "患者来电", Reference: "SETL-1"}, got.Decision)
	require.Equal(t, c, got.Case)
	v, err = b.Payment(ctx, id)
	require.NoError(t, err)
	require.Nil(t, v.Case)
	_, err = b.Case(ctx, "no-such-case")
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, b.VerifyAudit(ctx, id))
}

func TestTwoPeopleDecideACaseAndNobodyIsBoth(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := caseOf(id, "C1", payment.ReviewClearingFailed, 0)
	c.SecondPerson = true
	require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
	first := payment.Decision{CaseID: c.ID, Verdict: payment.RefundOffline, Operator: "op-li", Reference: "RCPT-1", HandedBy: "cashier-wu", Note: "现金"}
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, first, noon), payment.CodeSecondPerson), "nobody has proposed it")
	for range 2 {
		require.NoError(t, b.ProposeDecision(ctx, id, first, noon))
	}
	v, err := b.Case(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, store.CaseOpen, v.State)
	require.Equal(t, &first, v.Proposal)
	p, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "op-li", p.Case.Proposal.Operator)
	require.True(t, p.Case.SecondPerson)

	again, other := first, first
	again.Operator = "OP-Li "
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, again, noon), payment.CodeSecondPerson))
	other.Operator, other.Reference = "op-wang", "RCPT-2"
	require.True(t, payment.HasCode(b.DecideCase(ctx, id, other, noon), payment.CodeSecondPerson), "another receipt is another decision")
	_, err = b.db.ExecContext(ctx, `UPDATE cases SET decided_at = now(), verdict = 'refund_offline', operator = 'op-li', reference = 'RCPT-1' WHERE id = $1`, c.ID)
	require.ErrorContains(t, err, "two_people", "the database refuses it as well")
	other.Reference = "RCPT-1"
	require.NoError(t, b.DecideCase(ctx, id, other, noon))
	require.True(t, payment.HasCode(b.ProposeDecision(ctx, id, first, noon), payment.CodeCaseClosed))
	v, err = b.Case(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, "op-wang", v.Decision.Operator)
	require.Equal(t, "cashier-wu", v.Decision.HandedBy)
	require.NoError(t, b.VerifyAudit(ctx, id))
}

func TestACaseThatIsOverByItselfNeedsNoSecondPerson(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := caseOf(id, "C1", payment.ReviewClearingUnknown, 0)
	c.SecondPerson = true
	require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: c.ID, Verdict: payment.Resolved, Operator: payment.ByHIS}, noon))
}

func TestAnOverdueCaseIsCountedOnceATime(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := caseOf(id, "C1", payment.ReviewClearingFailed, 0)
	require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
	for _, n := range []int{1, 1, 2} {
		require.NoError(t, b.EscalateCase(ctx, id, c.ID, n, noon))
	}
	v, err := b.Case(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, 2, v.Escalations)
	n := lines(t, b, id)
	require.NoError(t, b.EscalateCase(ctx, id, c.ID, 2, noon))
	require.Equal(t, n, lines(t, b, id))
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: c.ID, Verdict: payment.RefundAll, Operator: "op-li"}, noon))
	require.NoError(t, b.EscalateCase(ctx, id, c.ID, 3, noon))
	v, err = b.Case(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, 2, v.Escalations, "decided, it is not overdue any more")
}

func TestACaseOfARefundLeavesThePaymentAsItIs(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	first, second := caseOf(id, "R01-C1", payment.ReviewRefundFailed, 0), caseOf(id, "R02-C1", payment.ReviewRefundFailed, time.Minute)
	require.NoError(t, b.OpenCase(ctx, id, second, "", noon))
	require.NoError(t, b.OpenCase(ctx, id, first, "", noon))
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.Completed, v.Status)
	require.Equal(t, first.ID, v.Case.ID, "the one that has been open longest")

	other := b.open(t, "ORDER0002", 5000)
	require.ErrorIs(t, b.OpenCase(ctx, other, first, "", noon), store.ErrConflict)
	require.ErrorIs(t, b.OpenCase(ctx, id, caseOf(id, "C9", payment.ReviewRisk, 0), payment.Pending, noon), store.ErrTransition)
}

func TestCasesAreListedByHospitalThePlaceInLineFirst(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	var ids []string
	for i := range 5 {
		order := "ORDER000" + string(rune('1'+i))
		id := b.open(t, order, 5000)
		c := caseOf(id, "C1", payment.ReviewRisk, time.Duration(i)*time.Minute)
		require.NoError(t, b.OpenCase(ctx, id, c, payment.InReview, noon))
		ids = append(ids, c.ID)
	}
	done := payment.Decision{CaseID: ids[1], Verdict: payment.Approve, Operator: "op-li"}
	require.NoError(t, b.DecideCase(ctx, ids[1][:len(ids[1])-3], done, noon))

	page := func(f store.CaseFilter) []string {
		all, err := b.Cases(ctx, f)
		require.NoError(t, err)
		out := []string{}
		for _, c := range all {
			out = append(out, c.ID)
		}
		return out
	}
	mine := []string{hospital}
	require.Equal(t, []string{ids[0], ids[2], ids[3], ids[4]}, page(store.CaseFilter{Hospitals: mine, Open: true}))
	require.Equal(t, ids[:2], page(store.CaseFilter{Hospitals: mine, Limit: 2}))
	require.Equal(t, ids[3:], page(store.CaseFilter{Hospitals: []string{store.AllHospitals}, After: ids[2]}))
	require.Empty(t, page(store.CaseFilter{Hospitals: []string{"h-xiehe", "h-other"}}))
	require.Empty(t, page(store.CaseFilter{}), "a forgotten scope shows nothing")
}
