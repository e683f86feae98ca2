package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// MoveTo changes the status, or returns ErrTransition. Moving to the present
// status changes nothing. Paid issues the voucher if there is none yet;
// Refunded, Rejected and Closed make it void.
func (s *Store) MoveTo(ctx context.Context, m Move) error {
	return s.quickStep(ctx, "move", ofPayment(m.PaymentID), m.At, func(st *step) error {
		if st.row.Status == m.To {
			return nil
		}
		if err := st.become(m.To, m.Reason); err != nil {
			return err
		}
		voucher := ""
		if st.row.Voucher != "" && endsVoucher(m.To) {
			voucher = "void"
		}
		st.record(actor(m.Actor), "moved", "voucher", voucher)
		return nil
	})
}

// Complete notes that the booking backend knows of the registration, or that no
// backend has to.
func (s *Store) Complete(ctx context.Context, paymentID string, at time.Time) error {
	return s.quickStep(ctx, "complete", ofPayment(paymentID), at, func(st *step) error {
		if st.row.Status == payment.Completed {
			return nil
		}
		return st.complete()
	})
}

func (st *step) complete() error {
	if err := st.become(payment.Completed, ""); err != nil {
		return err
	}
	st.record(byWorkflow, "completed")
	return nil
}

// ChooseMethod notes another way to pay. It returns ErrTransition once the
// money is in or the payment has ended. Closing the charge of the method before
// is the caller's, and comes first (I1).
func (s *Store) ChooseMethod(ctx context.Context, paymentID string, c payment.Choice, at time.Time) error {
	return s.step(ctx, "choose method", paymentID, at, func(st *step) error {
		switch st.row.Status {
		case payment.Pending, payment.Verifying, payment.AwaitingPayment, payment.Clearing,
			payment.InReview, payment.Suspended:
		default:
			return fmt.Errorf("choose a method in %s: %w", st.row.Status, ErrTransition)
		}
		var sealed []byte
		if err := st.tx.GetContext(ctx, &sealed, readRequest, paymentID); err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		var r payment.Request
		if err := s.openJSON(sealed, &r, "request", paymentID); err != nil {
			return err
		}
		if sameChoice(r.Choice, c) {
			return nil
		}
		r.Choice = c
		sealed, err := s.sealJSON(r, "request", paymentID)
		if err != nil {
			return err
		}
		const write = `UPDATE requests SET request_sealed = $2 WHERE payment_id = $1`
		if _, err := st.tx.ExecContext(ctx, write, paymentID, sealed); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		st.row.Method = c.Method
		st.record("patient", "method", "method", string(c.Method), "scene", string(c.Scene),
			"self_pay", string(c.SelfPay))
		return nil
	})
}

func sameChoice(a, b payment.Choice) bool {
	if !a.InsuranceAmount.Equal(b.InsuranceAmount) {
		return false
	}
	a.InsuranceAmount = b.InsuranceAmount // equal decimals may be written differently
	return a == b
}

// Order is the request with the method chosen last, decrypted.
func (s *Store) Order(ctx context.Context, paymentID string) (payment.Request, error) {
	var sealed []byte
	if err := s.db.GetContext(ctx, &sealed, readRequest, paymentID); err != nil {
		return payment.Request{}, fmt.Errorf("read order of %s: %w", paymentID, found(err))
	}
	return s.openOrder(paymentID, sealed)
}

// OrderToVerify is Order for a payment that waits for the patient's proof.
// Problem CodeState: it does not.
func (s *Store) OrderToVerify(ctx context.Context, paymentID string) (payment.Request, error) {
	var row struct {
		Sealed []byte         `db:"request_sealed"`
		Status payment.Status `db:"status"`
	}
	const read = `SELECT q.request_sealed, p.status FROM payments p JOIN requests q ON q.payment_id = p.id WHERE p.id = $1`
	if err := s.db.GetContext(ctx, &row, read, paymentID); err != nil {
		return payment.Request{}, fmt.Errorf("read order of %s: %w", paymentID, found(err))
	}
	if row.Status != payment.Verifying {
		return payment.Request{}, payment.Problem{Code: payment.CodeState, Text: "this payment does not wait for a verification"}
	}
	return s.openOrder(paymentID, row.Sealed)
}

func (s *Store) openOrder(paymentID string, sealed []byte) (payment.Request, error) {
	var r payment.Request
	if err := s.openJSON(sealed, &r, "request", paymentID); err != nil {
		return payment.Request{}, fmt.Errorf("read order of %s: %w", paymentID, err)
	}
	return r, nil
}

const readRequest = `SELECT request_sealed FROM requests WHERE payment_id = $1`

func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
