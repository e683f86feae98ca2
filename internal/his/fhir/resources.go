package fhir

import (
	"encoding/json"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// paymentStatuses is HL7's code system for PaymentNotice.paymentStatus.
const paymentStatuses = "http://terminology.hl7.org/CodeSystem/paymentstatus"

// china is the zone in which a hospital's day begins.
func china() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// appointment is the registration as a booked visit. The patient goes by the
// number of the identity document; slot and practitioner go by what the
// booking backend knows of them, since it does not have the HIS's own ids.
func (c *Client) appointment(r his.Registration) r4.Appointment {
	start := r.Slot.StartsAt.In(china())
	idSystem := c.cfg.IDCardSystem
	if r.Patient.IDType == payment.Passport {
		idSystem = c.cfg.PassportSystem
	}
	slot := r4.Reference{Type: new("Slot"), Identifier: &r4.Identifier{Value: new(r.Slot.ID)}}
	if c.cfg.SlotSystem != "" {
		slot.Identifier.System = new(c.cfg.SlotSystem)
	}
	patient := r4.Reference{Type: new("Patient"), Identifier: identifier(idSystem, r.Patient.IDNumber)}
	if r.Patient.Name != "" {
		patient.Display = new(r.Patient.Name)
	}
	return r4.Appointment{
		Identifier:  []r4.Identifier{*identifier(c.cfg.IdentifierSystem, r.OrderNo)},
		Status:      r4.AppointmentStatusBooked,
		ServiceType: []r4.CodeableConcept{{Text: new(r.Slot.Department)}},
		Start:       new(start.Format(time.RFC3339)),
		End:         new(start.Add(c.cfg.SlotLength).Format(time.RFC3339)),
		Slot:        []r4.Reference{slot},
		Participant: []r4.AppointmentParticipant{
			{Actor: &patient, Status: r4.ParticipationStatusAccepted},
			{Actor: &r4.Reference{Type: new("Practitioner"), Display: new(r.Slot.Doctor)}, Status: r4.ParticipationStatusAccepted},
		},
	}
}

// notice tells that the visit is paid: how much, by which payment of ours, to
// whom. The amount is a JSON number made from decimal digits.
func (c *Client) notice(r his.Registration, appointmentID string) r4.PaymentNotice {
	at := r.PaidAt.In(china())
	n := r4.PaymentNotice{
		Identifier:  []r4.Identifier{*identifier(c.cfg.IdentifierSystem, r.OrderNo)},
		Status:      r4.FinancialResourceStatusCodesActive,
		Request:     &r4.Reference{Reference: new("Appointment/" + appointmentID)},
		Created:     at.Format(time.RFC3339),
		Payment:     r4.Reference{Identifier: identifier(c.cfg.PaymentSystem, r.PaymentID)},
		PaymentDate: new(at.Format(time.DateOnly)),
		Recipient:   r4.Reference{Identifier: identifier(c.cfg.HospitalSystem, r.HospitalID)},
		Amount:      r4.Money{Value: new(json.Number(r.Amount.Yuan())), Currency: new(string(r.Amount.Currency()))},
		PaymentStatus: &r4.CodeableConcept{
			Coding: []r4.Coding{{System: new(paymentStatuses), Code: new("paid")}},
		},
	}
	if r.Voucher != "" {
		n.Identifier = append(n.Identifier, *identifier(c.cfg.VoucherSystem, r.Voucher))
	}
	return n
}

func identifier(system, value string) *r4.Identifier {
	return &r4.Identifier{System: new(system), Value: new(value)}
}
