package wire

import (
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Answer is what a start, a change of method, a verification and a
// cancellation return: where the payment stands and what the patient needs.
type Answer struct {
	PaymentID  string         `json:"payment_id" example:"pay_7q2m3kx9…"`
	HospitalID string         `json:"hospital_id"`
	OrderNo    string         `json:"order_no"`
	Status     payment.Status `json:"status"`
	Method     payment.Method `json:"method"`
	AmountFen  int64          `json:"amount_fen" doc:"In fen"`
	PayBy      time.Time      `json:"pay_by,omitzero" doc:"When the time to pay ends"`
	Tender     *Pay           `json:"tender,omitempty" doc:"The charge that waits for the patient"`
	// Verify is set while the status is verifying.
	Verify []payment.VerifyKind `json:"verify,omitempty" doc:"Ways in which the patient can prove who they are"`
	// Until is set while the status is suspended.
	Until  time.Time `json:"until,omitzero" doc:"When the maintenance that a suspended payment waits for is to end"`
	Reason string    `json:"reason,omitempty" doc:"Stable code of why a payment was rejected or is reviewed"`
}

// Pay is the charge that waits for the patient.
type Pay struct {
	Channel    payment.Channel   `json:"channel"`
	Scene      payment.Scene     `json:"scene,omitempty"`
	MerchantNo string            `json:"merchant_no" doc:"The charge's number at the channel"`
	AmountFen  int64             `json:"amount_fen" doc:"In fen"`
	Pay        map[string]string `json:"pay,omitempty" doc:"What the patient's device needs: the parameters of WeChat's call, code_url, the UnionPay form, or tn"`
}

// AnswerOf writes the engine's answer.
func AnswerOf(a payment.Answer, hospital, order string) Answer {
	w := Answer{PaymentID: a.PaymentID, HospitalID: hospital, OrderNo: order, Status: a.Status,
		Method: a.Method, AmountFen: a.Amount.Minor(), PayBy: utc(a.PayBy), Verify: a.Verify, Reason: a.Reason, Until: utc(a.Until)}
	if t := a.Tender; t != nil {
		w.Tender = &Pay{Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo,
			AmountFen: t.Amount.Minor(), Pay: t.Pay}
	}
	return w
}

// AnswerOfView is the same answer from the books, for a repeated start.
func AnswerOfView(v store.View) Answer {
	w := Answer{PaymentID: v.ID, HospitalID: v.HospitalID, OrderNo: v.OrderNo, Status: v.Status,
		Method: v.Method, AmountFen: v.Amount.Minor(), PayBy: utc(v.PayBy), Reason: v.Reason}
	if t, ok := OpenTender(v); ok {
		w.Tender = &Pay{Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo,
			AmountFen: t.Amount.Minor(), Pay: t.Pay}
	}
	return w
}

// OpenTender is the newest charge that the patient can still pay.
func OpenTender(v store.View) (store.TenderView, bool) {
	if v.Status != payment.AwaitingPayment {
		return store.TenderView{}, false
	}
	for i := len(v.Tenders) - 1; i >= 0; i-- {
		if t := v.Tenders[i]; t.State == channel.Open && len(t.Pay) > 0 {
			return t, true
		}
	}
	return store.TenderView{}, false
}

// Payment is a payment for readers.
type Payment struct {
	PaymentID     string         `json:"payment_id"`
	HospitalID    string         `json:"hospital_id"`
	OrderNo       string         `json:"order_no"`
	Status        payment.Status `json:"status"`
	Method        payment.Method `json:"method"`
	Reason        string         `json:"reason,omitempty"`
	AmountFen     int64          `json:"amount_fen" doc:"In fen"`
	CapturedFen   int64          `json:"captured_fen" doc:"Money that came in, in fen"`
	RefundedFen   int64          `json:"refunded_fen" doc:"Money that was returned, in fen"`
	PayBy         time.Time      `json:"pay_by,omitzero"`
	CreatedAt     time.Time      `json:"created_at"`
	UpdatedAt     time.Time      `json:"updated_at"`
	Patient       Masked         `json:"patient"`
	Department    string         `json:"department"`
	Doctor        string         `json:"doctor"`
	SlotAt        time.Time      `json:"slot_at"`
	AppointmentID string         `json:"appointment_id,omitempty" doc:"The HIS's number, once registered"`
	Tenders       []Tender       `json:"tenders" nullable:"false" doc:"Every charge that was tried, oldest first"`
	Case          *Case          `json:"case,omitempty" doc:"The open question for staff"`
	Voucher       *Voucher       `json:"voucher,omitempty"`
}

// Masked is a patient as far as a reader needs to tell one from another.
type Masked struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// Tender is one charge.
type Tender struct {
	Attempt     int               `json:"attempt"`
	Channel     payment.Channel   `json:"channel"`
	Scene       payment.Scene     `json:"scene,omitempty"`
	MerchantNo  string            `json:"merchant_no"`
	ChannelNo   string            `json:"channel_no,omitempty"`
	State       channel.State     `json:"state"`
	AmountFen   int64             `json:"amount_fen" doc:"In fen"`
	CapturedFen int64             `json:"captured_fen" doc:"In fen"`
	RefundedFen int64             `json:"refunded_fen" doc:"Returned or on its way back, in fen"`
	Pay         map[string]string `json:"pay,omitempty" doc:"While it can be paid"`
}

// PaymentOf writes a view.
func PaymentOf(v store.View) Payment {
	p := Payment{
		PaymentID: v.ID, HospitalID: v.HospitalID, OrderNo: v.OrderNo, Status: v.Status, Method: v.Method,
		Reason: v.Reason, AmountFen: v.Amount.Minor(), CapturedFen: v.Captured.Minor(), RefundedFen: v.Refunded.Minor(),
		PayBy: utc(v.PayBy), CreatedAt: utc(v.CreatedAt), UpdatedAt: utc(v.UpdatedAt),
		Patient:    Masked{Name: v.MaskedName, Phone: v.MaskedPhone},
		Department: v.Department, Doctor: v.Doctor, SlotAt: utc(v.SlotAt), AppointmentID: v.AppointmentID,
		Tenders: make([]Tender, len(v.Tenders)),
	}
	for i, t := range v.Tenders {
		p.Tenders[i] = Tender{Attempt: t.Attempt, Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo,
			ChannelNo: t.ChannelNo, State: t.State, AmountFen: t.Amount.Minor(), CapturedFen: t.Captured.Minor(),
			RefundedFen: t.Refunded.Minor(), Pay: t.Pay}
	}
	if v.Case != nil {
		c := CaseOf(*v.Case)
		p.Case = &c
	}
	if v.Voucher != nil {
		w := VoucherOf(v)
		p.Voucher = &w
	}
	return p
}

// Page is a page of payments, newest first.
type Page struct {
	Items []Payment `json:"items" nullable:"false"`
	// Next asks for the page after it; absent on the last one.
	Next string `json:"next,omitempty" doc:"Value of cursor for the next page"`
}

// Event is a line of a payment's timeline.
type Event struct {
	At     time.Time         `json:"at"`
	Actor  string            `json:"actor"`
	Action string            `json:"action"`
	Detail map[string]string `json:"detail,omitempty"`
}

// Timeline is a payment's life, oldest first, from the audit log.
type Timeline struct {
	PaymentID string  `json:"payment_id"`
	Items     []Event `json:"items" nullable:"false"`
}

// TimelineOf writes the audit log's lines.
func TimelineOf(id string, all []store.Happening) Timeline {
	t := Timeline{PaymentID: id, Items: make([]Event, len(all))}
	for i, h := range all {
		t.Items[i] = Event{At: utc(h.At), Actor: h.Actor, Action: h.Action, Detail: h.Detail}
	}
	return t
}

// utc keeps the zero time zero, so that omitzero leaves it out. Times are told
// in microseconds, as the books keep them, so that the repeat of a start, which
// the books answer, says the same as the start.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
