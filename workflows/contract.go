package workflows

import (
	"fmt"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// The values of the contract, under names that a program outside this module
// can write.
type (
	Request      = payment.Request
	Order        = payment.Order
	Slot         = payment.Slot
	Fee          = payment.Fee
	Patient      = payment.Patient
	Choice       = payment.Choice
	Answer       = payment.Answer
	Proof        = payment.Proof
	Cancellation = payment.Cancellation
	Decision     = payment.Decision
	Status       = payment.Status
	Money        = money.Money
)

// Fen is an amount of CNY in fen.
func Fen(n int64) Money { return money.Fen(n) }

// Names of what can be called from outside.
const (
	TypeRegistrationPayment = "RegistrationPayment"
	TypeRefund              = "Refund"
	TypeStrayPayment        = "StrayPayment"

	// SignalManualReview carries a Decision, as staff send it from Temporal's
	// UI or command line; a decision that cannot be taken is refused in the
	// timeline and changes nothing.
	SignalManualReview = "manual-review"
	// SignalChannelEvent carries a verified notification (channel.Event) of a
	// refund, and one of a charge that was not heard as an update.
	SignalChannelEvent = "channel-event"

	// UpdateBegin returns the Answer of a start, and of every repeat of it.
	UpdateBegin = "begin"
	// UpdateVerify carries a Proof and returns an Answer.
	UpdateVerify = "verify"
	// UpdateChangeMethod carries a Choice and returns an Answer.
	UpdateChangeMethod = "change-method"
	// UpdateCancel carries a Cancellation and returns an Answer.
	UpdateCancel = "cancel"
	// UpdateChannelEvent carries a verified notification (channel.Event) of a
	// charge. It returns nothing, and is in the history once it returns.
	UpdateChannelEvent = "channel-event"
	// UpdateDecideReview carries a Decision; its validator answers at once.
	UpdateDecideReview = "decide-review"

	// QueryStatus returns a Standing, QueryTimeline a list of Moment.
	QueryStatus   = "status"
	QueryTimeline = "timeline"
)

// QueuePayments is where the workflows run, and the short steps inside them.
// QueueOf is the queue of a system's patient steps.
const (
	QueuePayments = "regpay-payments"
	QueueBooks    = "regpay-books"
	QueueHIS      = "regpay-his"
	QueueIdentity = "regpay-identity"
	QueueBackend  = "regpay-backend"
)

// QueueOf is the queue of a channel's patient steps, so that one slow channel
// stops nobody else.
func QueueOf(ch payment.Channel) string { return "regpay-" + string(ch) }

// Queues lists every queue of patient steps.
func Queues() []string {
	all := []string{QueueBooks, QueueHIS, QueueIdentity, QueueBackend}
	for _, ch := range payment.Channels() {
		all = append(all, QueueOf(ch))
	}
	return all
}

// PaymentWorkflowID is the id of the workflow of an order's payment.
func PaymentWorkflowID(hospital, order string) string {
	return fmt.Sprintf("payment/%s/%s", hospital, order)
}

// RefundWorkflowID is the id of the workflow of an order's n-th refund.
func RefundWorkflowID(hospital, order string, n int) string {
	return fmt.Sprintf("refund/%s/%s/%d", hospital, order, n)
}

// StrayWorkflowID is the id of the workflow that returns a capture which no
// payment could use, named by the channel's own transaction number.
func StrayWorkflowID(ch payment.Channel, channelNo string) string {
	return fmt.Sprintf("stray/%s/%s", ch, channelNo)
}

// Result is how a payment ended.
type Result struct {
	PaymentID     string         `json:"payment_id"`
	Status        payment.Status `json:"status"`
	Reason        string         `json:"reason,omitempty"`
	Voucher       string         `json:"voucher,omitempty"`
	AppointmentID string         `json:"appointment_id,omitempty"`
}

// Standing is what QueryStatus tells: an Answer and what is known beyond it.
type Standing struct {
	Answer
	Captured []Taken       `json:"captured,omitempty"`
	Case     *payment.Case `json:"case,omitempty"`
	Next     string        `json:"next"` // the next step, in words
}

// Taken is a tender whose money is in.
type Taken struct {
	Attempt int             `json:"attempt"`
	Channel payment.Channel `json:"channel"`
	Amount  money.Money     `json:"amount"`
	Report  channel.Report  `json:"report"`
}
