package fhir

import (
	"encoding/json"
	"testing"
)

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"resourceType":"Appointment","id":"a","status":"booked","identifier":[{"system":"s","value":"v"}],"meta":{"versionId":"1"},"slot":[{}]}`,
		`{"resourceType":"PaymentNotice","id":"a","status":"active","identifier":[{"system":"s","value":"v"}],"amount":{"value":1e9999999999,"currency":"CNY"}}`,
		`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"conflict","details":{"coding":[{"code":"slot-gone"}]}}]}`,
		`{"resourceType":"Bundle","entry":[{"resource":null},{"resource":{"resourceType":"Appointment","id":"a","status":"x","identifier":[{"system":"s","value":"v"}]}}]}`,
		`null`, `[]`, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Appointment"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, typ := range []string{typeAppointment, typeNotice} {
			r, err := parseResource(body, typ)
			if err == nil {
				if r.id == "" || r.status == "" {
					t.Fatal("a resource without id or status was read")
				}
				out, err := r.withStatus("cancelled")
				if err != nil {
					t.Fatalf("what was read cannot be sent back: %v", err)
				}
				again, err := parseResource(out, typ)
				if err != nil || again.status != "cancelled" || again.id != r.id || !again.amount.Equal(r.amount) {
					t.Fatalf("sending back changed more than the status: %v", err)
				}
			}
			found, err := parseSearch(body, typ, "s", "v")
			if err == nil {
				for _, r := range found {
					if !r.is("s", "v") {
						t.Fatal("a foreign resource was found")
					}
				}
			}
		}
		if o := parseOutcome(body); o != nil && o.code() == "" {
			t.Fatal("an outcome without a code")
		}
		if !json.Valid(body) && resourceType(body) != "" {
			t.Fatal("nonsense has a type")
		}
	})
}
