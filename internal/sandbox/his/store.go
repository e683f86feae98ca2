package his

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// place is where a resource is looked for: one hospital's resources of one type.
type place struct{ hospital, kind string }

type slotKey struct{ hospital, slot string }

// holding says which order has a slot, and with how many active appointments: a
// sender that does not create conditionally can make several.
type holding struct {
	order identifierKey
	count int
}

// store holds every hospital's resources. One lock covers the search and the creation
// of a conditional create, which is what makes it atomic.
type store struct {
	now   func() time.Time
	rules primitives

	mu      sync.Mutex
	records map[place]map[string]*record
	order   []*record // in order of creation, for books and searches
	index   map[place]map[identifierKey][]*record
	slots   map[slotKey]holding
	gone    map[string]bool  // slots withdrawn at every hospital
	lost    map[slotKey]bool // slots withdrawn at one hospital
}

func newStore(now func() time.Time) *store {
	return &store{
		now: now, rules: newPrimitives(),
		records: map[place]map[string]*record{}, index: map[place]map[identifierKey][]*record{},
		slots: map[slotKey]holding{}, gone: map[string]bool{}, lost: map[slotKey]bool{},
	}
}

// setGone withdraws a slot at every hospital, or offers it again.
func (s *store) setGone(slot string, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gone {
		s.gone[slot] = true
		return
	}
	delete(s.gone, slot)
	for key := range s.lost {
		if key.slot == slot {
			delete(s.lost, key)
		}
	}
}

// createAppointment stores an appointment and books its slot, unless unless matches:
// then the matching resource is returned and created is false. lose is asked once,
// when a free slot is about to be booked, whether the slot was lost meanwhile; a lost
// slot stays lost, so that a repeat gets the same answer.
func (s *store) createAppointment(hospital string, unless *tokenQuery, a fhir.Appointment, lose func() bool) (got stored, created bool, err error) {
	b, err := s.rules.readBooking(a)
	if err == nil && b.status != fhir.AppointmentStatusBooked {
		err = unprocessable(fhir.IssueTypeBusinessRule, "a new Appointment must have the status booked")
	}
	if err != nil {
		return stored{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := place{hospital, typeAppointment}
	if existing, err := s.existing(at, unless); existing != nil || err != nil {
		return existing.orNothing(), false, err
	}
	key := slotKey{hospital, b.slot}
	held, taken := s.slots[key]
	if s.gone[b.slot] || s.lost[key] || taken && held.order != b.order {
		return stored{}, false, slotGone()
	}
	if !taken && lose() {
		s.lost[key] = true
		return stored{}, false, slotGone()
	}
	r := s.add(at, b.identifiers)
	r.booking = b
	s.slots[key] = holding{b.order, held.count + 1}
	err = r.rewriteAppointment(a)
	return r.snapshot(), true, err
}

// createNotice stores a payment notice of an active appointment of the same hospital,
// unless unless matches, as in createAppointment.
func (s *store) createNotice(hospital string, unless *tokenQuery, n fhir.PaymentNotice) (got stored, created bool, err error) {
	pay, err := s.rules.readPayment(n)
	if err == nil && pay.status != fhir.FinancialResourceStatusCodesActive {
		err = unprocessable(fhir.IssueTypeBusinessRule, "a new PaymentNotice must have the status active")
	}
	if err != nil {
		return stored{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := place{hospital, typePaymentNotice}
	if existing, err := s.existing(at, unless); existing != nil || err != nil {
		return existing.orNothing(), false, err
	}
	appointment, err := s.appointmentOf(hospital, pay)
	if err != nil {
		return stored{}, false, err
	}
	if appointment.booking.status != fhir.AppointmentStatusBooked {
		return stored{}, false, unprocessable(fhir.IssueTypeBusinessRule, "the appointment of this PaymentNotice is no longer booked")
	}
	r := s.add(at, pay.identifiers)
	r.payment, r.subject = pay, appointment
	err = r.rewriteNotice(n)
	return r.snapshot(), true, err
}

// existing answers the condition of a conditional create: nil for none, the one
// match, or a refusal with 412 for several.
func (s *store) existing(at place, unless *tokenQuery) (*record, error) {
	if unless == nil {
		return nil, nil
	}
	found := s.find(at, unless)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, refuse(http.StatusPreconditionFailed, fhir.IssueTypeMultipleMatches, "If-None-Exist matches several resources")
	}
}

// find returns the resources that match, in order of creation; every one for nil.
func (s *store) find(at place, query *tokenQuery) []*record {
	if query != nil {
		if key, exact := query.exact(); exact {
			return s.index[at][key]
		}
	}
	var found []*record
	for _, r := range s.order {
		if r.hospital == at.hospital && r.kind == at.kind && (query == nil || query.matches(r.identifiers)) {
			found = append(found, r)
		}
	}
	return found
}

// appointmentOf finds the appointment that a notice names, newest active one first
// when an identifier fits several.
func (s *store) appointmentOf(hospital string, pay payment) (*record, error) {
	at := place{hospital, typeAppointment}
	for _, subject := range pay.subjects {
		if r, ok := s.records[at][subject.id]; ok {
			return r, nil
		}
		var fits *record
		for _, key := range subject.identifiers {
			for _, r := range s.index[at][key] {
				if fits == nil || r.booking.status == fhir.AppointmentStatusBooked {
					fits = r
				}
			}
		}
		if fits != nil {
			return fits, nil
		}
	}
	return nil, unprocessable(fhir.IssueTypeNotFound, "PaymentNotice.request is not an Appointment of this hospital")
}

// add makes an empty record with a new id and indexes it.
func (s *store) add(at place, identifiers []identifierKey) *record {
	now := s.now().UTC()
	r := &record{
		hospital: at.hospital, kind: at.kind, id: strconv.Itoa(1_000_001 + len(s.order)),
		created: now, updated: now, version: 1, identifiers: identifiers,
	}
	if s.records[at] == nil {
		s.records[at] = map[string]*record{}
		s.index[at] = map[identifierKey][]*record{}
	}
	s.records[at][r.id] = r
	s.order = append(s.order, r)
	seen := map[identifierKey]bool{}
	for _, key := range identifiers {
		if !seen[key] {
			seen[key] = true
			s.index[at][key] = append(s.index[at][key], r)
		}
	}
	return r
}

// read returns one resource of a hospital; another hospital's is not there.
func (s *store) read(at place, id string) (stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[at][id]
	return r.orNothing(), ok
}

// search returns the resources that match, in order of creation; every one for nil.
func (s *store) search(at place, query *tokenQuery) []stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []stored
	for _, r := range s.find(at, query) {
		found = append(found, r.snapshot())
	}
	return found
}
