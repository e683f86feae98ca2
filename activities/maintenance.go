package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// ErrTypeMaintenance: the system is in a maintenance window and nothing was
// sent; details hold a Halt. Trying again is for later, so the
// error ends the step: the workflow waits in sight.
const ErrTypeMaintenance = "maintenance"

// How soon a wait looks for a window that was ended early, and over how long
// payments that waited for the same window spread when it is over.
const (
	windowLook   = time.Minute
	windowSpread = 5 * time.Second
)

// Halt is why a step sent nothing.
type Halt struct {
	payment.Maintenance
	// Begun says that a try from before the maintenance may have left.
	Begun bool `json:"begun,omitempty"`
}

// Windows is the step that waits for the end of maintenance.
type Windows struct {
	Store Store
	Clock Clock
}

// OverIn names the systems that are waited for.
type OverIn struct {
	HospitalID string
	Systems    []payment.System
}

// Over ends when none of the systems is in maintenance. Until then it is "not
// yet" with the time of the next look, so that no worker holds it and a wait of
// hours leaves no trace in the payment's history.
func (w *Windows) Over(ctx context.Context, in OverIn) (None, error) {
	now := w.Clock()
	open, err := w.Store.ActiveWindows(ctx, in.HospitalID, now, in.Systems...)
	if err != nil {
		return None{}, boundary(err)
	}
	if m, closed := open.Closed(now, in.Systems...); closed {
		return None{}, notYet(m, now)
	}
	return None{}, nil
}

// notYet makes Temporal ask again when the window may be over.
func notYet(m payment.Maintenance, now time.Time) error {
	wait := max(0, min(m.Until.Sub(now), windowLook)) + time.Second + rand.N(windowSpread)
	return undecided(string(m.System), "in maintenance", wait)
}

// closedFor is what is known of the maintenance that keeps a step from sending
// anything now.
func closedFor(ctx context.Context, s Store, hospital string, now time.Time, systems ...payment.System) (payment.Maintenance, bool, error) {
	open, err := s.ActiveWindows(ctx, hospital, now, systems...)
	if err != nil {
		return payment.Maintenance{}, false, err
	}
	m, closed := open.Closed(now, systems...)
	return m, closed, nil
}

func maintenanceError(m Halt) error {
	return temporal.NewApplicationErrorWithOptions(string(m.System)+" is in maintenance until "+m.Until.Format(time.RFC3339),
		ErrTypeMaintenance, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{m}})
}

// AsMaintenance finds the window that kept a step from sending anything.
func AsMaintenance(err error) (Halt, bool) {
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() == ErrTypeMaintenance {
		var h Halt
		if app.Details(&h) == nil {
			return h, true
		}
	}
	return Halt{}, false
}

// admitted refuses a choice that needs a system in maintenance.
func (b *Books) admitted(ctx context.Context, r payment.Request, at time.Time) error {
	open, err := b.Store.ActiveWindows(ctx, r.Order.HospitalID, at)
	if err != nil {
		return err
	}
	return open.Admit(r.Choice, r.Order.Amount, at, func(ch payment.Channel) bool {
		_, err := b.Hospitals.Channel(r.Order.HospitalID, ch)
		return err == nil
	})
}

// halted says whether maintenance keeps a charge from being sent. One that the
// channel has answered is only read from the books, which can be done always.
func (c *Channels) halted(ctx context.Context, in ChargeIn) error {
	m, closed, err := closedFor(ctx, c.Store, in.Order.HospitalID, c.Clock(), payment.SystemOf(in.Tender.Channel), payment.SystemHospital)
	if err != nil || !closed {
		return err
	}
	known, err := c.Store.Attempt(ctx, in.PaymentID, in.Attempt)
	switch {
	case err == nil && known.Prepaid:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	return maintenanceError(Halt{Maintenance: m, Begun: err == nil})
}

// halted says whether maintenance keeps the HIS from being asked.
func (h *HIS) halted(ctx context.Context, hospital string) (payment.Maintenance, bool, error) {
	return closedFor(ctx, h.Store, hospital, h.Clock(), payment.SystemHIS, payment.SystemHospital)
}

// halted lets a refund wait for its channel. It has been promised and is on its
// way by then, so nothing else changes. A window of the hospital's own keeps no
// money from a patient.
func (f *Refunds) halted(ctx context.Context, hospital string, ch payment.Channel) error {
	now := f.Clock()
	m, closed, err := closedFor(ctx, f.Store, hospital, now, payment.SystemOf(ch))
	if err != nil || !closed {
		return err
	}
	return notYet(m, now)
}
