package payment

import (
	"time"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/money"
)

// MaxAmount is the largest registration that is taken, in fen (CNY 50,000):
// far above any doctor's fee, low enough that a slipped decimal point is seen.
const MaxAmount int64 = 5_000_000

// Order is the registration that is paid for, as the booking backend knows it.
type Order struct {
	HospitalID string      `json:"hospital_id"`
	OrderNo    string      `json:"order_no"` // unique within the hospital; 6–24 letters and digits
	Slot       Slot        `json:"slot"`
	Fees       []Fee       `json:"fees"` // what Amount is made of
	Amount     money.Money `json:"amount"`
	Patient    Patient     `json:"patient"`
}

// Slot is the doctor's time that the patient booked.
type Slot struct {
	ID         string    `json:"id"` // the HIS's identifier of the slot
	Department string    `json:"department"`
	Doctor     string    `json:"doctor"`
	StartsAt   time.Time `json:"starts_at"`
}

// Fee is one line of the price: the registration itself, the consultation.
type Fee struct {
	Code   string      `json:"code"` // the hospital's charge item code
	Name   string      `json:"name"`
	Amount money.Money `json:"amount"`
}

// IDType is a kind of identity document.
type IDType string

// The identity documents that are taken.
const (
	IDCard   IDType = "id_card"  // PRC resident identity card, GB 11643
	Passport IDType = "passport" // checked by a person
)

// Patient is who sees the doctor. All of it is personal data: it is encrypted
// at rest and in Temporal, and never printed (rule I10).
type Patient struct {
	Name     string `json:"name"`
	IDType   IDType `json:"id_type"`
	IDNumber string `json:"id_number"`
	Phone    string `json:"phone"`             // mainland mobile, or +country number
	OpenID   string `json:"openid,omitempty"`  // WeChat's, for jsapi and the face check
	PsnNo    string `json:"psn_no,omitempty"`  // the insured person's number
	City     string `json:"city_id,omitempty"` // six-digit division of the insurance
}

// String keeps a patient out of anything that formats values.
func (Patient) String() string { return "patient(redacted)" }

// GoString does the same for %#v.
func (Patient) GoString() string { return "payment.Patient{redacted}" }

// Check finds everything that is wrong with the order at the time now, as
// Problems, or returns nil.
func (o Order) Check(now time.Time) error {
	var ps Problems
	if !IsHospitalID(o.HospitalID) {
		ps.add("order.hospital_id", CodeHospital, "not a hospital of this installation")
	}
	if !orderNo.MatchString(o.OrderNo) {
		ps.add("order.order_no", CodeOrderNo, "an order number has 6 to 24 letters and digits")
	}
	o.checkAmounts(&ps)
	o.Slot.check(&ps, now)
	o.Patient.check(&ps)
	return ps.orNil()
}

func (o Order) checkAmounts(ps *Problems) {
	switch {
	case o.Amount.Currency() != money.CNY:
		ps.add("order.amount", CodeAmount, "the amount has to be in CNY")
		return
	case !o.Amount.IsPositive():
		ps.add("order.amount", CodeAmount, "the amount has to be above zero")
	case o.Amount.Minor() > MaxAmount:
		ps.add("order.amount", CodeAmount, "the amount is above the limit of %s", money.Fen(MaxAmount))
	}
	if len(o.Fees) == 0 || len(o.Fees) > 20 {
		ps.add("order.fees", CodeFees, "an order has 1 to 20 fees")
		return
	}
	amounts := make([]money.Money, len(o.Fees))
	for i, f := range o.Fees {
		if f.Code == "" || f.Name == "" || utf8.RuneCountInString(f.Name) > 60 || len(f.Code) > 40 {
			ps.add("order.fees", CodeFees, "a fee has a code of up to 40 and a name of up to 60 characters")
		}
		if f.Amount.IsNegative() {
			ps.add("order.fees", CodeFees, "a fee is not below zero")
		}
		amounts[i] = f.Amount
	}
	if sum, err := money.Sum(amounts...); err != nil || !sum.Equal(o.Amount) {
		ps.add("order.fees", CodeFees, "the fees do not add up to the amount")
	}
}

func (s Slot) check(ps *Problems, now time.Time) {
	if s.ID == "" || len(s.ID) > 64 || s.Department == "" || s.Doctor == "" ||
		utf8.RuneCountInString(s.Department) > 40 || utf8.RuneCountInString(s.Doctor) > 40 {
		ps.add("order.slot", CodeSlot, "a slot has an id, a department and a doctor")
	}
	switch {
	case s.StartsAt.IsZero():
		ps.add("order.slot.starts_at", CodeSlot, "a slot has a time")
	case !s.StartsAt.After(now):
		ps.add("order.slot.starts_at", CodeSlotPassed, "the slot has passed")
	case s.StartsAt.After(now.AddDate(1, 0, 0)):
		ps.add("order.slot.starts_at", CodeSlot, "the slot is more than a year ahead")
	}
}

func (p Patient) check(ps *Problems) {
	if n := utf8.RuneCountInString(p.Name); n < 1 || n > 60 {
		ps.add("order.patient.name", CodeName, "a name has 1 to 60 characters")
	}
	switch p.IDType {
	case IDCard:
		if !ValidIDNumber(p.IDType, p.IDNumber) {
			ps.add("order.patient.id_number", CodeIDNumber, "the identity card number is not valid")
		}
	case Passport:
		if !ValidIDNumber(p.IDType, p.IDNumber) {
			ps.add("order.patient.id_number", CodeIDNumber, "a passport number has 5 to 17 letters and digits")
		}
	default:
		ps.add("order.patient.id_type", CodeIDType, "the identity document is id_card or passport")
	}
	if !phone.MatchString(p.Phone) {
		ps.add("order.patient.phone", CodePhone, "not a mobile number")
	}
}
