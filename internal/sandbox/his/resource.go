package his

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// The two resource types of this system, as they stand in resourceType and in paths.
const (
	typeAppointment   = "Appointment"
	typePaymentNotice = "PaymentNotice"
)

// parseAppointment reads an Appointment strictly; a *structureError says where and
// why it is not one. Business rules are checked elsewhere.
func parseAppointment(body []byte) (fhir.Appointment, error) {
	return parseResource[fhir.Appointment](body, typeAppointment)
}

// parsePaymentNotice reads a PaymentNotice strictly, like [parseAppointment].
func parsePaymentNotice(body []byte) (fhir.PaymentNotice, error) {
	return parseResource[fhir.PaymentNotice](body, typePaymentNotice)
}

// parseResource accepts a body only when the typed resource, written again, is the
// same JSON value. That one comparison finds what encoding/json lets pass: elements it
// does not know, a name in the wrong case, a number sent as a string, and a required
// element left out (the model's zero value for a missing status is a valid code).
func parseResource[R any](body []byte, resourceType string) (R, error) {
	var resource, none R
	sent, err := decodeStrict(body)
	if err != nil {
		return none, err
	}
	if sent["resourceType"] != resourceType {
		return none, &structureError{"$.resourceType", "is not " + resourceType}
	}
	if err := json.Unmarshal(body, &resource); err != nil {
		return none, typedError(err)
	}
	written, err := json.Marshal(resource)
	if err != nil {
		return none, fmt.Errorf("write the resource again: %w", err)
	}
	understood, err := decodeTree(written)
	if err != nil {
		return none, fmt.Errorf("read the resource again: %w", err)
	}
	if where, rule := difference(resourceType, sent, understood); where != "" {
		return none, &structureError{where, rule}
	}
	return resource, nil
}

// typedError names the place where the model refused a value, without the value.
func typedError(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return &structureError{wrongType.Field, "is not of type " + wrongType.Type.String()}
	}
	return &structureError{"$", "has a code or value outside its value set"}
}

func decodeTree(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tree any
	err := dec.Decode(&tree)
	return tree, err
}
