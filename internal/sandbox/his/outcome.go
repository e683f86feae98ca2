package his

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

const (
	// IssueSystem is the code system of this HIS's own refusal codes, in
	// OperationOutcome.issue.details.coding.
	IssueSystem = "urn:regpay:sandbox:his:issue"
	// CodeSlotGone says that the slot belongs to another order or is no longer
	// offered. It comes with HTTP 409 and issue code "conflict", and is final.
	CodeSlotGone = "slot-gone"

	fhirMediaType = "application/fhir+json"
)

// refusal is an answer that is not the one asked for: an HTTP status and one issue.
// Its text says which element and which rule, never a value of the resource.
type refusal struct {
	status  int
	issue   fhir.IssueType
	code    string // of IssueSystem; may be empty
	message string
}

func (r *refusal) Error() string { return r.message }

// refuse makes a refusal without a code of the HIS's own.
func refuse(status int, issue fhir.IssueType, message string) *refusal {
	return &refusal{status: status, issue: issue, message: message}
}

func slotGone() *refusal {
	return &refusal{http.StatusConflict, fhir.IssueTypeConflict, CodeSlotGone, "the slot is no longer available"}
}

func unprocessable(issue fhir.IssueType, message string) *refusal {
	return refuse(http.StatusUnprocessableEntity, issue, message)
}

// asRefusal turns any error of this package into the refusal that the sender gets.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var s *structureError
	if errors.As(err, &s) {
		return refuse(http.StatusBadRequest, fhir.IssueTypeStructure, s.Error())
	}
	return refuse(http.StatusInternalServerError, fhir.IssueTypeException, "internal error")
}

// write sends the refusal as an OperationOutcome.
func (r *refusal) write(w http.ResponseWriter) {
	details := &fhir.CodeableConcept{Text: &r.message}
	if r.code != "" {
		system := IssueSystem
		details.Coding = []fhir.Coding{{System: &system, Code: &r.code}}
	}
	outcome := fhir.OperationOutcome{Issue: []fhir.OperationOutcomeIssue{{
		Severity: fhir.IssueSeverityError, Code: r.issue, Details: details, Diagnostics: &r.message,
	}}}
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="his"`)
	}
	writeResource(w, r.status, outcome)
}

func writeResource(w http.ResponseWriter, status int, resource any) {
	body, err := json.Marshal(resource)
	if err != nil {
		// Only a resource that this package composed wrongly can fail here.
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", fhirMediaType+"; charset=utf-8")
	w.WriteHeader(status)
	// A failed write means that the sender has gone; there is nobody to tell.
	_, _ = w.Write(body)
}
