package his

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// tokenQuery is a search by identifier (https://hl7.org/fhir/R4/search.html#token):
// "system|value", "|value" (no system), "system|" (any value), "value" (any system).
type tokenQuery struct {
	system, value       string
	anySystem, anyValue bool
}

func (q tokenQuery) matches(identifiers []identifierKey) bool {
	for _, key := range identifiers {
		if (q.anySystem || key.system == q.system) && (q.anyValue || key.value == q.value) {
			return true
		}
	}
	return false
}

// exact returns the one identifier that the query can match, if there is just one.
func (q tokenQuery) exact() (identifierKey, bool) {
	return identifierKey{q.system, q.value}, !q.anySystem && !q.anyValue
}

// parseQuery reads the parameters of a search or of If-None-Exist. It returns nil for no
// restriction. A parameter that this HIS does not know is refused rather than ignored:
// ignoring one would widen the search, and a conditional create would then match
// somebody else's resource.
func parseQuery(raw string) (*tokenQuery, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeInvalid, "the search parameters are not a query string")
	}
	for name := range values {
		if name != "identifier" && name != "_format" && name != "_pretty" {
			return nil, refuse(http.StatusBadRequest, fhir.IssueTypeNotSupported, "only the search parameter identifier is supported")
		}
	}
	given := values["identifier"]
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > 1 || given[0] == "" || given[0] == "|" || strings.Contains(given[0], ",") {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeInvalid, "identifier must be given once, as system|value")
	}
	system, value, piped := strings.Cut(given[0], "|")
	if !piped {
		return &tokenQuery{value: given[0], anySystem: true}, nil
	}
	return &tokenQuery{system: system, value: value, anyValue: value == ""}, nil
}

// parseIfNoneExist reads the header of a conditional create; nil when it is absent. A
// header that restricts nothing is refused: it would match any resource at all.
func parseIfNoneExist(header http.Header) (*tokenQuery, error) {
	raw := header.Values("If-None-Exist")
	if len(raw) == 0 {
		return nil, nil
	}
	if len(raw) > 1 {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeInvalid, "If-None-Exist is given twice")
	}
	query, err := parseQuery(strings.TrimPrefix(strings.TrimSpace(raw[0]), "?"))
	if err != nil {
		return nil, err
	}
	if query == nil {
		return nil, refuse(http.StatusBadRequest, fhir.IssueTypeInvalid, "If-None-Exist must be identifier=system|value")
	}
	return query, nil
}
