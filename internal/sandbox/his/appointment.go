package his

import (
	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// booking is what the HIS takes from an Appointment that keeps all its rules.
type booking struct {
	order       identifierKey // identifier[0]: the order number
	identifiers []identifierKey
	slot        string
	status      fhir.AppointmentStatus
}

// readBooking checks an Appointment against the HIS's rules and returns what it
// books. The error is a *refusal with status 422.
func (p primitives) readBooking(a fhir.Appointment) (booking, error) {
	b := booking{identifiers: businessIdentifiers(a.Identifier), status: a.Status}
	if len(b.identifiers) == 0 || len(b.identifiers) != len(a.Identifier) {
		return b, unprocessable(fhir.IssueTypeRequired, "Appointment.identifier needs a system and a value (the order number)")
	}
	b.order = b.identifiers[0]
	if err := checkPeriod(a); err != nil {
		return b, err
	}
	if len(a.Slot) != 1 {
		return b, unprocessable(fhir.IssueTypeRequired, "Appointment.slot must name exactly one slot")
	}
	if b.slot = p.slotID(a.Slot[0]); b.slot == "" {
		return b, unprocessable(fhir.IssueTypeValue, "Appointment.slot must be Slot/id or have an identifier")
	}
	if !describes(a.Specialty) && !describes(a.ServiceType) {
		return b, unprocessable(fhir.IssueTypeRequired, "Appointment.specialty or serviceType is required")
	}
	return b, checkParticipants(a.Participant)
}

// slotID returns the slot's id from a literal or a logical reference, empty for neither.
func (p primitives) slotID(slot fhir.Reference) string {
	if slot.Reference != nil {
		return p.literalID(slot.Reference, "Slot")
	}
	if slot.Identifier != nil && slot.Identifier.Value != nil {
		return *slot.Identifier.Value
	}
	return ""
}

// checkPeriod holds app-2 and app-3 of FHIR: a booked appointment has start and end.
func checkPeriod(a fhir.Appointment) error {
	if a.Start == nil || a.End == nil {
		return unprocessable(fhir.IssueTypeRequired, "Appointment.start and end are required")
	}
	start, err := instant(*a.Start)
	if err != nil {
		return unprocessable(fhir.IssueTypeValue, "Appointment.start is not an instant with a time zone")
	}
	end, err := instant(*a.End)
	if err != nil {
		return unprocessable(fhir.IssueTypeValue, "Appointment.end is not an instant with a time zone")
	}
	if !end.After(start) {
		return unprocessable(fhir.IssueTypeInvariant, "Appointment.end must be after start")
	}
	return nil
}

// checkParticipants holds app-1 of FHIR (type or actor) and this HIS's rule that there
// is exactly one patient, known by a business identifier.
func checkParticipants(participants []fhir.AppointmentParticipant) error {
	patients := 0
	for _, participant := range participants {
		if participant.Actor == nil {
			if len(participant.Type) == 0 {
				return unprocessable(fhir.IssueTypeInvariant, "Appointment.participant needs a type or an actor")
			}
			continue
		}
		actor := *participant.Actor
		if emptyReference(actor) {
			return unprocessable(fhir.IssueTypeRequired, "Appointment.participant.actor points at nobody")
		}
		if actor.Type == nil || *actor.Type != "Patient" {
			continue
		}
		if len(identifierOf(actor)) == 0 {
			return unprocessable(fhir.IssueTypeRequired, "the patient must be known by identifier (system and value)")
		}
		patients++
	}
	if patients != 1 {
		return unprocessable(fhir.IssueTypeRequired, "Appointment.participant must have exactly one actor of type Patient")
	}
	return nil
}

// identifierOf returns the logical identifier of a reference, none when incomplete.
func identifierOf(r fhir.Reference) []identifierKey {
	if r.Identifier == nil {
		return nil
	}
	return businessIdentifiers([]fhir.Identifier{*r.Identifier})
}

// describes reports whether any concept has a text, a code or a display.
func describes(concepts []fhir.CodeableConcept) bool {
	for _, concept := range concepts {
		if concept.Text != nil {
			return true
		}
		for _, coding := range concept.Coding {
			if coding.Code != nil || coding.Display != nil {
				return true
			}
		}
	}
	return false
}
