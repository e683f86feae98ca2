package his

import (
	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// paymentStatusSystem and paid: https://hl7.org/fhir/R4/valueset-payment-status.html
const (
	paymentStatusSystem = "http://terminology.hl7.org/CodeSystem/paymentstatus"
	paymentStatusPaid   = "paid"
)

// payment is what the HIS takes from a PaymentNotice that keeps all its rules.
type payment struct {
	identifiers []identifierKey
	status      fhir.FinancialResourceStatusCodes
	amountFen   int64
	subjects    []subject // where the appointment is named, the best place first
}

// subject is one way in which a notice names its appointment: by id or by identifier.
type subject struct {
	id          string
	identifiers []identifierKey
}

// readPayment checks a PaymentNotice against the HIS's rules and returns what it
// says. Whether its appointment exists is the store's question. The error is a
// *refusal with status 422.
func (p primitives) readPayment(n fhir.PaymentNotice) (payment, error) {
	pay := payment{identifiers: businessIdentifiers(n.Identifier), status: n.Status}
	if len(pay.identifiers) == 0 || len(pay.identifiers) != len(n.Identifier) {
		return pay, unprocessable(fhir.IssueTypeRequired, "PaymentNotice.identifier needs a system and a value")
	}
	if !p.validDateTime(n.Created) {
		return pay, unprocessable(fhir.IssueTypeValue, "PaymentNotice.created is not a dateTime")
	}
	if n.PaymentDate != nil && !p.validDate(*n.PaymentDate) {
		return pay, unprocessable(fhir.IssueTypeValue, "PaymentNotice.paymentDate is not a date")
	}
	if emptyReference(n.Payment) {
		return pay, unprocessable(fhir.IssueTypeRequired, "PaymentNotice.payment points at nothing")
	}
	if emptyReference(n.Recipient) {
		return pay, unprocessable(fhir.IssueTypeRequired, "PaymentNotice.recipient points at nobody")
	}
	fen, err := p.fen(n.Amount)
	if err != nil {
		return pay, unprocessable(fhir.IssueTypeValue, "PaymentNotice."+err.Error())
	}
	pay.amountFen = fen
	if !saysPaid(n.PaymentStatus) {
		return pay, unprocessable(fhir.IssueTypeCodeInvalid, "PaymentNotice.paymentStatus must be paid of "+paymentStatusSystem)
	}
	pay.subjects = p.subjects(n, pay.identifiers)
	return pay, nil
}

// subjects lists where the notice names its appointment. A request that is there
// decides alone: a wrong one is not rescued by a shared identifier.
func (p primitives) subjects(n fhir.PaymentNotice, own []identifierKey) []subject {
	read := func(r fhir.Reference) subject {
		return subject{p.literalID(r.Reference, typeAppointment), identifierOf(r)}
	}
	if n.Request != nil {
		return []subject{read(*n.Request)}
	}
	return []subject{read(n.Payment), {identifiers: own}}
}

func saysPaid(status *fhir.CodeableConcept) bool {
	if status == nil {
		return false
	}
	for _, coding := range status.Coding {
		if coding.System != nil && *coding.System == paymentStatusSystem &&
			coding.Code != nil && *coding.Code == paymentStatusPaid {
			return true
		}
	}
	return false
}
