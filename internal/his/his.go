// Package his is what hospital information systems have in common: a paid
// registration is told to them exactly once. Each kind of system has a client
// in a folder of its own behind the interface Gateway.
package his

import (
	"context"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Gateway is one hospital's information system. It is safe for concurrent use.
// Errors are *payment.Failure: Final when the HIS refuses the registration
// (CodeSlotGone, or another code of its own), Retryable or Uncertain while it
// cannot be reached or did not answer. Each call is one try.
type Gateway interface {
	// Register books the slot and tells that it is paid. It is idempotent by
	// the order number: a repeat, also after a lost answer, finds what is there
	// and never books twice.
	Register(ctx context.Context, r Registration) (Registered, error)
	// Cancel takes a registration back, for instance when its money is
	// returned. Cancelling one that is not there succeeds.
	Cancel(ctx context.Context, r Registration) error
}

// CodeSlotGone is the code of the Failure when the slot is taken or withdrawn.
const CodeSlotGone = "slot_gone"

// Registration is a paid order as the HIS has to know it.
type Registration struct {
	HospitalID string          `json:"hospital_id"`
	PaymentID  string          `json:"payment_id"`
	OrderNo    string          `json:"order_no"`
	Slot       payment.Slot    `json:"slot"`
	Patient    payment.Patient `json:"patient"`
	Amount     money.Money     `json:"amount"`
	PaidAt     time.Time       `json:"paid_at"`
	Voucher    string          `json:"voucher"` // the voucher's code
}

// Registered is the HIS's own record of a registration.
type Registered struct {
	AppointmentID string `json:"appointment_id"`
	NoticeID      string `json:"notice_id"`
}
