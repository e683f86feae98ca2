package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"github.com/regpay/regpay/internal/money"
)

// The two types of resource that a registration consists of, and the one that
// says what went wrong.
const (
	typeAppointment = "Appointment"
	typeNotice      = "PaymentNotice"
	typeOutcome     = "OperationOutcome"
)

// resource is an Appointment or a PaymentNotice as the HIS keeps it. The
// models' own decoding is used for the parts alone: it takes a missing status
// for the first of its list ("active", of all), and it would lose elements
// that it does not know when the whole is sent back.
type resource struct {
	raw         map[string]json.RawMessage
	id          string
	status      string
	version     string // meta.versionId; empty where the server has none
	identifiers []r4.Identifier
	slots       []r4.Reference
	amount      money.Money // of a PaymentNotice; zero when it has none
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)

// parseResource reads one resource of the wanted type. Errors do not repeat
// content, which is a patient's.
func parseResource(body []byte, typ string) (resource, error) {
	var r resource
	if err := json.Unmarshal(body, &r.raw); err != nil {
		return resource{}, errors.New("not a JSON object")
	}
	var is string
	if err := r.part("resourceType", &is); err != nil || is != typ {
		return resource{}, fmt.Errorf("not a resource of type %s", typ)
	}
	if err := r.part("id", &r.id); err != nil || !idForm.MatchString(r.id) {
		return resource{}, errors.New("the resource has no id")
	}
	if err := r.part("status", &r.status); err != nil || r.status == "" {
		return resource{}, errors.New("the resource has no status")
	}
	var meta r4.Meta
	if err := r.part("meta", &meta); err != nil {
		return resource{}, err
	}
	if meta.VersionId != nil {
		r.version = *meta.VersionId
	}
	if err := r.part("identifier", &r.identifiers); err != nil {
		return resource{}, err
	}
	if typ == typeAppointment {
		return r, r.part("slot", &r.slots)
	}
	var amount r4.Money
	if err := r.part("amount", &amount); err != nil {
		return resource{}, err
	}
	if amount.Value != nil && amount.Currency != nil {
		var err error
		if r.amount, err = money.Parse(amount.Value.String(), money.Currency(*amount.Currency)); err != nil {
			return resource{}, errors.New("the resource's amount is not money")
		}
	}
	return r, nil
}

// part decodes one element; an absent one leaves to as it is.
func (r resource) part(name string, to any) error {
	raw, ok := r.raw[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("the resource's %s is malformed", name)
	}
	return nil
}

// is says whether the resource carries the identifier.
func (r resource) is(system, value string) bool {
	for _, i := range r.identifiers {
		if i.System != nil && i.Value != nil && *i.System == system && *i.Value == value {
			return true
		}
	}
	return false
}

// withStatus is the resource as it came, with another status.
func (r resource) withStatus(status string) ([]byte, error) {
	out := make(map[string]json.RawMessage, len(r.raw))
	for k, v := range r.raw {
		out[k] = v
	}
	var err error
	if out["status"], err = json.Marshal(status); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// parseSearch reads the result of a search for one identifier. A server that
// does not know a parameter may ignore it and return everybody's resources: a
// single match without the identifier makes the whole result worthless.
func parseSearch(body []byte, typ, system, value string) ([]resource, error) {
	var b struct {
		ResourceType string          `json:"resourceType"`
		Link         []r4.BundleLink `json:"link"`
		Entry        []struct {
			Resource json.RawMessage `json:"resource"`
			Search   struct {
				Mode string `json:"mode"`
			} `json:"search"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.ResourceType != "Bundle" {
		return nil, errors.New("not a Bundle")
	}
	for _, l := range b.Link {
		if l.Relation == "next" {
			return nil, errors.New("more matches than one order can have")
		}
	}
	var found []resource
	for _, e := range b.Entry {
		if e.Search.Mode == "outcome" || e.Search.Mode == "include" {
			continue
		}
		r, err := parseResource(e.Resource, typ)
		if err != nil {
			return nil, err
		}
		if !r.is(system, value) {
			return nil, errors.New("the server did not search by the identifier")
		}
		found = append(found, r)
	}
	return found, nil
}

// outcome is what an OperationOutcome says: the type of its first error, and
// the codes of its details.
type outcome struct {
	issue string
	codes []string
}

var codeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{1,47}$`)

// parseOutcome returns nil for anything that is no OperationOutcome with an
// issue. Its free text is left alone: it may be about the patient, and so are
// codes with digits.
func parseOutcome(body []byte) *outcome {
	if resourceType(body) != typeOutcome {
		return nil
	}
	oo, err := r4.UnmarshalOperationOutcome(body)
	if err != nil {
		return nil
	}
	for _, i := range oo.Issue {
		if i.Severity != r4.IssueSeverityError && i.Severity != r4.IssueSeverityFatal {
			continue
		}
		o := &outcome{issue: i.Code.Code()}
		if i.Details != nil {
			for _, c := range i.Details.Coding {
				if c.Code != nil && codeForm.MatchString(*c.Code) {
					o.codes = append(o.codes, strings.ReplaceAll(strings.ToLower(*c.Code), "-", "_"))
				}
			}
		}
		return o
	}
	return nil
}

// resourceType is what a body calls itself, "" for anything that is no resource.
func resourceType(body []byte) string {
	var is struct {
		ResourceType string `json:"resourceType"`
	}
	if json.Unmarshal(body, &is) != nil {
		return ""
	}
	return is.ResourceType
}

// code is the most telling one.
func (o *outcome) code() string {
	if len(o.codes) > 0 {
		return o.codes[0]
	}
	return strings.ReplaceAll(o.issue, "-", "_")
}

func (o *outcome) has(code string) bool {
	for _, c := range o.codes {
		if c == code {
			return true
		}
	}
	return false
}

// passing says whether the issue is about the server's moment or our access
// rather than about the registration.
func (o *outcome) passing() bool {
	switch o.issue {
	case "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
		"security", "login", "unknown", "expired", "forbidden":
		return true
	}
	return false
}

var locationForm = regexp.MustCompile(`(?:^|/)(Appointment|PaymentNotice)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?$`)

// locatedID is the id in a Location header, or "".
func locatedID(h http.Header, typ string) string {
	if m := locationForm.FindStringSubmatch(h.Get("Location")); m != nil && m[1] == typ {
		return m[2]
	}
	return ""
}
