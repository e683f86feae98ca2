// Package check holds what a fault run left behind against the rules that
// always hold.
//
// Its evidence is other people's: what the channels and the hospital's system
// have in books of their own, what the booking backend was told, what stands in
// logs. regpay's tables are one witness among them, and never asked through
// regpay's own code. Everything is plain data in a [World], so that a world in
// which one rule is broken can be written down and has to be found.
//
// Amounts are whole fen of CNY, times UTC.
package check

import "time"

// World is everything that is known when all is at rest.
type World struct {
	Orders []Order // what was asked for, in order

	// The other sides' own books.
	Charges      []Charge
	Refunds      []Refund
	Appointments []Appointment

	// regpay's books.
	Payments []Payment
	Attempts []Attempt
	Captures []Capture
	Returns  []Return
	Cases    []Case
	Ledger   []Entry
	Audit    []Record
	Webhooks []Webhook

	// BrokenChains is what a recomputation of the audit log found, by subject.
	BrokenChains map[string]string
	// Thanked are the genuine notifications that regpay acknowledged, Believed
	// the forged ones.
	Thanked, Believed []Notice
	// Leaks are traces of patients found where none may be.
	Leaks []Leak
	// Running are workflows that have not ended.
	Running []Workflow
}

// Key names an order among all hospitals.
type Key struct{ Hospital, Order string }

func (k Key) String() string { return k.Hospital + "/" + k.Order }

// Order is one registration as the booking backend knows it.
type Order struct {
	Key
	Slot      string
	AmountFen int64
	PaymentID string // empty when regpay never took it
	Refused   string // why regpay refused to take it, where it did
	// ReturnFen is what the backend asked back after the registration, and was
	// promised; PaysTwice says that the patient tried to pay two times.
	ReturnFen int64
	PaysTwice bool
	// Told is the status that the backend was told last; Tells says whether it
	// wanted to be.
	Told  string
	Tells bool
}

// Charge is a charge in a channel's own book. Of an insurance order only the
// account's and the fund's part counts: the patient's own part is another
// tender's.
type Charge struct {
	Hospital, Channel, MerchantNo, ChannelNo string
	State                                    string
	CapturedFen, RefundedFen                 int64
	At                                       time.Time
}

// Refund is a refund in a channel's own book, counted as in [Charge].
type Refund struct {
	Hospital, Channel, MerchantNo, RefundNo string
	State                                   string
	AmountFen                               int64
}

// Appointment is a registration in the HIS's own records.
type Appointment struct {
	Key
	Slot, Status string
	PaidFen      int64
}

// Payment is a payment in regpay's books.
type Payment struct {
	Key
	ID, Status, Reason      string
	AmountFen               int64
	CapturedFen             int64
	ReservedFen             int64
	RefundedFen             int64
	Voucher, Appointment    string
	VoucherFinal            bool
	AuditSeq                int64
	AuditHead               string // hex
	CreatedAt, UpdatedAt    time.Time
	PersonDecided, CaseOpen bool // filled in by [Check]
}

// Attempt is a charge in regpay's books.
type Attempt struct {
	PaymentID, Hospital, Channel, MerchantNo, State string
	N                                               int
	CapturedFen, RefundedFen, OfflineFen            int64
	At                                              time.Time
}

// Capture is money that came in, in regpay's books.
type Capture struct {
	PaymentID, Hospital, Channel, ChannelNo string
	Attempt                                 int
	AmountFen                               int64
}

// Return is a refund in regpay's books.
type Return struct {
	PaymentID, Hospital, Channel, RefundNo, State string
	N                                             int
	AmountFen                                     int64
	Offline                                       bool
}

// Case is a question to a person.
type Case struct {
	ID, PaymentID, Reason, Operator, Workflow string
	OpenedAt, Deadline                        time.Time
	Allowed                                   int
	Open                                      bool
}

// ByPerson says whether a person decided the case or has to.
func (c Case) ByPerson() bool { return c.Open || c.Operator != "patient" && c.Operator != "channel" }

// Entry is a line of the ledger with its transaction.
type Entry struct {
	Transaction, PaymentID, Hospital, Kind, Channel string
	Account, Currency                               string
	Fen                                             int64
}

// Record is a line of the audit log. Hashes are in hex.
type Record struct {
	Subject, Actor, Action, Prev, Hash string
	Seq                                int64
	At                                 time.Time
	Detail                             map[string]string
}

// Webhook is a notification as regpay kept it.
type Webhook struct {
	Channel, Hospital, EventID, PaymentID, Outcome string
	Bytes                                          int // of the body, as it is kept
}

// Notice is a notification as its sender knows it.
type Notice struct{ Channel, ID, Kind string }

// Leak is a trace of a patient. It says what was found and where, never the
// trace itself.
type Leak struct{ Where, What string }

// Workflow is one that runs.
type Workflow struct{ ID, Type string }

// Violation is a rule that does not hold.
type Violation struct {
	Rule    string `json:"rule"`    // I1 to I10; told, rest
	Subject string `json:"subject"` // an order, a number, a file
	What    string `json:"what"`
}

func (v Violation) String() string { return v.Rule + " " + v.Subject + ": " + v.What }
