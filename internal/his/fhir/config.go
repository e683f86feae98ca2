package fhir

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultIdentifierSystem = "urn:regpay:order"
	DefaultPaymentSystem    = "urn:regpay:payment"
	DefaultVoucherSystem    = "urn:regpay:voucher"
	DefaultHospitalSystem   = "urn:regpay:hospital"
	DefaultPassportSystem   = "urn:regpay:passport"
	// DefaultIDCardSystem is the object identifier of the resident identity
	// card's number in China's health information standards.
	DefaultIDCardSystem = "urn:oid:2.16.156.10011.1.3"
	DefaultSlotLength   = 15 * time.Minute
	DefaultTimeout      = 10 * time.Second
)

// Config is one hospital's FHIR server. Systems say whose numbers an
// identifier holds; they are agreed with the HIS, and changing the one of
// orders later makes every earlier registration invisible.
type Config struct {
	HospitalID string
	BaseURL    string // the service base, such as https://his.example/fhir
	Token      string // bearer token

	IdentifierSystem string // of order numbers
	PaymentSystem    string // of our payment ids
	VoucherSystem    string
	HospitalSystem   string // of HospitalID, who receives the money
	IDCardSystem     string
	PassportSystem   string
	SlotSystem       string // of slot ids; empty: identifiers without a system

	SlotLength time.Duration // from a visit's start to its end
	Timeout    time.Duration // of one request
	Transport  http.RoundTripper
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.IdentifierSystem, DefaultIdentifierSystem}, {&c.PaymentSystem, DefaultPaymentSystem}, {&c.VoucherSystem, DefaultVoucherSystem},
		{&c.HospitalSystem, DefaultHospitalSystem}, {&c.IDCardSystem, DefaultIDCardSystem}, {&c.PassportSystem, DefaultPassportSystem},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if c.SlotLength <= 0 {
		c.SlotLength = DefaultSlotLength
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return c
}

// Check lists what is wrong with the configuration, for whoever reads it at
// the start. A client made of a wrong one answers every call with a Retryable
// failure: that is not a reason to return anybody's money.
func (c Config) Check() error {
	var errs []error
	if c.HospitalID == "" {
		errs = append(errs, errors.New("no hospital id"))
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, errors.New("the base URL is absolute, http(s), and has no query"))
	}
	for _, s := range []string{c.IdentifierSystem, c.PaymentSystem, c.VoucherSystem, c.HospitalSystem, c.IDCardSystem, c.PassportSystem, c.SlotSystem} {
		// These have a meaning of their own in a search parameter.
		if strings.ContainsAny(s, `|,$\ `) {
			errs = append(errs, fmt.Errorf("the system %q is not a plain URI", s))
		}
	}
	return errors.Join(errs...)
}
