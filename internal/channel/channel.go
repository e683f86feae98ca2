// Package channel is what the systems that move money have in common. Each
// has a client in a folder of its own behind the interface Client.
//
// A charge lives the same life everywhere: it is asked for (Prepay), somebody
// else moves next — the patient pays, or the insurance platform clears — and
// the end is learnt from a notification or by Query, whichever comes first.
// The insurance's upload and pay order are both inside its Prepay: what they
// answer is never "paid", so its clearing is waited for exactly as a patient
// is, and no caller has to know the difference.
//
// Every call tells one of three outcomes. A nil error is the channel's own
// answer. A *payment.Failure says whether the call was refused (Final), can be
// sent again (Retryable), or may have happened (Uncertain): then Query comes
// before any repeat, and the repeat carries the same number (rules I3, I4).
package channel

import (
	"context"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Client is one hospital's account at one channel. It is safe for concurrent
// use. Contexts carry the deadline of a call; each call is one try.
type Client interface {
	// Prepay asks the channel for the charge. Repeating it with the same
	// Charge is safe and returns the same charge; with Charge.Repeat set, a
	// client whose channel is not idempotent looks before it sends.
	Prepay(ctx context.Context, c Charge) (Prepaid, error)
	// Query asks what became of the charge. A charge that the channel does not
	// know is reported as Absent, not as an error.
	Query(ctx context.Context, c Charge) (Report, error)
	// Close makes sure that the charge cannot be paid any more and reports how
	// it stood: Captured when the patient was first. It may be repeated. A
	// channel that cannot close reports Open until its own time-out has passed.
	Close(ctx context.Context, c Charge) (Report, error)
	// Refund returns captured money by the original route. Repeating it with
	// the same Refund.No is safe. Its report usually is RefundProcessing.
	Refund(ctx context.Context, c Charge, r Refund) (RefundReport, error)
	// QueryRefund asks what became of a refund; one that the channel does not
	// know is RefundAbsent.
	QueryRefund(ctx context.Context, c Charge, r Refund) (RefundReport, error)
	// ParseNotification verifies a notification (signature, freshness,
	// merchant) and reads it. Whether order and amount match is for the caller
	// to check against the books (rule I9). Any error means: do not believe it.
	ParseNotification(ctx context.Context, n Notification) (Event, error)
	// Acknowledge is the reply that the channel expects: to a kept notification
	// with a nil error, to a refused one otherwise.
	Acknowledge(err error) Reply
}

// Charge is one attempt to charge, with everything a channel may want to know.
// It is kept, encrypted, with the attempt, before the request leaves (I5).
type Charge struct {
	HospitalID  string          `json:"hospital_id"`
	PaymentID   string          `json:"payment_id"`
	Attempt     int             `json:"attempt"`
	MerchantNo  string          `json:"merchant_no"` // payment.MerchantNo
	OrderNo     string          `json:"order_no"`
	Channel     payment.Channel `json:"channel"`
	Scene       payment.Scene   `json:"scene,omitempty"`
	Amount      money.Money     `json:"amount"`      // of this tender
	Total       money.Money     `json:"total"`       // of the whole order
	Description string          `json:"description"` // what the patient sees, no personal data
	CreatedAt   time.Time       `json:"created_at"`  // fixed by the workflow; UnionPay's txnTime
	ExpiresAt   time.Time       `json:"expires_at"`
	Slot        payment.Slot    `json:"slot"`
	Fees        []payment.Fee   `json:"fees"`
	Payer       payment.Patient `json:"payer"`
	PayAuthNo   string          `json:"pay_auth_no,omitempty"` // insurance
	ECToken     string          `json:"ec_token,omitempty"`    // insurance
	// Handle is what Prepay returned for later calls (payOrdId and payToken,
	// say); empty when its reply was lost. Opaque to everyone but the client.
	Handle string `json:"-"`
	// Repeat is set when this Prepay may have been sent before, and may have come
	// to something.
	Repeat bool `json:"-"`
	// ChannelNo makes Query ask for the money with this number of the channel's,
	// where a charge can be paid more than once (UnionPay). Empty asks for the
	// charge.
	ChannelNo string `json:"-"`
}

// Prepaid is what a channel answered to Prepay.
type Prepaid struct {
	Handle string            // to be kept for later calls
	Pay    payment.PayParams // for the patient; empty when the channel moves next
	// Report is what Prepay itself learnt of the charge: normally Open or
	// Clearing; Captured where a repeat found it paid, or the insurance settled
	// at once and confirmed it.
	Report Report
}

// State is where a charge stands at its channel.
type State string

// The states of a charge.
const (
	Open       State = "open"     // asked for, not paid, can still be paid
	InClearing State = "clearing" // the channel is working on it
	Captured   State = "captured" // the money is in
	Closed     State = "closed"   // not paid and never will be
	Declined   State = "declined" // the channel tried and failed; never will be
	Absent     State = "absent"   // the channel knows no such number
	Doubtful   State = "doubtful" // the channel itself asks for a person
)

// Outcome sorts a state: everything that may still change is unknown.
func (s State) Outcome() payment.Outcome {
	switch s {
	case Captured:
		return payment.Success
	case Closed, Declined, Absent:
		return payment.Failed
	}
	return payment.Unknown
}

// Report is what a channel says of a charge, by answer or by notification.
type Report struct {
	MerchantNo string      `json:"merchant_no"`
	State      State       `json:"state"`
	ChannelNo  string      `json:"channel_no,omitempty"` // the channel's transaction number
	Captured   money.Money `json:"captured,omitzero"`    // for Captured: how much
	CapturedAt time.Time   `json:"captured_at,omitzero"`
	Split      *Split      `json:"split,omitempty"` // the insurance's
	Code       string      `json:"code,omitempty"`  // the channel's own word for the state
}

// CodeConfirmed is the code of a capture that a person vouched for.
const CodeConfirmed = "confirmed_by_staff"

// SameCapture says whether a capture that is known is the money which another
// report tells of. What a person vouched for carries the number that they read
// somewhere, so the amount has to do.
func (r Report) SameCapture(told Report) bool {
	return r.MerchantNo == told.MerchantNo && (r.ChannelNo == told.ChannelNo ||
		r.Code == CodeConfirmed && r.Captured.Equal(told.Captured))
}

// Split is how the insurance platform settled an order: Own + Account + Fund
// is the whole fee, Account + Fund the insurance tender.
type Split struct {
	Own     money.Money `json:"own"`     // 现金自付, paid by another tender
	Account money.Money `json:"account"` // 个人账户
	Fund    money.Money `json:"fund"`    // 统筹基金
}

// Refund is one return of captured money.
type Refund struct {
	No          string      `json:"no"` // payment.RefundNo
	Amount      money.Money `json:"amount"`
	Reason      string      `json:"reason"`       // for the patient, no personal data
	RequestedAt time.Time   `json:"requested_at"` // fixed by the workflow; UnionPay's txnTime
	// Original is what the capture reported: its channel number and split.
	Original Report `json:"original"`
}

// RefundState is where a refund stands at its channel.
type RefundState string

// The states of a refund.
const (
	RefundProcessing RefundState = "processing" // accepted, on its way
	RefundSucceeded  RefundState = "succeeded"
	RefundFailed     RefundState = "failed"   // refused; nothing was returned
	RefundAbnormal   RefundState = "abnormal" // stuck at the channel: a person has to act
	RefundAbsent     RefundState = "absent"   // the channel knows no such number
)

// RefundReport is what a channel says of a refund.
type RefundReport struct {
	RefundNo  string      `json:"refund_no"`
	State     RefundState `json:"state"`
	ChannelNo string      `json:"channel_no,omitempty"`
	Amount    money.Money `json:"amount,omitzero"`
	At        time.Time   `json:"at,omitzero"`
	Code      string      `json:"code,omitempty"`
}

// Notification is an inbound HTTP request from a channel, its body read.
type Notification struct {
	Method string
	URL    string // path and query
	Header http.Header
	Body   []byte
}

// Event is a verified notification: one of Charge and Refund is set.
type Event struct {
	ID     string // tells repeats apart; derived from the content where the channel has none
	Charge *Report
	Refund *RefundReport
}

// Reply is an HTTP answer.
type Reply struct {
	Status      int
	ContentType string
	Body        []byte
}
