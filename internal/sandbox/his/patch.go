package his

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

const patchMediaType = "application/json-patch+json"

// patchOperation is one step of a JSON Patch (RFC 6902).
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patcher returns the edit that a JSON Patch asks for. This HIS patches only what ends a
// resource or explains it: status, comment and cancelationReason. The patch holds
// altogether or not at all; what it leaves is checked like any update.
func patcher(body []byte) (func(current []byte) ([]byte, error), error) {
	operations, err := parsePatch(body)
	if err != nil {
		return nil, err
	}
	return func(current []byte) ([]byte, error) {
		resource, err := decodeStrict(current)
		if err != nil {
			return nil, err
		}
		for _, operation := range operations {
			if err := operation.apply(resource); err != nil {
				return nil, err
			}
		}
		return json.Marshal(resource)
	}, nil
}

func parsePatch(body []byte) ([]patchOperation, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var operations []patchOperation
	if err := dec.Decode(&operations); err != nil || len(operations) == 0 {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeStructure, "the body is not a JSON Patch")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeStructure, "the body has something after the JSON Patch")
	}
	return operations, nil
}

func (o patchOperation) apply(resource map[string]any) error {
	switch o.Path {
	case "/status", "/comment", "/cancelationReason":
	default:
		return unprocessable(fhir.IssueTypeNotSupported, "only /status, /comment and /cancelationReason can be patched")
	}
	element := o.Path[1:]
	old, present := resource[element]
	switch {
	case o.Op == "add", o.Op == "replace" && present:
		resource[element] = o.Value
	case o.Op == "remove" && present && element != "status":
		delete(resource, element)
	case o.Op == "test" && present && reflect.DeepEqual(old, o.Value):
	case o.Op == "test":
		return unprocessable(fhir.IssueTypeConflict, "the patch's test does not hold")
	default:
		return unprocessable(fhir.IssueTypeNotSupported, "a patch operation cannot be applied")
	}
	return nil
}
