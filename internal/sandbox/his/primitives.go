package his

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
	"github.com/shopspring/decimal"
)

// primitives holds the patterns of FHIR's primitive types that this system checks
// (https://hl7.org/fhir/R4/datatypes.html#primitive), compiled once for each server.
type primitives struct {
	id, date, dateTime, amount *regexp.Regexp
}

func newPrimitives() primitives {
	return primitives{
		id:       regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`),
		date:     regexp.MustCompile(`^\d{4}(-\d{2}(-\d{2})?)?$`),
		dateTime: regexp.MustCompile(`^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?$`),
		// Yuan with at most two decimals and no exponent: one fen is the smallest unit, and
		// an exponent would let a few bytes name a number of a million digits.
		amount: regexp.MustCompile(`^(0|[1-9]\d{0,9})(\.\d{1,2})?$`),
	}
}

// fen returns an amount in fen. It is an error when the currency is not CNY, when the
// value is not a positive decimal of at most two places, or is missing.
func (p primitives) fen(amount fhir.Money) (int64, error) {
	if amount.Currency == nil || *amount.Currency != "CNY" {
		return 0, fmt.Errorf("amount.currency must be CNY")
	}
	if amount.Value == nil || !p.amount.MatchString(amount.Value.String()) {
		return 0, fmt.Errorf("amount.value must be a decimal number of yuan with at most two places")
	}
	yuan, err := decimal.NewFromString(amount.Value.String())
	if err != nil {
		return 0, fmt.Errorf("amount.value is not a decimal number")
	}
	if !yuan.IsPositive() {
		return 0, fmt.Errorf("amount.value must be above zero")
	}
	return yuan.Shift(2).IntPart(), nil
}

// instant reads FHIR's instant: a moment to the second at least, with a time zone.
func instant(text string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, text)
}

// validDate reports whether text is a FHIR date that exists in the calendar.
func (p primitives) validDate(text string) bool {
	return p.date.MatchString(text) && existsInCalendar(text)
}

// validDateTime reports whether text is a FHIR dateTime that exists in the calendar.
func (p primitives) validDateTime(text string) bool {
	if !p.dateTime.MatchString(text) {
		return false
	}
	if strings.Contains(text, "T") {
		_, err := instant(text)
		return err == nil
	}
	return existsInCalendar(text)
}

func existsInCalendar(text string) bool {
	layout := "2006-01-02"[:len(text)]
	_, err := time.Parse(layout, text)
	return err == nil
}

// identifierKey is a business identifier as a map key.
type identifierKey struct{ system, value string }

// businessIdentifiers returns the complete identifiers (system and value) of a resource.
func businessIdentifiers(identifiers []fhir.Identifier) []identifierKey {
	var keys []identifierKey
	for _, identifier := range identifiers {
		if identifier.System != nil && identifier.Value != nil {
			keys = append(keys, identifierKey{*identifier.System, *identifier.Value})
		}
	}
	return keys
}

// literalID returns the id in a literal reference to resourceType: relative
// ("Slot/12"), versioned, or absolute. It is empty for anything else.
func (p primitives) literalID(reference *string, resourceType string) string {
	if reference == nil {
		return ""
	}
	path := *reference
	if i := strings.Index(path, "/_history/"); i >= 0 {
		path = path[:i]
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[len(parts)-2] != resourceType || !p.id.MatchString(parts[len(parts)-1]) {
		return ""
	}
	return parts[len(parts)-1]
}

// emptyReference reports whether a reference points at nothing at all.
func emptyReference(r fhir.Reference) bool {
	return r.Reference == nil && r.Identifier == nil && r.Display == nil
}
