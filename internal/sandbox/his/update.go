package his

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// change replaces a stored resource by what edit makes of it. edit gets the body that
// is in force and returns the new one, inside the lock, so that a patch applies to what
// it read. ifMatch is the version in If-Match, empty for any.
func (s *store) change(at place, id, ifMatch string, edit func(current []byte) ([]byte, error)) (stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[at][id]
	if !ok {
		return stored{}, notFound(at.kind)
	}
	if ifMatch != "" && ifMatch != strconv.Itoa(r.version) {
		return stored{}, refuse(http.StatusPreconditionFailed, fhir.IssueTypeConflict, "If-Match names another version")
	}
	body, err := edit(r.body)
	if err != nil {
		return stored{}, err
	}
	if at.kind == typeAppointment {
		err = s.changeAppointment(r, body)
	} else {
		err = s.changeNotice(r, body)
	}
	return r.snapshot(), err
}

func (s *store) changeAppointment(r *record, body []byte) error {
	a, err := parseAppointment(body)
	if err != nil {
		return err
	}
	if err := sameID(a.Id, r.id); err != nil {
		return err
	}
	b, err := s.rules.readBooking(a)
	if err != nil {
		return err
	}
	was := r.booking
	if !slices.Equal(b.identifiers, was.identifiers) || b.slot != was.slot {
		return unprocessable(fhir.IssueTypeBusinessRule, "identifier and slot of an Appointment cannot be changed")
	}
	active := was.status == fhir.AppointmentStatusBooked
	if b.status != was.status {
		if !active || b.status != fhir.AppointmentStatusCancelled && b.status != fhir.AppointmentStatusEnteredInError {
			return unprocessable(fhir.IssueTypeBusinessRule, fmt.Sprintf("an Appointment that is %s cannot become %s", was.status, b.status))
		}
		s.release(slotKey{r.hospital, was.slot})
	}
	r.booking = b
	s.touch(r)
	return r.rewriteAppointment(a)
}

func (s *store) changeNotice(r *record, body []byte) error {
	n, err := parsePaymentNotice(body)
	if err != nil {
		return err
	}
	if err := sameID(n.Id, r.id); err != nil {
		return err
	}
	pay, err := s.rules.readPayment(n)
	if err != nil {
		return err
	}
	was := r.payment
	appointment, err := s.appointmentOf(r.hospital, pay)
	if err != nil {
		return err
	}
	if !slices.Equal(pay.identifiers, was.identifiers) || pay.amountFen != was.amountFen ||
		appointment.booking.order != r.subject.booking.order {
		return unprocessable(fhir.IssueTypeBusinessRule, "identifier, amount and request of a PaymentNotice cannot be changed")
	}
	if pay.status != was.status && (was.status != fhir.FinancialResourceStatusCodesActive || pay.status == fhir.FinancialResourceStatusCodesDraft) {
		return unprocessable(fhir.IssueTypeBusinessRule, fmt.Sprintf("a PaymentNotice that is %s cannot become %s", was.status, pay.status))
	}
	r.payment = pay
	s.touch(r)
	return r.rewriteNotice(n)
}

// touch makes a new version.
func (s *store) touch(r *record) {
	r.version++
	r.updated = s.now().UTC()
}

// release gives a slot back when the last active appointment on it has ended.
func (s *store) release(key slotKey) {
	held := s.slots[key]
	if held.count--; held.count > 0 {
		s.slots[key] = held
		return
	}
	delete(s.slots, key)
}

// sameID holds FHIR's rule for an update: the id in the body is the one in the path.
func sameID(sent *string, id string) error {
	if sent == nil || *sent != id {
		return refuse(http.StatusBadRequest, fhir.IssueTypeInvariant, "the resource's id must be the one in the path")
	}
	return nil
}

func notFound(kind string) *refusal {
	return refuse(http.StatusNotFound, fhir.IssueTypeNotFound, "no such "+kind)
}
