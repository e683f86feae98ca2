// Package verification starts the ways in which a patient proves who they are:
// a code by SMS to the phone number of the order, or a check of the face by
// WeChat against the identity card of the order.
//
// What is started is in the books before anything is sent, since the books
// count: a number gets one code a minute, five an hour, ten a day. Whether an
// answer is right is not decided here but by the payment's workflow.
package verification

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// How long a patient has to answer.
const (
	SMSLife  = 5 * time.Minute
	FaceLife = 15 * time.Minute // WeChat's own verify_id lives an hour
)

// Template names the text of the SMS at the gateway.
const Template = "regpay_verify"

// Books is what is kept of a verification. *store.Store is one.
type Books interface {
	// OrderToVerify is the request with the patient, decrypted, of a payment that
	// waits for a verification; of another it is payment.Problem of CodeState.
	OrderToVerify(ctx context.Context, paymentID string) (payment.Request, error)
	// StartChallenge returns payment.Problem of CodeTooMany above the limits.
	StartChallenge(ctx context.Context, c store.Challenge) error
}

// Services are the identity services of the hospitals. They return a
// payment.Problem of CodeVerifyKind where a hospital has none.
type Services interface {
	SMS(hospital string) (identity.SMS, error)
	Face(hospital string) (identity.Face, error)
}

// Started is a verification that the patient can answer.
type Started struct {
	Challenge string
	ExpiresAt time.Time
	VerifyID  string // for the face check in the patient's app
}

// Desk starts verifications. It is safe for concurrent use.
type Desk struct {
	books    Books
	services Services
	now      func() time.Time
}

// New makes a desk. now is the clock, time.Now outside of tests.
func New(b Books, s Services, now func() time.Time) *Desk {
	return &Desk{books: b, services: s, now: now}
}

// StartSMS sends a code to the phone number of the order.
//
// It returns payment.Problem of CodeState, CodeTooMany or CodeVerifyKind,
// store.ErrNotFound, and other errors when the books or the gateway cannot be
// reached. When it is not known whether the gateway sent the code, it counts
// as started: the patient may hold it, or asks again in a minute.
func (d *Desk) StartSMS(ctx context.Context, paymentID string) (Started, error) {
	req, err := d.order(ctx, paymentID)
	if err != nil {
		return Started{}, err
	}
	sms, err := d.services.SMS(req.Order.HospitalID)
	if err != nil {
		return Started{}, err
	}
	code, err := identity.NewCode(rand.Reader)
	if err != nil {
		return Started{}, err
	}
	c, err := d.challenge(paymentID, req.Order.HospitalID, payment.BySMS, SMSLife)
	if err != nil {
		return Started{}, err
	}
	c.Phone, c.Code = req.Order.Patient.Phone, code
	if err := d.books.StartChallenge(ctx, c); err != nil {
		return Started{}, fmt.Errorf("write down a verification: %w", err)
	}
	m := identity.Message{Phone: c.Phone, Template: Template, Code: code, Ref: c.ID}
	err = twice(ctx, func() error { return sms.Send(ctx, m) })
	if payment.KindOf(err) == payment.Uncertain {
		err = nil // the patient may hold the code, or asks again in a minute
	}
	if err != nil {
		return Started{}, refused("send a code", err)
	}
	return Started{Challenge: c.ID, ExpiresAt: c.ExpiresAt}, nil
}

// StartFace opens a face check for the patient of the order. Errors as
// StartSMS, and CodeOpenID or CodeIDType where the order lacks what the check
// compares with. Nothing is kept of a check that WeChat did not open.
func (d *Desk) StartFace(ctx context.Context, paymentID string) (Started, error) {
	req, err := d.order(ctx, paymentID)
	if err != nil {
		return Started{}, err
	}
	p := req.Order.Patient
	switch {
	case p.IDType != payment.IDCard:
		return Started{}, payment.Problem{Code: payment.CodeIDType, Text: "the face check needs an identity card"}
	case p.OpenID == "":
		return Started{}, payment.Problem{Code: payment.CodeOpenID, Text: "the face check needs the patient's openid"}
	}
	face, err := d.services.Face(req.Order.HospitalID)
	if err != nil {
		return Started{}, err
	}
	c, err := d.challenge(paymentID, req.Order.HospitalID, payment.ByFace, FaceLife)
	if err != nil {
		return Started{}, err
	}
	c.OutSeqNo = c.ID
	var ticket identity.FaceTicket
	err = twice(ctx, func() (err error) {
		ticket, err = face.Start(ctx, identity.FaceStart{OutSeqNo: c.OutSeqNo, Name: p.Name, IDNumber: p.IDNumber, OpenID: p.OpenID})
		return err
	})
	if err != nil {
		return Started{}, refused("open a face check", err)
	}
	c.VerifyID = ticket.VerifyID
	if !ticket.ExpiresAt.IsZero() && ticket.ExpiresAt.Before(c.ExpiresAt) {
		c.ExpiresAt = ticket.ExpiresAt
	}
	if err := d.books.StartChallenge(ctx, c); err != nil {
		return Started{}, fmt.Errorf("write down a verification: %w", err)
	}
	return Started{Challenge: c.ID, ExpiresAt: c.ExpiresAt, VerifyID: c.VerifyID}, nil
}

func (d *Desk) order(ctx context.Context, paymentID string) (payment.Request, error) {
	req, err := d.books.OrderToVerify(ctx, paymentID)
	if err != nil {
		return payment.Request{}, fmt.Errorf("read the order to verify: %w", err)
	}
	return req, nil
}

func (d *Desk) challenge(paymentID, hospital string, kind payment.VerifyKind, life time.Duration) (store.Challenge, error) {
	var b [15]byte
	if _, err := rand.Read(b[:]); err != nil {
		return store.Challenge{}, fmt.Errorf("name a verification: %w", err)
	}
	at := d.now()
	return store.Challenge{ID: "ver_" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]),
		PaymentID: paymentID, HospitalID: hospital, Kind: kind, At: at, ExpiresAt: at.Add(life)}, nil
}

// twice asks a second time, with the same numbers, when it is not known whether
// the first was heard or it was heard and nothing happened. Both services take
// a repeat for what it is.
func twice(ctx context.Context, call func() error) error {
	err := call()
	var fast *identity.TooFast
	if err == nil || payment.KindOf(err) == payment.Final || errors.As(err, &fast) || ctx.Err() != nil {
		return err
	}
	return call()
}

// refused words what a service said: a problem when it refused, its own error
// when it can be asked again.
func refused(doing string, err error) error {
	var fast *identity.TooFast
	if errors.As(err, &fast) {
		return payment.Problem{Code: payment.CodeTooMany, Text: "too many codes for this number; try again later"}
	}
	if payment.KindOf(err) == payment.Final {
		return payment.Problem{Code: payment.CodeVerification, Text: "the verification service refused to start: " + payment.CodeOf(err)}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
