package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// RecordRegistered notes that the HIS has the registration: the status, and the
// voucher, which is temporary no longer. A payment that nobody else has to hear
// of is complete with it: next is then Completed, else Registered. A repeat
// changes nothing; another appointment for the same payment is ErrConflict.
func (s *Store) RecordRegistered(ctx context.Context, paymentID string, r his.Registered, next payment.Status, at time.Time) error {
	return s.quickStep(ctx, "record registration", ofPayment(paymentID), at, func(st *step) error {
		switch st.row.Appointment {
		case "":
			if err := st.become(payment.Registered, ""); err != nil {
				return err
			}
			st.row.Appointment, st.row.Notice = r.AppointmentID, r.NoticeID
			st.row.VoucherFinal = sql.NullTime{Time: st.at, Valid: true}
			st.record(byWorkflow, "registered", "appointment", r.AppointmentID, "notice", r.NoticeID)
		case r.AppointmentID:
		default:
			return fmt.Errorf("it is registered under another appointment: %w", ErrConflict)
		}
		if next == payment.Completed && st.row.Status == payment.Registered {
			return st.complete()
		}
		return nil
	})
}

// RecordRegistrationRefused notes that the HIS refuses the registration, which
// makes the voucher void. Where the payment goes next is the caller's: see
// MoveTo.
func (s *Store) RecordRegistrationRefused(ctx context.Context, paymentID, code string, at time.Time) error {
	return s.quickStep(ctx, "record refused registration", ofPayment(paymentID), at, func(st *step) error {
		switch {
		case st.row.Refusal != "":
			return nil
		case st.row.Appointment != "":
			return fmt.Errorf("it is registered: %w", ErrTransition)
		}
		if code == "" {
			code = "refused"
		}
		st.row.Refusal, st.row.Reason = code, code
		st.record(byWorkflow, "registration_refused", "code", code)
		return nil
	})
}
