package activities

import (
	"context"
	"time"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// HIS are the steps that touch the hospital's information system.
type HIS struct {
	Store     Store
	Hospitals Hospitals
	Clock     Clock

	answered moments // the HIS
	short    moments // the line in front of it
}

// RegisterIn is a paid order.
type RegisterIn struct {
	PaymentID string
	Order     payment.Order
	PaidAt    time.Time
	Voucher   string
	Completes bool // no backend has to be told: the payment is complete with it
}

func (in RegisterIn) registration() his.Registration {
	return his.Registration{
		HospitalID: in.Order.HospitalID, PaymentID: in.PaymentID, OrderNo: in.Order.OrderNo,
		Slot: in.Order.Slot, Patient: in.Order.Patient, Amount: in.Order.Amount,
		PaidAt: in.PaidAt, Voucher: in.Voucher,
	}
}

// Next is the payment's status once the HIS has it.
func (in RegisterIn) Next() payment.Status {
	if in.Completes {
		return payment.Completed
	}
	return payment.Registered
}

// RegisterOut is the HIS's number of the registration.
type RegisterOut struct {
	AppointmentID string `json:"appointment_id"`
	Completed     bool   `json:"completed,omitempty"` // the books have the payment completed
}

// Register tells the HIS of the paid registration, which is idempotent by the
// order number, and writes down that it knows; the voucher stops being
// temporary in the same transaction. While the HIS is in maintenance it is not
// asked: see AsMaintenance; and while older registrations wait, they go first.
func (h *HIS) Register(ctx context.Context, in RegisterIn) (RegisterOut, error) {
	gateway, err := h.Hospitals.HIS(in.Order.HospitalID)
	if err != nil {
		return RegisterOut{}, boundary(err)
	}
	if m, closed, err := h.halted(ctx, in.Order.HospitalID); err != nil {
		return RegisterOut{}, boundary(err)
	} else if closed {
		if known := h.inBooks(ctx, in.PaymentID); known != "" {
			return RegisterOut{AppointmentID: known}, nil // the step is a repeat
		}
		return RegisterOut{}, maintenanceError(Halt{Maintenance: m})
	}
	if err := h.inLine(ctx, in); err != nil {
		return RegisterOut{}, boundary(err)
	}
	done, err := gateway.Register(ctx, in.registration())
	h.heard(in.Order.HospitalID, err == nil || payment.KindOf(err) == payment.Final)
	if err != nil {
		if known := h.known(ctx, in, err); known != "" {
			return RegisterOut{AppointmentID: known}, nil
		}
		return RegisterOut{}, boundary(err)
	}
	err = h.Store.RecordRegistered(ctx, in.PaymentID, done, in.Next(), h.Clock())
	return RegisterOut{AppointmentID: done.AppointmentID, Completed: in.Completes}, boundary(err)
}

// known is the HIS's number when the books have the registration although the
// HIS refuses it now: the step is a repeat, and the order was refunded since.
func (h *HIS) known(ctx context.Context, in RegisterIn, err error) string {
	if payment.KindOf(err) != payment.Final {
		return ""
	}
	return h.inBooks(ctx, in.PaymentID)
}

// inBooks is the HIS's number as the books have it, empty when they have none.
func (h *HIS) inBooks(ctx context.Context, paymentID string) string {
	v, err := h.Store.Standing(ctx, paymentID)
	if err != nil {
		return ""
	}
	return v.AppointmentID
}

// Unregister takes the registration back; one that is not there is no error.
// In maintenance it is "not yet", since nothing else waits for it.
func (h *HIS) Unregister(ctx context.Context, in RegisterIn) (None, error) {
	gateway, err := h.Hospitals.HIS(in.Order.HospitalID)
	if err != nil {
		return None{}, boundary(err)
	}
	if m, closed, err := h.halted(ctx, in.Order.HospitalID); err != nil {
		return None{}, boundary(err)
	} else if closed {
		return None{}, notYet(m, h.Clock())
	}
	return None{}, boundary(gateway.Cancel(ctx, in.registration()))
}

// UnregisterPaid is Unregister for a payment that only the books still know.
func (h *HIS) UnregisterPaid(ctx context.Context, in CompleteIn) (None, error) {
	request, err := h.Store.Order(ctx, in.PaymentID)
	if err != nil {
		return None{}, boundary(err)
	}
	return h.Unregister(ctx, RegisterIn{PaymentID: in.PaymentID, Order: request.Order})
}

// RefusedIn records the HIS's refusal.
type RefusedIn struct {
	PaymentID string
	Code      string
	At        time.Time
}

// RegistrationRefused records it.
func (b *Books) RegistrationRefused(ctx context.Context, in RefusedIn) (None, error) {
	return None{}, boundary(b.Store.RecordRegistrationRefused(ctx, in.PaymentID, in.Code, in.At))
}
