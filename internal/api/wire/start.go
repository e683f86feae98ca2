package wire

import (
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// Start asks for a payment. Sending the same one again returns the same
// payment; the same order with other content is a conflict.
type Start struct {
	Order       Order  `json:"order" doc:"The registration that is paid for"`
	Choice      Choice `json:"choice" doc:"How the patient pays"`
	CallbackURL string `json:"callback_url,omitempty" doc:"Where the booking backend is told, signed. Without it, the backend asks." example:"https://booking.example.org/regpay"`
	// PayWithinSeconds is how long the patient has to pay, in seconds.
	PayWithinSeconds int64 `json:"pay_within_seconds,omitempty" doc:"Time to pay in seconds, 5 to 7200; 900 when left out" example:"900"`
}

// Order is the registration as the booking backend knows it.
type Order struct {
	HospitalID string  `json:"hospital_id" doc:"The hospital's id in this installation" example:"ren-he"`
	OrderNo    string  `json:"order_no" doc:"Unique within the hospital: 6 to 24 letters and digits" example:"R20260105000017"`
	Slot       Slot    `json:"slot"`
	Fees       []Fee   `json:"fees" minItems:"1" maxItems:"20" nullable:"false" doc:"What the amount is made of"`
	AmountFen  int64   `json:"amount_fen" minimum:"1" maximum:"5000000" doc:"The whole amount in fen" example:"5000"`
	Patient    Patient `json:"patient" doc:"Who sees the doctor; kept encrypted, given back masked"`
}

// Slot is the doctor's time that was booked.
type Slot struct {
	ID         string    `json:"id" maxLength:"64" doc:"The HIS's identifier of the slot" example:"slot-2026-01-06-0930"`
	Department string    `json:"department" maxLength:"40" example:"心内科"`
	Doctor     string    `json:"doctor" maxLength:"40" example:"王医生"`
	StartsAt   time.Time `json:"starts_at" doc:"In the future, at most a year ahead" example:"2026-01-06T09:30:00+08:00"`
}

// Fee is one line of the price.
type Fee struct {
	Code      string `json:"code" maxLength:"40" doc:"The hospital's charge item code" example:"110200001"`
	Name      string `json:"name" maxLength:"60" example:"诊查费"`
	AmountFen int64  `json:"amount_fen" minimum:"0" maximum:"5000000" doc:"In fen" example:"5000"`
}

// Patient is who sees the doctor.
type Patient struct {
	Name     string         `json:"name" maxLength:"60"`
	IDType   payment.IDType `json:"id_type" enum:"id_card,passport"`
	IDNumber string         `json:"id_number" maxLength:"20" doc:"With a valid check character (GB 11643), or a passport number"`
	Phone    string         `json:"phone" maxLength:"20" doc:"Mainland mobile number, or + and country number"`
	OpenID   string         `json:"openid,omitempty" maxLength:"128" doc:"WeChat's openid: for jsapi and the face check"`
	PsnNo    string         `json:"psn_no,omitempty" maxLength:"32" doc:"The insured person's number"`
	City     string         `json:"city_id,omitempty" maxLength:"6" doc:"Six-digit division of the insurance"`
}

// String keeps a patient out of anything that formats values.
func (Patient) String() string { return "patient(redacted)" }

// GoString does the same for %#v.
func (Patient) GoString() string { return "wire.Patient{redacted}" }

// Choice is the method with what it needs.
type Choice struct {
	Method             payment.Method  `json:"method" enum:"wechat,unionpay,insurance,mixed"`
	Scene              payment.Scene   `json:"scene,omitempty" enum:"jsapi,native,front,app" doc:"Of the self-pay channel: jsapi or native for wechat, front or app for unionpay"`
	SelfPay            payment.Channel `json:"self_pay,omitempty" enum:"wechat,unionpay" doc:"The self-pay channel of a mixed payment"`
	InsuranceAmountFen int64           `json:"insurance_amount_fen,omitempty" minimum:"0" maximum:"5000000" doc:"What the insurance pays of a mixed payment, in fen"`
	PayAuthNo          string          `json:"pay_auth_no,omitempty" maxLength:"128" doc:"Insurance authorisation; or ec_token"`
	ECToken            string          `json:"ec_token,omitempty" maxLength:"512" doc:"Electronic insurance credential; or pay_auth_no"`
}

// Request is the domain's form. It is not checked here: see
// payment.Request.Check.
func (s Start) Request() payment.Request {
	fees := make([]payment.Fee, len(s.Order.Fees))
	for i, f := range s.Order.Fees {
		fees[i] = payment.Fee{Code: f.Code, Name: f.Name, Amount: money.Fen(f.AmountFen)}
	}
	p := s.Order.Patient
	return payment.Request{
		Order: payment.Order{
			HospitalID: s.Order.HospitalID,
			OrderNo:    s.Order.OrderNo,
			Slot: payment.Slot{ID: s.Order.Slot.ID, Department: s.Order.Slot.Department,
				Doctor: s.Order.Slot.Doctor, StartsAt: s.Order.Slot.StartsAt},
			Fees:   fees,
			Amount: money.Fen(s.Order.AmountFen),
			Patient: payment.Patient{Name: p.Name, IDType: p.IDType, IDNumber: p.IDNumber,
				Phone: p.Phone, OpenID: p.OpenID, PsnNo: p.PsnNo, City: p.City},
		},
		Choice:      s.Choice.Domain(),
		CallbackURL: s.CallbackURL,
		Window:      seconds(s.PayWithinSeconds),
	}
}

// Domain is the choice as the domain has it. No amount at all becomes the zero
// value, so that leaving the member out and sending 0 are the same request.
func (c Choice) Domain() payment.Choice {
	d := payment.Choice{Method: c.Method, Scene: c.Scene, SelfPay: c.SelfPay,
		PayAuthNo: c.PayAuthNo, ECToken: c.ECToken}
	if c.InsuranceAmountFen != 0 {
		d.InsuranceAmount = money.Fen(c.InsuranceAmountFen)
	}
	return d
}

// seconds makes a duration of any int64 without overflow: what is out of the
// domain's bounds stays out of them.
func seconds(n int64) time.Duration {
	const bound = int64(24 * time.Hour / time.Second)
	return time.Duration(max(-bound, min(bound, n))) * time.Second
}

// Field is the path in this package's JSON of a path in the domain's, as it
// stands in a payment.Problem: "order.amount" is "order.amount_fen" here.
func Field(domain string) string {
	switch domain {
	case "order.amount":
		return "order.amount_fen"
	case "choice.insurance_amount":
		return "choice.insurance_amount_fen"
	case "window":
		return "pay_within_seconds"
	case "amount":
		return "amount_fen"
	case "challenge":
		return "challenge_id"
	}
	return domain
}
