package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
)

// selectViews reads the payments that an inner query picks, each with its
// tenders and the case that is open longest, in one statement and so of one moment. A payment
// has a row for each of its tenders.
const selectViews = `
SELECT v.*, c.id AS case_id, c.reason AS case_reason, c.detail AS case_detail, c.attempt AS case_attempt,
       c.opened_at AS case_opened_at, c.deadline AS case_deadline, c.allowed AS case_allowed, c.workflow_id AS case_workflow,
       c.second_person AS case_second_person, c.escalations AS case_escalations, c.proposal_verdict AS case_proposal,
       c.proposal_operator AS case_proposer, c.proposal_reference AS case_proposal_reference, c.proposal_handed_by AS case_proposal_handed_by,
       a.attempt, a.channel, a.scene, a.merchant_no, a.state, a.amount_fen AS tender_fen,
       a.captured_fen AS tender_captured_fen, a.reserved_fen AS tender_refunded_fen, a.prepaid_sealed,
       (SELECT channel_no` + effectiveCapture + `) AS channel_no
  FROM (SELECT ` + standingColumns + `, q.workflow_id, p.pay_by, p.created_at, p.updated_at, q.request_index, q.request_sealed
          FROM payments p JOIN requests q ON q.payment_id = p.id %s) v
  LEFT JOIN LATERAL (SELECT * FROM cases WHERE payment_id = v.id AND decided_at IS NULL
                      ORDER BY opened_at, id LIMIT 1) c ON true
  LEFT JOIN attempts a ON a.payment_id = v.id
 ORDER BY v.created_at DESC, v.id DESC, a.attempt`

// standingColumns are of payments p and requests q.
const standingColumns = `p.id, p.hospital_id, q.order_no, p.status, p.method, p.reason, p.currency, p.amount_fen,
               p.captured_fen, p.reserved_fen, p.refunded_fen, p.paid_at, p.voucher_code, p.voucher_confirmed_at,
               p.appointment_id, p.refusal`

type standingRow struct {
	ID           string         `db:"id"`
	Hospital     string         `db:"hospital_id"`
	OrderNo      string         `db:"order_no"`
	Status       payment.Status `db:"status"`
	Method       payment.Method `db:"method"`
	Reason       string         `db:"reason"`
	Currency     money.Currency `db:"currency"`
	Amount       int64          `db:"amount_fen"`
	Captured     int64          `db:"captured_fen"`
	Reserved     int64          `db:"reserved_fen"`
	Refunded     int64          `db:"refunded_fen"`
	PaidAt       sql.NullTime   `db:"paid_at"`
	Voucher      string         `db:"voucher_code"`
	VoucherFinal sql.NullTime   `db:"voucher_confirmed_at"`
	Appointment  string         `db:"appointment_id"`
	Refusal      string         `db:"refusal"`
}

type viewRow struct {
	standingRow
	WorkflowID string    `db:"workflow_id"`
	PayBy      time.Time `db:"pay_by"`
	CreatedAt  time.Time `db:"created_at"`
	UpdatedAt  time.Time `db:"updated_at"`
	Index      string    `db:"request_index"`
	Request    []byte    `db:"request_sealed"`

	CaseID       sql.NullString `db:"case_id"`
	CaseReason   sql.NullString `db:"case_reason"`
	CaseDetail   sql.NullString `db:"case_detail"`
	CaseAttempt  sql.NullInt64  `db:"case_attempt"`
	CaseOpenedAt sql.NullTime   `db:"case_opened_at"`
	CaseDeadline sql.NullTime   `db:"case_deadline"`
	CaseAllowed  pq.StringArray `db:"case_allowed"`
	CaseWorkflow sql.NullString `db:"case_workflow"`
	CaseSecond   sql.NullBool   `db:"case_second_person"`
	CaseOverdue  sql.NullInt64  `db:"case_escalations"`
	Proposal     sql.NullString `db:"case_proposal"`
	Proposer     sql.NullString `db:"case_proposer"`
	ProposalRef  sql.NullString `db:"case_proposal_reference"`
	ProposalBy   sql.NullString `db:"case_proposal_handed_by"`

	Attempt        sql.NullInt64  `db:"attempt"`
	Channel        sql.NullString `db:"channel"`
	Scene          sql.NullString `db:"scene"`
	MerchantNo     sql.NullString `db:"merchant_no"`
	State          sql.NullString `db:"state"`
	Tender         sql.NullInt64  `db:"tender_fen"`
	TenderCaptured sql.NullInt64  `db:"tender_captured_fen"`
	TenderRefunded sql.NullInt64  `db:"tender_refunded_fen"`
	Prepaid        []byte         `db:"prepaid_sealed"`
	ChannelNo      sql.NullString `db:"channel_no"`
}

// Standing reads how one payment stands, or returns ErrNotFound. It costs a
// fraction of what Payment does.
func (s *Store) Standing(ctx context.Context, id string) (Standing, error) {
	const read = `SELECT ` + standingColumns + ` FROM payments p JOIN requests q ON q.payment_id = p.id WHERE p.id = $1`
	var r standingRow
	if err := s.db.GetContext(ctx, &r, read, id); err != nil {
		return Standing{}, fmt.Errorf("read how %s stands: %w", id, found(err))
	}
	return r.standing(), nil
}

// Ref says whose a payment is, or returns ErrNotFound. It never changes, so what
// this process remembers of it is as good as the books.
func (s *Store) Ref(ctx context.Context, id string) (Ref, error) {
	if ref, ok := s.memory.refs.Get(id); ok {
		return ref, nil
	}
	var r struct {
		Hospital string `db:"hospital_id"`
		OrderNo  string `db:"order_no"`
	}
	const read = `SELECT hospital_id, order_no FROM requests WHERE payment_id = $1`
	if err := s.db.GetContext(ctx, &r, read, id); err != nil {
		return Ref{}, fmt.Errorf("read whose %s is: %w", id, found(err))
	}
	ref := Ref{HospitalID: r.Hospital, OrderNo: r.OrderNo}
	s.memory.refs.Add(id, ref)
	return ref, nil
}

// Payment reads one payment, or returns ErrNotFound.
func (s *Store) Payment(ctx context.Context, id string) (View, error) {
	return oneView(s.views(ctx, `WHERE p.id = $1`, id))
}

// The orders in which payments are paged through.
var (
	newestRequests = order{table: "requests", id: "payment_id", at: "created_at", way: "DESC"}
	newestOfStatus = order{table: "payments", id: "id", at: "created_at", way: "DESC"}
)

// Payments reads payments, newest first.
func (s *Store) Payments(ctx context.Context, f Filter) ([]View, error) {
	// An order's number finds it, and one hospital has an index in the order of
	// the page.
	if f.OrderNo == "" && (len(f.Hospitals) > 1 || slices.Contains(f.Hospitals, AllHospitals)) {
		return s.merged(ctx, f)
	}
	// The columns are those of the index that serves the filter.
	hospital, at, id := "q.hospital_id", "q.created_at", "q.payment_id"
	if f.Status != "" {
		hospital, at, id = "p.hospital_id", "p.created_at", "p.id"
	}
	var w where
	w.hospitals(hospital, f.Hospitals)
	if f.OrderNo != "" {
		w.add("q.order_no = ?", f.OrderNo)
	}
	if f.Status != "" {
		w.add("p.status = ?", f.Status)
	}
	if !f.Before.IsZero() {
		w.add("("+at+", "+id+") < (?, ?)", stamp(f.Before), f.BeforeID)
	}
	inner := w.sql() + ` ORDER BY ` + at + ` DESC, ` + id + ` DESC LIMIT ` + number(limit(f.Limit))
	return s.views(ctx, s.db.Rebind(inner), w.args...)
}

// merged reads a page over several hospitals.
func (s *Store) merged(ctx context.Context, f Filter) ([]View, error) {
	o := newestRequests
	var w where
	if f.Status != "" {
		o = newestOfStatus
		w.add("status = ?", f.Status)
	}
	if !f.Before.IsZero() {
		w.add("("+o.at+", "+o.id+") < (?, ?)", stamp(f.Before), f.BeforeID)
	}
	page := w.merged(o, f.Hospitals, limit(f.Limit))
	return s.views(ctx, s.db.Rebind(`JOIN `+page+` AS page ON page.id = p.id`), w.args...)
}

func oneView(all []View, err error) (View, error) {
	if err != nil {
		return View{}, err
	}
	if len(all) == 0 {
		return View{}, fmt.Errorf("read payment: %w", ErrNotFound)
	}
	return all[0], nil
}

func (s *Store) views(ctx context.Context, inner string, args ...any) ([]View, error) {
	var rows []viewRow
	if err := s.db.SelectContext(ctx, &rows, fmt.Sprintf(selectViews, inner), args...); err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	out := make([]View, 0, len(rows))
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].ID != r.ID {
			v, err := s.viewOf(r)
			if err != nil {
				return nil, fmt.Errorf("read payment %s: %w", r.ID, err)
			}
			out = append(out, v)
		}
		if r.Attempt.Valid {
			t, err := s.tenderOf(r)
			if err != nil {
				return nil, fmt.Errorf("read payment %s: %w", r.ID, err)
			}
			last := &out[len(out)-1]
			last.Tenders = append(last.Tenders, t)
		}
	}
	return out, nil
}

// seen is the part of a request that readers see. A page of payments has to
// open as many requests, and most of the time of it is spent there.
type seen struct {
	Order struct {
		Slot    payment.Slot    `json:"slot"`
		Patient payment.Patient `json:"patient"`
	} `json:"order"`
	CallbackURL string `json:"callback_url"`
}

func (s *Store) viewOf(r viewRow) (View, error) {
	var req seen
	if err := s.openJSON(r.Request, &req, "request", r.ID); err != nil {
		return View{}, err
	}
	p, slot := req.Order.Patient, req.Order.Slot
	v := View{Standing: r.standing(), WorkflowID: r.WorkflowID, PayBy: r.PayBy.UTC(), PaidAt: utc(r.PaidAt), CallbackURL: req.CallbackURL, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		MaskedName: privacy.MaskName(p.Name), MaskedPhone: privacy.MaskPhone(p.Phone),
		Department: slot.Department, Doctor: slot.Doctor, SlotAt: slot.StartsAt,
		RequestIndex: r.Index}
	if r.CaseID.Valid {
		c := caseRow{ID: r.CaseID.String, Reason: payment.Reason(r.CaseReason.String), Detail: r.CaseDetail.String,
			Attempt: int(r.CaseAttempt.Int64), OpenedAt: r.CaseOpenedAt.Time, Deadline: r.CaseDeadline.Time,
			Allowed: r.CaseAllowed, Workflow: r.CaseWorkflow.String, SecondPerson: r.CaseSecond.Bool,
			Escalations: int(r.CaseOverdue.Int64), Proposal: payment.Verdict(r.Proposal.String), Proposer: r.Proposer.String,
			ProposalRef: r.ProposalRef.String, ProposalBy: r.ProposalBy.String}.open()
		v.Case = &c
	}
	return v, nil
}

func (r standingRow) standing() Standing {
	s := Standing{ID: r.ID, HospitalID: r.Hospital, OrderNo: r.OrderNo, Status: r.Status, Method: r.Method, Reason: r.Reason,
		Amount: money.Minor(r.Amount, r.Currency), Captured: money.Minor(r.Captured, r.Currency),
		Refunded: money.Minor(r.Refunded, r.Currency), AppointmentID: r.Appointment}
	if r.Voucher != "" {
		s.Voucher = &Voucher{Code: r.Voucher, Temporary: !r.VoucherFinal.Valid, Void: r.void(),
			IssuedAt: utc(r.PaidAt), Confirmed: utc(r.VoucherFinal)}
	}
	return s
}

// void says whether the voucher is worth nothing: the HIS refused, the payment
// ended otherwise, or all of the money is on its way back.
func (r standingRow) void() bool {
	return endsVoucher(r.Status) || r.Refusal != "" || r.Reserved >= r.Captured
}

func (s *Store) tenderOf(r viewRow) (TenderView, error) {
	t := TenderView{Attempt: int(r.Attempt.Int64), Channel: payment.Channel(r.Channel.String),
		Scene: payment.Scene(r.Scene.String), MerchantNo: r.MerchantNo.String, ChannelNo: r.ChannelNo.String,
		State: channel.State(r.State.String), Amount: money.Minor(r.Tender.Int64, r.Currency),
		Captured: money.Minor(r.TenderCaptured.Int64, r.Currency),
		Refunded: money.Minor(r.TenderRefunded.Int64, r.Currency)}
	if t.State != channel.Open || r.Prepaid == nil {
		return t, nil
	}
	var keys attemptKeys
	if err := s.openJSON(r.Prepaid, &keys, "prepaid", r.ID, number(t.Attempt)); err != nil {
		return TenderView{}, err
	}
	t.Pay = keys.Pay
	return t, nil
}

// Timeline reads what happened to a payment, oldest first, or returns
// ErrNotFound. Who looked at it, or had its case in hand, is in the log as well
// but not in here: booking backends read it. PaymentFile has all.
func (s *Store) Timeline(ctx context.Context, id string) ([]Happening, error) {
	var rows []struct {
		At     time.Time `db:"at"`
		Actor  string    `db:"actor"`
		Action string    `db:"action"`
		Detail []byte    `db:"detail"`
	}
	const read = `SELECT a.at, a.actor, a.action, a.detail FROM audit a JOIN payments p ON p.id = a.subject
                   WHERE a.subject = $1 AND a.action NOT IN ` + deskActions + ` ORDER BY a.seq`
	if err := s.db.SelectContext(ctx, &rows, read, id); err != nil {
		return nil, fmt.Errorf("read timeline of %s: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read timeline of %s: %w", id, ErrNotFound)
	}
	out := make([]Happening, len(rows))
	for i, r := range rows {
		out[i] = Happening{At: r.At.UTC(), Actor: r.Actor, Action: r.Action}
		if err := json.Unmarshal(r.Detail, &out[i].Detail); err != nil {
			return nil, fmt.Errorf("read timeline of %s: %w", id, err)
		}
	}
	return out, nil
}
