package store

import (
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
)

// Errors of this package, for errors.Is. Rules that a caller broke come back
// as payment.Problem instead.
var (
	ErrNotFound = errors.New("not in the books")
	// ErrTransition: the payment's status does not allow the step.
	ErrTransition = errors.New("the payment's state does not allow this")
)

// Opening starts a payment in the books.
type Opening struct {
	Request    payment.Request
	PaymentID  string
	WorkflowID string
	At         time.Time
	Deadline   time.Time
	Rules      risk.Rules
	// First is the status after an assessment that passes; Pending when empty.
	First payment.Status
}

// Opened is what the books say of a payment just opened, or opened before with
// the same request.
type Opened struct {
	Assessment risk.Assessment
	Status     payment.Status
}

// Move is a change of status without money.
type Move struct {
	PaymentID string
	To        payment.Status
	Reason    string // a stable code
	Actor     string // "workflow", "patient", or an operator
	At        time.Time
}

// Attempt is one charge as the books have it. Charge.Handle is filled in.
type Attempt struct {
	Charge   channel.Charge
	State    channel.State // Open when just written down
	Pay      payment.PayParams
	Prepaid  bool // the channel answered Prepay
	Capture  channel.Report
	Refunded money.Money // returned or on its way
	// Existed is set by BeginAttempt when the attempt was there before: whether a
	// request to the channel may have left is for AskAgain to say.
	Existed bool
}

// Ref names a payment by its order.
type Ref struct{ HospitalID, OrderNo string }

// Asked is a charge as far as a notification of it is held against.
type Asked struct {
	PaymentID string
	Amount    money.Money
	State     channel.State
	ChannelNo string // of its first capture
}

// Capture records that a tender's money is in.
type Capture struct {
	PaymentID string
	Attempt   int
	Report    channel.Report
	FeeRate   decimal.Decimal // 0.006 for 0.6 %
	At        time.Time
	// Actor is "workflow", or the operator who confirmed a settlement.
	Actor string
	// Next is the status after it: Paid when this was the last tender (a
	// temporary voucher is issued in the same transaction), Clearing when the
	// insurance comes next, "" to leave the status as it is for a stray capture
	// that is to be returned.
	Next payment.Status
	// Prepaid is the channel's answer to the charge, where the money came with
	// it, to be kept in the same step.
	Prepaid *channel.Prepaid
}

// Captured is the books' answer to Capture.
type Captured struct {
	Repeated    bool   // it was there before; nothing changed
	VoucherCode string // when Next is Paid
}

// RefundOrder asks to return captured money. Key makes it idempotent within a
// payment; the same Key with another amount is CodeRefundConflict.
type RefundOrder struct {
	PaymentID string
	Key       string
	Attempt   int // the tender whose money goes back
	// ChannelNo names the capture, where an attempt has more than one; empty
	// for the first.
	ChannelNo string
	Amount    money.Money
	Reason    string
	Actor     string
	At        time.Time
}

// CodeOffline is the code of a refund whose money was handed over on site.
const CodeOffline = "offline"

// RefundRow is a refund as the books have it.
type RefundRow struct {
	PaymentID string
	N         int
	Key       string
	Attempt   int
	Refund    channel.Refund // No is payment.RefundNo(order, N); Original is filled in
	State     channel.RefundState
	ChannelNo string
	Code      string
	Actor     string
	UpdatedAt time.Time
	SentAt    time.Time // when it was first asked for at the channel; zero before
	// ExpectedBy is by when the money is expected back: the end of a working day
	// in China. Zero for a refund from before it was kept.
	ExpectedBy time.Time
}

// View is a payment for readers, personal data masked.
type View struct {
	Standing
	WorkflowID   string
	PayBy        time.Time
	PaidAt       time.Time // zero until all money is in
	CallbackURL  string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	MaskedName   string
	MaskedPhone  string
	Department   string
	Doctor       string
	SlotAt       time.Time
	RequestIndex string // blind index of payment.Request.Digest
	Tenders      []TenderView
	Case         *payment.Case
}

// Standing is how a payment stands by its own row, without its tenders, its case
// and what was asked for.
type Standing struct {
	ID            string
	HospitalID    string
	OrderNo       string
	Status        payment.Status
	Method        payment.Method
	Reason        string
	Amount        money.Money
	Captured      money.Money
	Refunded      money.Money
	AppointmentID string
	Voucher       *Voucher
}

// TenderView is an attempt for readers.
type TenderView struct {
	Attempt    int
	Channel    payment.Channel
	Scene      payment.Scene
	MerchantNo string
	ChannelNo  string
	State      channel.State
	Amount     money.Money
	Captured   money.Money
	Refunded   money.Money
	Pay        payment.PayParams // while Open
}

// Voucher is the patient's proof of payment. Temporary until the HIS has the
// registration; the code stays the same.
type Voucher struct {
	Code      string
	Temporary bool
	Void      bool // the money went back
	IssuedAt  time.Time
	Confirmed time.Time // when it stopped being temporary; zero before
}

// Happening is a line of a payment's timeline, from the audit log.
type Happening struct {
	At     time.Time
	Actor  string
	Action string // a stable code: opened, attempt, prepaid, captured, …
	Detail map[string]string
}

// Webhook is a notification as it came in, kept raw before it is answered.
type Webhook struct {
	Channel    payment.Channel
	HospitalID string
	Header     []byte // JSON of the headers that matter for the signature
	Body       []byte
	ReceivedAt time.Time
	EventID    string // "" when it was not believed
	PaymentID  string
	Outcome    string // "accepted", or the code of why it was refused
}

// APIKey is a booking backend's access.
type APIKey struct {
	ID        string
	Name      string
	Hospitals []string // "*" for all
	Staff     bool     // may decide reviews
}
