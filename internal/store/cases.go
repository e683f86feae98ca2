package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

type caseRow struct {
	ID        string          `db:"id"`
	PaymentID string          `db:"payment_id"`
	Hospital  string          `db:"hospital_id"`
	Reason    payment.Reason  `db:"reason"`
	Detail    string          `db:"detail"`
	Attempt   int             `db:"attempt"`
	OpenedAt  time.Time       `db:"opened_at"`
	Deadline  time.Time       `db:"deadline"`
	Allowed   pq.StringArray  `db:"allowed"`
	Workflow  string          `db:"workflow_id"`
	DecidedAt sql.NullTime    `db:"decided_at"`
	Verdict   payment.Verdict `db:"verdict"`
	Operator  string          `db:"operator"`
	Reference string          `db:"reference"`
	HandedBy  string          `db:"handed_by"`
	Note      []byte          `db:"note_sealed"`

	SecondPerson bool            `db:"second_person"`
	Escalations  int             `db:"escalations"`
	Proposal     payment.Verdict `db:"proposal_verdict"`
	Proposer     string          `db:"proposal_operator"`
	ProposalRef  string          `db:"proposal_reference"`
	ProposalBy   string          `db:"proposal_handed_by"`
	ProposalNote []byte          `db:"proposal_note_sealed"`
}

const caseColumns = `c.id, c.payment_id, c.hospital_id, c.reason, c.detail, c.attempt, c.opened_at, c.deadline, c.allowed,
       c.workflow_id, c.decided_at, c.verdict, c.operator, c.reference, c.handed_by, c.note_sealed,
       c.second_person, c.escalations, c.proposal_verdict, c.proposal_operator, c.proposal_reference,
       c.proposal_handed_by, c.proposal_note_sealed`

// OpenCase asks a person: the case, and the payment's status, which becomes
// next with the case's reason, or stays as it is when next is empty. A case of
// that ID that was opened before, also one that is decided by now, is left as
// it is.
func (s *Store) OpenCase(ctx context.Context, paymentID string, c payment.Case, next payment.Status, at time.Time) error {
	return s.step(ctx, "open case", paymentID, at, func(st *step) error {
		allowed := make(pq.StringArray, len(c.Allowed))
		for i, v := range c.Allowed {
			allowed[i] = string(v)
		}
		opened := c.OpenedAt
		if opened.IsZero() {
			opened = at
		}
		var owner string
		const known = `SELECT payment_id FROM cases WHERE id = $1`
		switch err := found(st.tx.GetContext(ctx, &owner, known, c.ID)); {
		case err == nil && owner == paymentID:
			return nil
		case err == nil:
			return fmt.Errorf("case %s is another payment's: %w", c.ID, ErrConflict)
		case err != ErrNotFound:
			return fmt.Errorf("look for case %s: %w", c.ID, err)
		}
		if next != "" {
			if err := st.become(next, string(c.Reason)); err != nil {
				return err
			}
			st.row.Reason = string(c.Reason)
		}
		const insert = `
INSERT INTO cases (id, payment_id, hospital_id, reason, detail, attempt, opened_at, deadline, allowed, workflow_id, second_person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
		_, err := st.tx.ExecContext(ctx, insert, c.ID, paymentID, st.row.Hospital, c.Reason, c.Detail, c.Attempt,
			stamp(opened), stamp(c.Deadline), allowed, c.Workflow, c.SecondPerson)
		if err != nil {
			return fmt.Errorf("write case %s: %w", c.ID, err)
		}
		st.record(byWorkflow, "case_opened", "case", c.ID, "why", string(c.Reason), "code", c.Detail)
		return nil
	})
}

// writeDecision decides a case and counts it for its day. A transaction decides
// one case, after it has locked its payment, so that those who wait for the
// day's row never wait for each other.
const writeDecision = `
WITH decided AS (
    UPDATE cases SET decided_at = $2, verdict = $3::text, operator = $4, reference = $5, note_sealed = $6, handed_by = $7 WHERE id = $1
)
INSERT INTO case_days (day, hospital_id, verdict, people, nobody) VALUES ($8::date, $9, $3::text, $10::int, $11::int)
    ON CONFLICT (day, hospital_id, verdict)
    DO UPDATE SET people = case_days.people + excluded.people, nobody = case_days.nobody + excluded.nobody`

// dayOf is a time's day in China, as a date.
func dayOf(at time.Time) string { return at.In(calendar.Zone).Format(time.DateOnly) }

// DecideCase closes a case by a person's decision; what follows from it is the
// caller's. The same decision again changes nothing. Problems: those of
// payment.Decision.Check, CodeCaseUnknown, CodeCaseClosed once another decision
// was made, and CodeSecondPerson where the decision does not confirm another
// person's proposal and has to.
func (s *Store) DecideCase(ctx context.Context, paymentID string, d payment.Decision, at time.Time) error {
	return s.stepOnCase(ctx, "decide case", paymentID, d.CaseID, at, func(st *step, row caseRow) error {
		if row.DecidedAt.Valid {
			if row.Verdict == d.Verdict && row.Operator == d.Operator && row.Reference == d.Reference {
				return nil
			}
			return payment.Problem{Code: payment.CodeCaseClosed, Field: "case_id", Text: "this case was decided before"}
		}
		c := row.open()
		if err := d.Check(&c); err != nil {
			return err
		}
		if c.SecondPerson && !payment.ByNobody(d.Operator) && !c.Confirms(d) {
			return payment.Problem{Code: payment.CodeSecondPerson, Field: "operator", Text: "another person has to confirm this decision"}
		}
		note, err := s.sealNote(d, row.ID)
		if err != nil {
			return err
		}
		people, nobody := 1, 0
		if payment.ByNobody(d.Operator) {
			people, nobody = 0, 1
		}
		if _, err := st.tx.ExecContext(ctx, writeDecision, row.ID, st.at, d.Verdict, d.Operator, d.Reference, note, d.HandedBy,
			dayOf(st.at), row.Hospital, people, nobody); err != nil {
			return fmt.Errorf("write case %s: %w", row.ID, err)
		}
		st.record(d.Operator, "case_decided", "case", row.ID, "decision", string(d.Verdict), "reference", d.Reference, "handed_by", d.HandedBy)
		return nil
	})
}

// ProposeDecision keeps the first person's decision on a case that two people
// decide; an earlier proposal is replaced. The same proposal again changes
// nothing. Problems: those of payment.Decision.Check, CodeCaseUnknown and
// CodeCaseClosed.
func (s *Store) ProposeDecision(ctx context.Context, paymentID string, d payment.Decision, at time.Time) error {
	return s.stepOnCase(ctx, "propose a decision", paymentID, d.CaseID, at, func(st *step, row caseRow) error {
		if row.DecidedAt.Valid {
			return payment.Problem{Code: payment.CodeCaseClosed, Field: "case_id", Text: "this case was decided before"}
		}
		if row.Proposal == d.Verdict && row.Proposer == d.Operator && row.ProposalRef == d.Reference && row.ProposalBy == d.HandedBy {
			return nil
		}
		c := row.open()
		if err := d.Check(&c); err != nil {
			return err
		}
		note, err := s.sealNote(d, row.ID)
		if err != nil {
			return err
		}
		const write = `
UPDATE cases SET proposed_at = $2, proposal_verdict = $3, proposal_operator = $4, proposal_reference = $5,
       proposal_note_sealed = $6, proposal_handed_by = $7 WHERE id = $1`
		if _, err := st.tx.ExecContext(ctx, write, row.ID, st.at, d.Verdict, d.Operator, d.Reference, note, d.HandedBy); err != nil {
			return fmt.Errorf("write case %s: %w", row.ID, err)
		}
		st.record(d.Operator, "decision_proposed", "case", row.ID, "decision", string(d.Verdict), "reference", d.Reference, "handed_by", d.HandedBy)
		return nil
	})
}

// EscalateCase counts that a case is overdue for the n-th time. A case that was
// decided meanwhile, or was counted before, is left as it is.
func (s *Store) EscalateCase(ctx context.Context, paymentID, caseID string, n int, at time.Time) error {
	return s.stepOnCase(ctx, "escalate case", paymentID, caseID, at, func(st *step, row caseRow) error {
		if row.DecidedAt.Valid || row.Escalations >= n {
			return nil
		}
		if _, err := st.tx.ExecContext(ctx, `UPDATE cases SET escalations = $2 WHERE id = $1`, row.ID, n); err != nil {
			return fmt.Errorf("write case %s: %w", row.ID, err)
		}
		st.record(byWorkflow, "case_overdue", "case", row.ID, "times", number(n))
		return nil
	})
}

// stepOnCase is a step on a case of a payment that is locked.
func (s *Store) stepOnCase(ctx context.Context, doing, paymentID, caseID string, at time.Time, f func(*step, caseRow) error) error {
	return s.step(ctx, doing, paymentID, at, func(st *step) error {
		var row caseRow
		const read = `SELECT ` + caseColumns + ` FROM cases c WHERE c.id = $1 AND c.payment_id = $2`
		switch err := found(st.tx.GetContext(ctx, &row, read, caseID, paymentID)); {
		case err == ErrNotFound:
			return payment.Problem{Code: payment.CodeCaseUnknown, Field: "case_id", Text: "no such case of this payment"}
		case err != nil:
			return fmt.Errorf("read case: %w", err)
		}
		return f(st, row)
	})
}

// sealNote encrypts what a person wrote; nil for nothing.
func (s *Store) sealNote(d payment.Decision, caseID string) (any, error) {
	if d.Note == "" {
		return nil, nil
	}
	return s.sealJSON(d.Note, "case note", caseID)
}

const (
	caseViewColumns = caseColumns + `, q.order_no, q.workflow_id AS payment_workflow, p.status, p.method, p.currency, p.amount_fen, p.captured_fen`
	fromCases       = ` FROM cases c JOIN payments p ON p.id = c.payment_id JOIN requests q ON q.payment_id = c.payment_id`
	selectCases     = `SELECT ` + caseViewColumns + fromCases
)

type caseViewRow struct {
	caseRow
	OrderNo         string         `db:"order_no"`
	PaymentWorkflow string         `db:"payment_workflow"`
	Status          payment.Status `db:"status"`
	Method          payment.Method `db:"method"`
	Currency        money.Currency `db:"currency"`
	Amount          int64          `db:"amount_fen"`
	Captured        int64          `db:"captured_fen"`
}

// The orders in which cases are paged through.
var (
	openCases = order{table: "cases", id: "id", at: "opened_at", way: "ASC", which: "decided_at IS NULL"}
	allCases  = order{table: "cases", id: "id", at: "opened_at", way: "ASC"}
)

// Cases reads review cases, the longest open first.
func (s *Store) Cases(ctx context.Context, f CaseFilter) ([]CaseView, error) {
	o := allCases
	if f.Open {
		o = openCases
	}
	var w where
	if f.After != "" {
		w.after("cases", "opened_at", "id", ">", f.After)
	}
	page := w.merged(o, f.Hospitals, limit(f.Limit))
	return s.cases(ctx, ` JOIN `+page+` AS page ON page.id = c.id ORDER BY c.opened_at, c.id`, w.args...)
}

// Case reads one review case, or returns ErrNotFound.
func (s *Store) Case(ctx context.Context, caseID string) (CaseView, error) {
	all, err := s.cases(ctx, ` WHERE c.id = ?`, caseID)
	if err != nil {
		return CaseView{}, err
	}
	if len(all) == 0 {
		return CaseView{}, fmt.Errorf("read case: %w", ErrNotFound)
	}
	return all[0], nil
}

func (s *Store) cases(ctx context.Context, where string, args ...any) ([]CaseView, error) {
	var rows []caseViewRow
	if err := s.db.SelectContext(ctx, &rows, s.db.Rebind(selectCases+where), args...); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	out := make([]CaseView, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = s.caseView(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Store) caseView(r caseViewRow) (CaseView, error) {
	v := CaseView{Case: r.open(), PaymentID: r.PaymentID, HospitalID: r.Hospital, OrderNo: r.OrderNo,
		WorkflowID: r.PaymentWorkflow, Status: r.Status, Method: r.Method, Amount: money.Minor(r.Amount, r.Currency),
		Captured: money.Minor(r.Captured, r.Currency), State: CaseOpen, DecidedAt: utc(r.DecidedAt)}
	if p := v.Proposal; p != nil && r.ProposalNote != nil {
		if err := s.openJSON(r.ProposalNote, &p.Note, "case note", r.ID); err != nil {
			return CaseView{}, fmt.Errorf("read case %s: %w", r.ID, err)
		}
	}
	if !r.DecidedAt.Valid {
		return v, nil
	}
	d := &payment.Decision{CaseID: r.ID, Verdict: r.Verdict, Operator: r.Operator, Reference: r.Reference, HandedBy: r.HandedBy}
	if r.Note != nil {
		if err := s.openJSON(r.Note, &d.Note, "case note", r.ID); err != nil {
			return CaseView{}, fmt.Errorf("read case %s: %w", r.ID, err)
		}
	}
	v.State, v.Decision = CaseDecided, d
	return v, nil
}

// open is the case as the domain knows it.
func (r caseRow) open() payment.Case {
	c := payment.Case{ID: r.ID, Reason: r.Reason, Detail: r.Detail, Attempt: r.Attempt,
		OpenedAt: r.OpenedAt.UTC(), Deadline: r.Deadline.UTC(), Allowed: make([]payment.Verdict, len(r.Allowed)),
		Workflow: r.Workflow, SecondPerson: r.SecondPerson, Escalations: r.Escalations}
	if r.Proposal != "" {
		c.Proposal = &payment.Decision{CaseID: r.ID, Verdict: r.Proposal, Operator: r.Proposer, Reference: r.ProposalRef, HandedBy: r.ProposalBy}
	}
	for i, v := range r.Allowed {
		c.Allowed[i] = payment.Verdict(v)
	}
	return c
}
