package his

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// record is one stored resource with what the HIS took from it.
type record struct {
	hospital, kind, id string
	version            int
	created, updated   time.Time
	body               []byte // the resource as it is answered; replaced, never changed
	identifiers        []identifierKey

	booking booking // of an Appointment
	payment payment // of a PaymentNotice
	subject *record // the Appointment that a PaymentNotice is for
}

// stored is a copy of what an answer needs, so that answers are written outside the lock.
type stored struct {
	kind, id string
	version  int
	updated  time.Time
	body     []byte
}

func (r *record) snapshot() stored { return stored{r.kind, r.id, r.version, r.updated, r.body} }

// orNothing is the snapshot of a record that may be absent.
func (r *record) orNothing() stored {
	if r == nil {
		return stored{}
	}
	return r.snapshot()
}

// rewriteAppointment writes the resource with the server's id, version and time.
func (r *record) rewriteAppointment(a fhir.Appointment) error {
	a.Id, a.Meta = &r.id, r.meta(a.Meta)
	return r.write(a)
}

// rewriteNotice is rewriteAppointment for a PaymentNotice.
func (r *record) rewriteNotice(n fhir.PaymentNotice) error {
	n.Id, n.Meta = &r.id, r.meta(n.Meta)
	return r.write(n)
}

func (r *record) write(resource any) error {
	body, err := json.Marshal(resource)
	if err != nil {
		return fmt.Errorf("write %s: %w", r.kind, err)
	}
	r.body = body
	return nil
}

// meta keeps what the sender said of profiles and tags, and sets what is the server's.
func (r *record) meta(sent *fhir.Meta) *fhir.Meta {
	var meta fhir.Meta
	if sent != nil {
		meta = *sent
	}
	version, updated := strconv.Itoa(r.version), r.updated.Format("2006-01-02T15:04:05.000Z07:00")
	meta.VersionId, meta.LastUpdated = &version, &updated
	return &meta
}
