package sandbox

import (
	"context"
	"errors"
)

// Behaviour is what a patient does with an order.
type Behaviour string

const (
	// Pay pays, unless the merchant's time_expire has passed.
	Pay Behaviour = "pay"
	// PayLate pays even after time_expire, as long as the order is not closed.
	PayLate Behaviour = "pay_late"
	// PayTwice pays a second time where the channel allows it.
	PayTwice Behaviour = "pay_twice"
	// Abandon walks away.
	Abandon Behaviour = "abandon"
	// Fail tries and fails: no balance, wrong password.
	Fail Behaviour = "fail"
)

func (b Behaviour) valid() bool {
	switch b {
	case Pay, PayLate, PayTwice, Abandon, Fail:
		return true
	}
	return false
}

// Order is what a patient sees of an order.
type Order struct {
	// Channel is the counterparty's name.
	Channel string
	// Hospital is the hospital's id, MerchantNo the merchant's own number.
	Hospital, MerchantNo string
	// Token is what the patient was given: prepay_id, code_url, the front page's
	// token. May be empty.
	Token string
}

// Payer is implemented by a counterparty whose orders patients pay.
type Payer interface {
	// PatientPays lets the patient act on the order now. It is called in the
	// background; ctx ends at shutdown. Abandon is never passed.
	PatientPays(ctx context.Context, order Order, behaviour Behaviour) error
}

// Instruction tells the patient of one order what to do, AfterMS milliseconds
// from now or, when the order is not known yet, from its opening. It replaces
// what the patient would have done by default; several instructions of one
// order are all carried out.
type Instruction struct {
	Channel    string    `json:"channel"`
	Hospital   string    `json:"hospital,omitempty"` // only where two hospitals use the same number
	MerchantNo string    `json:"merchant_no,omitempty"`
	Token      string    `json:"token,omitempty"`
	AfterMS    int64     `json:"after_ms"`
	Behaviour  Behaviour `json:"behaviour"`
}

// Default is what patients of a channel do without an instruction.
type Default struct {
	Channel    string    `json:"channel"`
	Behaviour  Behaviour `json:"behaviour"`
	AfterMSP50 int64     `json:"after_ms_p50"`
	AfterMSP95 int64     `json:"after_ms_p95"`
}

// Errors of Patients.
var (
	// ErrUnknownChannel: no counterparty of that name has patients.
	ErrUnknownChannel = errors.New("sandbox: unknown channel")
	// ErrInstruction: an instruction that makes no sense.
	ErrInstruction = errors.New("sandbox: bad instruction")
	// ErrAmbiguous: orders of several hospitals have that number.
	ErrAmbiguous = errors.New("sandbox: several hospitals have that order number; name the hospital or the token")
)
