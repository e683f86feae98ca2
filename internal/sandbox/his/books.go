package his

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// AppointmentEntry is an Appointment as an outsider reads it in the books.
type AppointmentEntry struct {
	Hospital string `json:"hospital"`
	// ID is the resource's id, OrderNo the value of its first identifier.
	ID      string `json:"id"`
	OrderNo string `json:"order_no"`
	Slot    string `json:"slot"`
	Status  string `json:"status"`
	// AmountFen is the sum of its active payment notices, in fen.
	AmountFen int64     `json:"amount_fen"`
	CreatedAt time.Time `json:"created_at"` // UTC
}

// PaymentNoticeEntry is a PaymentNotice as an outsider reads it in the books.
type PaymentNoticeEntry struct {
	Hospital string `json:"hospital"`
	ID       string `json:"id"`
	// NoticeNo is the value of its first identifier, OrderNo its appointment's.
	NoticeNo    string    `json:"notice_no"`
	OrderNo     string    `json:"order_no"`
	Appointment string    `json:"appointment_id"`
	Status      string    `json:"status"`
	AmountFen   int64     `json:"amount_fen"`
	CreatedAt   time.Time `json:"created_at"` // UTC
}

// Books is everything the HIS has recorded, in order of creation. Lists are never null.
type Books struct {
	Appointments   []AppointmentEntry   `json:"appointments"`
	PaymentNotices []PaymentNoticeEntry `json:"payment_notices"`
}

func (s *store) books() Books {
	s.mu.Lock()
	defer s.mu.Unlock()
	books := Books{Appointments: []AppointmentEntry{}, PaymentNotices: []PaymentNoticeEntry{}}
	paid := map[*record]int64{}
	for _, r := range s.order {
		if r.kind != typePaymentNotice {
			continue
		}
		if r.payment.status == fhir.FinancialResourceStatusCodesActive {
			paid[r.subject] += r.payment.amountFen
		}
		books.PaymentNotices = append(books.PaymentNotices, PaymentNoticeEntry{
			Hospital: r.hospital, ID: r.id, NoticeNo: r.payment.identifiers[0].value,
			OrderNo: r.subject.booking.order.value, Appointment: r.subject.id,
			Status: r.payment.status.Code(), AmountFen: r.payment.amountFen, CreatedAt: r.created,
		})
	}
	for _, r := range s.order {
		if r.kind == typeAppointment {
			books.Appointments = append(books.Appointments, AppointmentEntry{
				Hospital: r.hospital, ID: r.id, OrderNo: r.booking.order.value, Slot: r.booking.slot,
				Status: r.booking.status.Code(), AmountFen: paid[r], CreatedAt: r.created,
			})
		}
	}
	return books
}
