package unionpay

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxForm is the largest request body that is read, in bytes. A transaction
// with every field of the interface filled stays under 20 KiB.
const maxForm = 64 << 10

// Form is one ACP message: fields by name, each at most once. A field with an
// empty value is kept by [ParseForm] but means the same as an absent one: it
// is left out of the string to sign and of what [Form.Encode] writes.
type Form map[string]string

// ParseForm reads an application/x-www-form-urlencoded body. It refuses what
// could be read in two ways: a repeated field, an empty name, a bad percent
// escape, bytes that are not UTF-8. Names are those of the interface: letters
// and digits.
func ParseForm(body []byte) (Form, error) {
	if len(body) > maxForm {
		return nil, fmt.Errorf("reading form: %d bytes, at most %d", len(body), maxForm)
	}
	form := Form{}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, found := strings.Cut(pair, "=")
		if !found {
			return nil, errors.New("reading form: a field without a value")
		}
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, fmt.Errorf("reading form: name: %w", err)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, fmt.Errorf("reading form: value of a field: %w", err)
		}
		if !isAlnum(name) {
			return nil, errors.New("reading form: a field's name is not of letters and digits")
		}
		if !utf8.ValidString(value) {
			return nil, errors.New("reading form: a value is not UTF-8")
		}
		if _, twice := form[name]; twice {
			return nil, fmt.Errorf("reading form: field %s twice", name)
		}
		form[name] = value
	}
	return form, nil
}

// Encode writes the form in the order of its names.
func (f Form) Encode() string {
	values := url.Values{}
	for name, value := range f {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values.Encode()
}

// StringToSign joins the fields that have a value, sorted by name in ASCII
// order, as k=v&k=v, without signature (ACP 5.1.0, signMethod 01).
func (f Form) StringToSign() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if name == fieldSignature || f[name] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(f[name])
	}
	return b.String()
}

// sameRequest tells whether two messages ask for the same thing. Signatures
// are left out, since a merchant may sign the same fields again.
func sameRequest(a, b Form) bool { return a.StringToSign() == b.StringToSign() }

// echo copies the named fields that the request has, for a reply that must
// return them as they came.
func (f Form) echo(names ...string) Form {
	out := Form{}
	for _, name := range names {
		if f[name] != "" {
			out[name] = f[name]
		}
	}
	return out
}

func isAlnum(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func isDigits(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
