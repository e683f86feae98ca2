package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"time"

	"github.com/regpay/regpay/internal/money"
)

// Bounds of a payment's deadline, counted from its start.
const (
	DefaultWindow = 15 * time.Minute
	MinWindow     = 5 * time.Second
	MaxWindow     = 2 * time.Hour // WeChat Pay's prepay_id lives as long
)

// Request starts a payment. The same order with another Request is a conflict.
type Request struct {
	Order  Order  `json:"order"`
	Choice Choice `json:"choice"`
	// CallbackURL is where the booking backend is told, signed; empty: it asks.
	CallbackURL string `json:"callback_url,omitempty"`
	// Window is how long the patient has to pay; zero means DefaultWindow.
	Window time.Duration `json:"window,omitempty"`
}

// Check finds everything that is wrong with the request at the time now, as
// Problems, or returns nil.
func (r Request) Check(now time.Time) error {
	var ps Problems
	for _, err := range []error{r.Order.Check(now), r.Choice.Check(r.Order)} {
		if more, ok := err.(Problems); ok {
			ps = append(ps, more...)
		}
	}
	if r.Window != 0 && (r.Window < MinWindow || r.Window > MaxWindow) {
		ps.add("window", CodeDeadline, "the time to pay is between %s and %s", MinWindow, MaxWindow)
	}
	if r.CallbackURL != "" {
		u, err := url.Parse(r.CallbackURL)
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") || len(r.CallbackURL) > 500 {
			ps.add("callback_url", CodeCallback, "the callback is an absolute http(s) URL without user information")
		}
	}
	return ps.orNil()
}

// Deadline is when the time to pay ends for a payment started at start. It is
// never later than the slot itself.
func (r Request) Deadline(start time.Time) time.Time {
	w := r.Window
	if w == 0 {
		w = DefaultWindow
	}
	if end := start.Add(w); end.Before(r.Order.Slot.StartsAt) {
		return end
	}
	return r.Order.Slot.StartsAt
}

// Digest tells two requests apart: lower hex SHA-256 of the request's JSON,
// without the insurance authorisation, which is fresh at every try.
func (r Request) Digest() string {
	r.Choice.PayAuthNo, r.Choice.ECToken = "", ""
	r.Order.Slot.StartsAt = r.Order.Slot.StartsAt.UTC()
	b, err := json.Marshal(r)
	if err != nil {
		panic("payment: a request is plain data: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// PayParams is what the patient's device needs in order to pay: for WeChat
// jsapi the parameters of the app's call, for native the code_url, for
// UnionPay the form's address and fields, or the tn. Empty where the patient
// has nothing more to do.
type PayParams map[string]string

// Answer is what a start (or a change of method, or a verification) returns.
type Answer struct {
	PaymentID string      `json:"payment_id"`
	Status    Status      `json:"status"`
	Method    Method      `json:"method"`
	Amount    money.Money `json:"amount"`
	PayBy     time.Time   `json:"pay_by"`
	Tender    *NextTender `json:"tender,omitempty"`
	// Verify lists the ways in which the patient can prove who they are; empty
	// when nothing is asked.
	Verify []VerifyKind `json:"verify,omitempty"`
	// Reason is a stable code that says why a payment was rejected or reviewed.
	Reason string `json:"reason,omitempty"`
	// Until is when the maintenance that a suspended payment waits for is to end.
	Until time.Time `json:"until,omitzero"`
	// Digest is of the request that the payment was started with.
	Digest string `json:"digest"`
}

// NextTender is the charge that waits for the patient.
type NextTender struct {
	Channel    Channel     `json:"channel"`
	Scene      Scene       `json:"scene,omitempty"`
	MerchantNo string      `json:"merchant_no"`
	Amount     money.Money `json:"amount"`
	Pay        PayParams   `json:"pay,omitempty"`
}

// VerifyKind is a way for a patient to prove who they are.
type VerifyKind string

// The kinds of verification.
const (
	BySMS  VerifyKind = "sms"
	ByFace VerifyKind = "face"
)

// Proof is a patient's answer to a verification that was started.
type Proof struct {
	Kind VerifyKind `json:"kind"`
	// Code is the SMS code, for BySMS.
	Code string `json:"code,omitempty"`
	// Challenge names the verification that the proof answers.
	Challenge string `json:"challenge"`
}

// Cancellation is a patient's (or the backend's) wish to end a payment.
type Cancellation struct {
	Reason string `json:"reason"`
}
