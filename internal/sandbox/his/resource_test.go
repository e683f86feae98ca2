package his

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const fuzzAppointment = `{"resourceType":"Appointment","identifier":[{"system":"urn:o","value":"R1"}],"status":"booked",
	"specialty":[{"text":"心内科"}],"start":"2026-03-03T08:30:00+08:00","end":"2026-03-03T08:45:00+08:00",
	"slot":[{"reference":"Slot/1"}],"participant":[{"actor":{"type":"Patient","identifier":{"system":"urn:m","value":"1"}},"status":"accepted"}]}`

const fuzzNotice = `{"resourceType":"PaymentNotice","identifier":[{"system":"urn:n","value":"N1"}],"status":"active",
	"created":"2026-03-02","payment":{"reference":"Appointment/1"},"recipient":{"display":"x"},
	"amount":{"value":30.00,"currency":"CNY"},
	"paymentStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/paymentstatus","code":"paid"}]}}`

// FuzzResource: whatever the bytes, the readers do not panic, refuse with an error of
// their own kind, and what they accept can be written and read again without a change.
func FuzzResource(f *testing.F) {
	for _, seed := range []string{
		fuzzAppointment, fuzzNotice, `{}`, `[]`, `null`, `{"resourceType":"Appointment"}`, "\xff", strings.Repeat(`{"a":`, 100),
		`{"resourceType":"PaymentNotice","amount":{"value":1e999999999}}`, `{"resourceType":"Appointment","status":null}`,
	} {
		f.Add([]byte(seed))
	}
	rules := newPrimitives()
	f.Fuzz(func(t *testing.T, body []byte) {
		if appointment, err := parseAppointment(body); err == nil {
			sameAgain(t, appointment, parseAppointment)
			if b, err := rules.readBooking(appointment); err == nil && (b.slot == "" || b.order.value == "") {
				t.Fatalf("booked without slot or order: %+v", b)
			}
		} else {
			isStructure(t, err)
		}
		if notice, err := parsePaymentNotice(body); err == nil {
			sameAgain(t, notice, parsePaymentNotice)
			if p, err := rules.readPayment(notice); err == nil && p.amountFen <= 0 {
				t.Fatalf("accepted an amount of %d fen", p.amountFen)
			}
		} else {
			isStructure(t, err)
		}
	})
}

// FuzzPatch: a patch never panics and never leaves something that is not a resource.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(`[{"op":"replace","path":"/status","value":"cancelled"}]`))
	f.Add([]byte(`[{"op":"add","path":"/comment","value":{"a":[1,null]}}]`))
	f.Add([]byte(`[{"op":"remove","path":"/cancelationReason"},{"op":"test","path":"/status","value":1e9}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		edit, err := patcher(body)
		if err != nil {
			return
		}
		if patched, err := edit([]byte(fuzzAppointment)); err == nil {
			if _, err := parseAppointment(patched); err != nil {
				isStructure(t, err)
			}
		}
	})
}

func isStructure(t *testing.T, err error) {
	t.Helper()
	var structure *structureError
	if !errors.As(err, &structure) {
		t.Fatalf("refused with %T: %v", err, err)
	}
}

func sameAgain[R any](t *testing.T, resource R, parse func([]byte) (R, error)) {
	t.Helper()
	written, err := json.Marshal(resource)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	again, err := parse(written)
	if err != nil {
		t.Fatalf("read what was written: %v", err)
	}
	rewritten, err := json.Marshal(again)
	if err != nil || !bytes.Equal(written, rewritten) {
		t.Fatalf("changed on the way: %v", err)
	}
}

func TestFenIsExactForEveryAmountOfTwoDecimals(t *testing.T) {
	rules := newPrimitives()
	currency := "CNY"
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(1, 999_999_999_999).Draw(t, "fen")
		text := json.Number(fmt.Sprintf("%d.%02d", fen/100, fen%100))
		got, err := rules.fen(fhir.Money{Value: &text, Currency: &currency})
		if err != nil || got != fen {
			t.Fatalf("%s became %d fen: %v", text, got, err)
		}
	})
}

func TestDepthIsBounded(t *testing.T) {
	_, err := parseAppointment([]byte(`{"a":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`))
	var structure *structureError
	require.ErrorAs(t, err, &structure)
	require.Equal(t, "is nested too deeply", structure.rule)
}
