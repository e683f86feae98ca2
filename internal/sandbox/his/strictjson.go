package his

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"
)

// maxDepth bounds nesting: no resource of this system comes near it, and a
// recursive reader must not be led deeper by a sender.
const maxDepth = 32

// structureError is a body that is not a well-formed FHIR resource. It names the
// place and the rule, never the value, which may be a person's.
type structureError struct{ path, rule string }

func (e *structureError) Error() string { return e.path + ": " + e.rule }

// decodeStrict reads exactly one JSON object under FHIR's own JSON rules
// (https://hl7.org/fhir/R4/json.html): UTF-8, no property twice, nothing null and
// nothing empty. Numbers stay text (json.Number), because 30.00 is not 30 in FHIR.
func decodeStrict(body []byte) (map[string]any, error) {
	if !utf8.Valid(body) {
		return nil, &structureError{"$", "is not UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	value, err := readValue(dec, "$", 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &structureError{"$", "has something after the resource"}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, &structureError{"$", "is not a JSON object"}
	}
	return object, nil
}

func readValue(dec *json.Decoder, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &structureError{path, "is nested too deeply"}
	}
	token, err := dec.Token()
	if err != nil {
		return nil, &structureError{path, "is not JSON"}
	}
	switch t := token.(type) {
	case nil:
		return nil, &structureError{path, "is null"}
	case string:
		if t == "" {
			return nil, &structureError{path, "is an empty string"}
		}
		return t, nil
	case json.Delim:
		if t == '{' {
			return readObject(dec, path, depth)
		}
		return readArray(dec, path, depth)
	default:
		return t, nil
	}
}

func readObject(dec *json.Decoder, path string, depth int) (any, error) {
	object := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, &structureError{path, "is not JSON"}
		}
		key, ok := token.(string)
		if !ok {
			return nil, &structureError{path, "is not JSON"}
		}
		at := path + "." + shownKey(key)
		if _, twice := object[key]; twice {
			return nil, &structureError{at, "appears twice"}
		}
		value, err := readValue(dec, at, depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, &structureError{path, "is not JSON"}
	}
	if len(object) == 0 {
		return nil, &structureError{path, "is an empty object"}
	}
	return object, nil
}

func readArray(dec *json.Decoder, path string, depth int) (any, error) {
	var array []any
	for dec.More() {
		value, err := readValue(dec, fmt.Sprintf("%s[%d]", path, len(array)), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	if _, err := dec.Token(); err != nil {
		return nil, &structureError{path, "is not JSON"}
	}
	if len(array) == 0 {
		return nil, &structureError{path, "is an empty array"}
	}
	return array, nil
}

// shownKey keeps a hostile property name from filling an answer or a log.
func shownKey(key string) string {
	const limit = 64
	if len(key) <= limit {
		return key
	}
	return key[:limit] + "…"
}

// difference returns the path of the first place where sent and understood differ,
// and what is wrong there; an empty path when they are the same value.
func difference(path string, sent, understood any) (where, rule string) {
	switch s := sent.(type) {
	case map[string]any:
		u, ok := understood.(map[string]any)
		if !ok {
			return path, "has the wrong type"
		}
		for _, key := range slices.Sorted(maps.Keys(s)) {
			value, known := u[key]
			if !known {
				return path + "." + shownKey(key), "is not an element of this resource"
			}
			if where, rule := difference(path+"."+key, s[key], value); where != "" {
				return where, rule
			}
		}
		for _, key := range slices.Sorted(maps.Keys(u)) {
			if _, given := s[key]; !given {
				return path + "." + key, "is required"
			}
		}
		return "", ""
	case []any:
		u, ok := understood.([]any)
		if !ok || len(u) != len(s) {
			return path, "has the wrong type"
		}
		for i := range s {
			if where, rule := difference(fmt.Sprintf("%s[%d]", path, i), s[i], u[i]); where != "" {
				return where, rule
			}
		}
		return "", ""
	default:
		if sent != understood {
			return path, "has the wrong type or form"
		}
		return "", ""
	}
}
