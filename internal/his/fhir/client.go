// Package fhir tells a hospital information system of paid registrations by
// FHIR R4: the visit is an Appointment, its payment a PaymentNotice.
//
// Both carry the order number as an identifier and are created conditionally
// (If-None-Exist), so the HIS itself makes sure that an order is registered
// once: a repeat, also after a lost answer, gets what is there. What is there
// is read before it is believed, since an order number may have been cancelled
// meanwhile or belong to another slot.
//
// Facts are from hl7.org/fhir/R4 (http.html, appointment.html,
// paymentnotice.html). Amounts are JSON numbers with the currency's decimals,
// made and read as text, never as a float.
package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// Operations, as failures name them.
const (
	opRegister = "register"
	opCancel   = "cancel"
)

// Codes of failures that this client finds by reading.
const (
	CodeCancelled     = "registration_cancelled" // the HIS has the order as cancelled
	CodePending       = "registration_pending"   // the HIS has not confirmed it yet
	CodeOtherSlot     = "order_conflict"         // the HIS has the order with another slot
	CodeAmountDiffers = "amount_differs"         // the HIS was told another amount
	CodeAttended      = "already_attended"       // the patient has seen the doctor
)

// Client is one hospital's FHIR server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

var _ his.Gateway = (*Client)(nil)

// New makes the client; it sends nothing. Whether the configuration makes
// sense is Config.Check's to say.
func New(cfg Config) *Client {
	cfg = cfg.withDefaults()
	return &Client{cfg: cfg, http: outbound.Client(cfg.Transport, cfg.Timeout)}
}

// Register creates the Appointment and its PaymentNotice, or finds them. When
// the HIS takes the visit and then refuses its payment, the visit is taken
// back before the refusal is returned, so that Final means that nothing is
// left there.
func (c *Client) Register(ctx context.Context, r his.Registration) (his.Registered, error) {
	if r.HospitalID != c.cfg.HospitalID {
		return his.Registered{}, &payment.Failure{Kind: payment.Retryable, System: system, Op: opRegister, Code: "foreign_hospital"}
	}
	if !r.Amount.Valid() || !r.Amount.IsPositive() {
		return his.Registered{}, &payment.Failure{Kind: payment.Final, System: system, Op: opRegister, Code: "invalid_amount"}
	}
	visit, _, err := c.create(ctx, typeAppointment, r.OrderNo, c.appointment(r))
	if err != nil {
		return his.Registered{}, err
	}
	if err := standing(visit, r); err != nil {
		return his.Registered{}, err
	}
	notice, refused, err := c.create(ctx, typeNotice, r.OrderNo, c.notice(r, visit.id))
	if err != nil {
		if refused && payment.KindOf(err) == payment.Final && payment.CodeOf(err) != "duplicate" {
			return his.Registered{}, c.takeBack(ctx, r, err)
		}
		return his.Registered{}, err
	}
	if err := settled(notice, r); err != nil {
		return his.Registered{}, err
	}
	return his.Registered{AppointmentID: visit.id, NoticeID: notice.id}, nil
}

// takeBack cancels the visit whose payment was refused.
func (c *Client) takeBack(ctx context.Context, r his.Registration, refused error) error {
	if err := c.Cancel(ctx, r); err != nil {
		return &payment.Failure{Kind: payment.Uncertain, System: system, Op: opRegister, Code: payment.CodeOf(refused),
			Err: fmt.Errorf("the visit is booked, its payment was refused, and it could not be taken back: %w", err)}
	}
	return refused
}

// standing says whether the Appointment that the HIS has is a registration.
func standing(visit resource, r his.Registration) error {
	f := &payment.Failure{System: system, Op: opRegister}
	switch visit.status {
	case "booked", "arrived", "checked-in", "fulfilled", "noshow":
	case "cancelled", "entered-in-error":
		f.Kind, f.Code = payment.Final, CodeCancelled
		return f
	case "proposed", "pending", "waitlist":
		f.Kind, f.Code = payment.Retryable, CodePending
		return f
	default:
		return unusable(opRegister, errors.New("an Appointment of unknown status"))
	}
	for _, s := range visit.slots {
		if s.Identifier != nil && s.Identifier.Value != nil && *s.Identifier.Value != r.Slot.ID {
			f.Kind, f.Code = payment.Final, CodeOtherSlot
			return f
		}
	}
	return nil
}

// settled says whether the PaymentNotice that the HIS has is this payment's.
func settled(notice resource, r his.Registration) error {
	f := &payment.Failure{Kind: payment.Final, System: system, Op: opRegister}
	switch {
	case notice.status == "cancelled" || notice.status == "entered-in-error":
		f.Code = CodeCancelled
	case notice.status == "draft":
		f.Kind, f.Code = payment.Retryable, CodePending
	case notice.status != "active":
		return unusable(opRegister, errors.New("a PaymentNotice of unknown status"))
	case !notice.amount.Equal(r.Amount):
		f.Code = CodeAmountDiffers
	default:
		return nil
	}
	return f
}

// create makes the resource unless one with the order number is there, and
// returns the one that is. refused says that the HIS itself said no.
func (c *Client) create(ctx context.Context, typ, orderNo string, res any) (_ resource, refused bool, _ error) {
	body, err := json.Marshal(res)
	if err != nil {
		return resource{}, false, &payment.Failure{Kind: payment.Retryable, System: system, Op: opRegister, Code: "encode", Err: err}
	}
	only := http.Header{"If-None-Exist": {"identifier=" + url.QueryEscape(c.token(orderNo))}}
	rep, err := c.send(ctx, opRegister, http.MethodPost, "/"+typ, only, body)
	if err != nil {
		return resource{}, false, err
	}
	if rep.status != http.StatusOK && rep.status != http.StatusCreated {
		return resource{}, true, refusal(opRegister, http.MethodPost, typ, rep)
	}
	if len(rep.body) == 0 || resourceType(rep.body) == typeOutcome {
		// The server does not return what it stored; it says where it is.
		id := locatedID(rep.header, typ)
		if id == "" {
			return resource{}, false, unusable(opRegister, errors.New("neither the resource nor its place"))
		}
		if rep, err = c.send(ctx, opRegister, http.MethodGet, "/"+typ+"/"+id, nil, nil); err != nil {
			return resource{}, false, err
		}
		if rep.status != http.StatusOK {
			return resource{}, false, unusable(opRegister, fmt.Errorf("the resource cannot be read: status %d", rep.status))
		}
	}
	found, err := parseResource(rep.body, typ)
	if err != nil {
		return resource{}, false, unusable(opRegister, err)
	}
	if !found.is(c.cfg.IdentifierSystem, orderNo) {
		return resource{}, false, unusable(opRegister, errors.New("the reply is about another order"))
	}
	return found, false, nil
}

// Cancel sets the order's PaymentNotice and Appointment to cancelled, money
// first. What is not there, cancelled already or missed needs nothing. A visit
// that took place is not undone: that is Final, CodeAttended.
//
// A Register whose request is still under way can arrive after a Cancel that
// found nothing; cancel only after the outcome of Register is known.
func (c *Client) Cancel(ctx context.Context, r his.Registration) error {
	if r.HospitalID != c.cfg.HospitalID {
		return &payment.Failure{Kind: payment.Retryable, System: system, Op: opCancel, Code: "foreign_hospital"}
	}
	visits, err := c.find(ctx, typeAppointment, r.OrderNo)
	if err != nil {
		return err
	}
	for _, v := range visits {
		if v.status == "fulfilled" {
			return &payment.Failure{Kind: payment.Final, System: system, Op: opCancel, Code: CodeAttended}
		}
	}
	notices, err := c.find(ctx, typeNotice, r.OrderNo)
	if err != nil {
		return err
	}
	for _, n := range notices {
		if err := c.cancel(ctx, typeNotice, n); err != nil {
			return err
		}
	}
	for _, v := range visits {
		if err := c.cancel(ctx, typeAppointment, v); err != nil {
			return err
		}
	}
	return nil
}

// cancel sends the resource back as it came, but for its status.
func (c *Client) cancel(ctx context.Context, typ string, res resource) error {
	switch res.status {
	case "cancelled", "entered-in-error", "noshow":
		return nil
	}
	body, err := res.withStatus("cancelled")
	if err != nil {
		return unusable(opCancel, err)
	}
	var unchanged http.Header
	if res.version != "" && idForm.MatchString(res.version) {
		unchanged = http.Header{"If-Match": {`W/"` + res.version + `"`}}
	}
	rep, err := c.send(ctx, opCancel, http.MethodPut, "/"+typ+"/"+res.id, unchanged, body)
	if err != nil {
		return err
	}
	if rep.status < 200 || rep.status > 299 {
		return refusal(opCancel, http.MethodPut, typ, rep)
	}
	return nil
}

// find searches by the order number.
func (c *Client) find(ctx context.Context, typ, orderNo string) ([]resource, error) {
	rep, err := c.send(ctx, opCancel, http.MethodGet, "/"+typ+"?"+url.Values{"identifier": {c.token(orderNo)}}.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	if rep.status != http.StatusOK {
		f := refusal(opCancel, http.MethodGet, typ, rep)
		if f.Kind == payment.Final {
			f.Kind = payment.Uncertain // a refused question is no answer
		}
		return nil, f
	}
	found, err := parseSearch(rep.body, typ, c.cfg.IdentifierSystem, orderNo)
	if err != nil {
		return nil, unusable(opCancel, err)
	}
	return found, nil
}

// token is FHIR's search parameter for an identifier.
func (c *Client) token(orderNo string) string { return c.cfg.IdentifierSystem + "|" + orderNo }
