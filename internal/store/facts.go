package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// paymentRow is the part of a payment that its steps change.
type paymentRow struct {
	ID           string         `db:"id"`
	Hospital     string         `db:"hospital_id"`
	Status       payment.Status `db:"status"`
	Reason       string         `db:"reason"`
	Method       payment.Method `db:"method"`
	Currency     money.Currency `db:"currency"`
	Amount       int64          `db:"amount_fen"`
	Captured     int64          `db:"captured_fen"`
	Reserved     int64          `db:"reserved_fen"`
	Refunded     int64          `db:"refunded_fen"`
	PayBy        time.Time      `db:"pay_by"`
	PaidAt       sql.NullTime   `db:"paid_at"`
	Voucher      string         `db:"voucher_code"`
	VoucherFinal sql.NullTime   `db:"voucher_confirmed_at"`
	Appointment  string         `db:"appointment_id"`
	Notice       string         `db:"notice_id"`
	Refusal      string         `db:"refusal"`
	RefundCount  int            `db:"refund_count"`
	AuditSeq     int64          `db:"audit_seq"`
	AuditHead    []byte         `db:"audit_head"`
}

const paymentColumns = `
       p.id AS "p.id", p.hospital_id AS "p.hospital_id", p.status AS "p.status", p.reason AS "p.reason",
       p.method AS "p.method", p.currency AS "p.currency", p.amount_fen AS "p.amount_fen",
       p.captured_fen AS "p.captured_fen", p.reserved_fen AS "p.reserved_fen", p.refunded_fen AS "p.refunded_fen",
       p.pay_by AS "p.pay_by", p.paid_at AS "p.paid_at", p.voucher_code AS "p.voucher_code",
       p.voucher_confirmed_at AS "p.voucher_confirmed_at", p.appointment_id AS "p.appointment_id",
       p.notice_id AS "p.notice_id", p.refusal AS "p.refusal", p.refund_count AS "p.refund_count",
       p.audit_seq AS "p.audit_seq", p.audit_head AS "p.audit_head"`

// facts are what a step decides by, as they were read. What goes beyond the
// payment is there when the step's sight has it.
type facts struct {
	Payment paymentRow `db:"p"`
	attemptRow
	Begun bool          `db:"begun"`     // the attempt is in the books
	Known sql.NullInt64 `db:"known_fen"` // the amount of the capture that is in the books
	Proof proofRow      `db:"c"`
	// Next is remembered of a payment all of whose attempts have lower numbers;
	// zero is unknown.
	Next int `db:"-"`
}

// proofRow is what is known of a verification that the patient answers; its kind
// is empty where the payment has none of that ID.
type proofRow struct {
	ID        string             `db:"id"`
	Kind      payment.VerifyKind `db:"kind"`
	Code      string             `db:"code_index"`
	ExpiresAt sql.NullTime       `db:"expires_at"`
	Tries     int                `db:"tries"`
	PassedAt  sql.NullTime       `db:"passed_at"`
	Latest    bool               `db:"latest"`
}

// sight is what a quick step is of, and the query of all that it decides by.
type sight struct {
	payment string
	what    string // for errors
	query   string
	args    []any
	recall  func(facts) bool // whether all of it is in what is remembered
}

const (
	readPayment = `SELECT ` + paymentColumns + ` FROM payments p WHERE p.id = $1`
	lockPayment = readPayment + ` FOR UPDATE`

	readBegun = `SELECT ` + paymentColumns + `,
       EXISTS (SELECT FROM attempts a WHERE a.payment_id = p.id AND a.attempt = $2) AS begun
  FROM payments p WHERE p.id = $1`

	readCharge = `SELECT ` + paymentColumns + `, ` + attemptColumns + `,
       (SELECT amount_fen FROM captures c WHERE c.payment_id = a.payment_id AND c.attempt = a.attempt
           AND c.channel_no = $3) AS known_fen
  FROM attempts a JOIN payments p ON p.id = a.payment_id WHERE a.payment_id = $1 AND a.attempt = $2`

	readProof = `SELECT ` + paymentColumns + `,
       coalesce(c.id, '') AS "c.id", coalesce(c.kind, '') AS "c.kind", coalesce(c.code_index, '') AS "c.code_index", c.expires_at AS "c.expires_at",
       coalesce(c.tries, 0) AS "c.tries", c.passed_at AS "c.passed_at",` + isLatest + ` AS "c.latest"
  FROM payments p LEFT JOIN challenges c ON c.payment_id = p.id AND c.id = $2 WHERE p.id = $1`
)

// ofPayment is a payment alone.
func ofPayment(id string) sight {
	return sight{payment: id, what: "payment", query: readPayment, args: []any{id}, recall: recallPayment}
}

// ofNew is a payment and whether it has an attempt already.
func ofNew(id string, attempt int) sight {
	return sight{payment: id, what: "payment", query: readBegun, args: []any{id, attempt}, recall: recallNew(attempt)}
}

// ofCharge is a payment with an attempt, and the attempt's capture of that
// number of the channel's.
func ofCharge(id string, attempt int, channelNo string) sight {
	return sight{payment: id, what: fmt.Sprintf("attempt %d", attempt), query: readCharge, args: []any{id, attempt, channelNo},
		recall: recallCharge(attempt)}
}

// ofProof is a payment and a verification of it.
func ofProof(id, challenge string) sight {
	return sight{payment: id, what: "payment", query: readProof, args: []any{id, challenge}, recall: recallProof(challenge)}
}

// ofChallenge is ofProof of a verification that is not there yet, as a rule. One
// that is not remembered is taken for new, since the insert of one that is not
// is refused.
func ofChallenge(id, challenge string) sight {
	of := ofProof(id, challenge)
	of.recall = recallPayment
	return of
}
