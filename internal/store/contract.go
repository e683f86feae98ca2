package store

import (
	"errors"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// ErrConflict: the books hold something else under the same number, such as
// another amount for a channel's transaction. Repeating does not help.
var ErrConflict = errors.New("the books hold something else under this number")

// AllHospitals in a list of hospitals stands for every one of them.
const AllHospitals = "*"

// Filter selects payments, newest first. Zero fields select everything, but
// for Hospitals: an empty list selects nothing, so that a forgotten scope
// shows nobody's payments; AllHospitals selects all.
type Filter struct {
	Hospitals []string
	OrderNo   string
	Status    payment.Status
	Limit     int // 1 to 500; 50 when zero
	// Before and BeforeID continue after the last row of the page before: its
	// CreatedAt and ID.
	Before   time.Time
	BeforeID string
}

// CaseFilter selects review cases, oldest first. Hospitals as in Filter.
type CaseFilter struct {
	Hospitals []string
	Open      bool // only cases that wait for a decision
	Limit     int  // 1 to 500; 50 when zero
	// After is the ID of the last case of the page before.
	After string
}

// CaseView is a case for staff, with what is needed to find the payment.
type CaseView struct {
	payment.Case
	PaymentID  string
	HospitalID string
	OrderNo    string
	WorkflowID string
	Status     payment.Status
	Method     payment.Method
	Amount     money.Money
	Captured   money.Money
	State      CaseState
	// Decision and DecidedAt are set once a person has decided.
	Decision  *payment.Decision
	DecidedAt time.Time
}

// CaseState says whether a case still waits.
type CaseState string

// The states of a case.
const (
	CaseOpen    CaseState = "open"
	CaseDecided CaseState = "decided"
)

// Challenge is a verification that a patient has to answer.
type Challenge struct {
	ID         string
	PaymentID  string
	HospitalID string
	Kind       payment.VerifyKind
	Phone      string // where the code was sent, for BySMS; kept encrypted
	Code       string // for BySMS; kept as a keyed hash and never read back
	VerifyID   string // the face check's own number; kept encrypted
	OutSeqNo   string // our number of the face check
	At         time.Time
	ExpiresAt  time.Time // for BySMS at most ten minutes after At
	Passed     bool
}

// ChannelTotal is what the ledger says went through one hospital's account at
// one channel.
type ChannelTotal struct {
	HospitalID string
	Channel    payment.Channel
	Captured   money.Money
	Refunded   money.Money // by the channel; refunds paid on site are not in it
}
