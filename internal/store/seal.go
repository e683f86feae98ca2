package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Labels of blind indexes. They are part of what is stored: never change one.
const (
	indexRequest = "request"
	indexPatient = "patient"
	indexPhone   = "phone"
	indexCode    = "sms-code"
)

// RequestIndex is the blind index of a payment.Request's Digest as View has it.
// The digest itself is not kept: someone who knows the order could find the
// patient's number by trying.
func (s *Store) RequestIndex(digest string) string { return s.keys.Index(indexRequest, digest) }

// patientIndex finds a patient's payments at one hospital by the number of the
// identity document.
func (s *Store) patientIndex(hospital, idNumber string) string {
	return s.keys.Index(indexPatient, hospital+"\x00"+strings.ToUpper(strings.TrimSpace(idNumber)))
}

// sealJSON seals a value for one place, such as "charge pay_…/1".
func (s *Store) sealJSON(v any, place ...string) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place[0], err)
	}
	return s.keys.Seal(b, aad(place))
}

// openJSON opens what sealJSON sealed for the same place.
func (s *Store) openJSON(sealed []byte, v any, place ...string) error {
	b, err := s.keys.Open(sealed, aad(place))
	if err != nil {
		return fmt.Errorf("the sealed %s: %w", place[0], err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		// The error is dropped: it may quote the content.
		return fmt.Errorf("the sealed %s cannot be read", place[0])
	}
	return nil
}

func aad(place []string) []byte { return []byte("regpay books\x00" + strings.Join(place, "\x00")) }

func number(n int) string    { return strconv.Itoa(n) }
func fenText(n int64) string { return strconv.FormatInt(n, 10) }
