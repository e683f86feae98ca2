package his_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyAHospitalsOwnTokenOpensItsResources(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	for name, authorization := range map[string]string{
		"no token": "", "wrong token": "Bearer 00", "wrong scheme": "Basic " + s.tokens["h-renmin"], "no scheme": s.tokens["h-renmin"],
	} {
		t.Run(name, func(t *testing.T) {
			got := s.must("GET", "/Appointment/"+booked.id(), "", "", header{"Authorization": authorization})
			assert.Equal(t, http.StatusUnauthorized, got.status)
			assert.NotEmpty(t, got.header.Get("WWW-Authenticate"))
			code, _ := got.issue()
			assert.Equal(t, "login", code)
		})
	}
	assert.Equal(t, http.StatusNotFound, s.must("GET", "/Appointment/"+booked.id(), "h-xiehe", "", nil).status)
	found := s.must("GET", "/Appointment?identifier="+orders+"|R1", "h-xiehe", "", nil)
	assert.EqualValues(t, 0, found.body["total"])
	cancelled := strings.Replace(appointment("R1", "s-1"), "booked", "cancelled", 1)
	assert.Equal(t, http.StatusNotFound, s.must("PUT", "/Appointment/"+booked.id(), "h-xiehe", cancelled, nil).status)
}

func TestMetadataNeedsNoToken(t *testing.T) {
	got := newSystem(t).must("GET", "/metadata", "", "", nil)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "CapabilityStatement", got.body["resourceType"])
	assert.Equal(t, "4.0.1", got.body["fhirVersion"])
}

func TestABadAppointmentIsRefusedAndBooksNothing(t *testing.T) {
	s := newSystem(t)
	cases := []struct {
		name, old, new string
		status         int
	}{
		{"unknown element", `"status":"booked"`, `"status":"booked","colour":"red"`, 400},
		{"element in the wrong case", `"status":"booked"`, `"Status":"booked"`, 400},
		{"element twice", `"status":"booked"`, `"status":"booked","status":"booked"`, 400},
		{"status outside the value set", `"booked"`, `"boooked"`, 400},
		{"status missing", `"status":"booked",`, ``, 400},
		{"null", `"status":"booked"`, `"status":"booked","comment":null`, 400},
		{"empty text", `"status":"booked"`, `"status":"booked","comment":""`, 400},
		{"empty list", `"status":"booked"`, `"status":"booked","basedOn":[]`, 400},
		{"text where a list belongs", `[{"reference":"Slot/s-1"}]`, `"Slot/s-1"`, 400},
		{"another type of resource", `"Appointment"`, `"PaymentNotice"`, 400},
		{"cut off", `"status":"accepted"}]}`, `"status":"accepted"}]`, 400},
		{"two resources", `"status":"accepted"}]}`, `"status":"accepted"}]}{}`, 400},
		{"participant without status", `},"status":"accepted"}`, `}}`, 400},
		{"new and already cancelled", `"booked"`, `"cancelled"`, 422},
		{"no order number", `"value":"R1"`, `"use":"official"`, 422},
		{"no start", `"start":"2026-03-03T08:30:00+08:00",`, ``, 422},
		{"start without a zone", `08:30:00+08:00`, `08:30:00`, 422},
		{"end before start", `08:45:00+08:00`, `08:15:00+08:00`, 422},
		{"no slot", `"slot":[{"reference":"Slot/s-1"}],`, ``, 422},
		{"two slots", `[{"reference":"Slot/s-1"}]`, `[{"reference":"Slot/s-1"},{"reference":"Slot/s-2"}]`, 422},
		{"something else as slot", `Slot/s-1`, `Schedule/s-1`, 422},
		{"no department", `"specialty":[{"coding":[{"system":"urn:dept","code":"0301","display":"心内科"}]}],`, ``, 422},
		{"no patient", `"type":"Patient"`, `"type":"Practitioner"`, 422},
		{"two patients", `"type":"Practitioner","display"`, `"type":"Patient","identifier":{"system":"urn:mrn","value":"2"},"display"`, 422},
		{"patient without identifier", `"identifier":{"system":"urn:mrn","value":"P0001"}`, `"display":"某人"`, 422},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := strings.Replace(appointment("R1", "s-1"), c.old, c.new, 1)
			require.NotEqual(t, appointment("R1", "s-1"), body, "the case changes nothing")
			got := s.must("POST", "/Appointment", "h-renmin", body, unless(orders, "R1"))
			assert.Equal(t, c.status, got.status, got.body)
			assert.Equal(t, "OperationOutcome", got.body["resourceType"])
		})
	}
	assert.Empty(t, s.books().Appointments)
}

func TestABadPaymentNoticeIsRefusedAndBooksNothing(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	good := paymentNotice("N1", "Appointment/"+booked.id(), "30.00")
	cases := []struct {
		name, old, new string
		status         int
	}{
		{"amount as text", `30.00`, `"30.00"`, 400},
		{"no amount", `"amount":{"value":30.00,"currency":"CNY"},`, ``, 400},
		{"no recipient", `"recipient":{"display":"人民医院"},`, ``, 400},
		{"no created", `"created":"2026-03-02T09:00:00+08:00",`, ``, 400},
		{"no payment", `"payment":{"identifier":{"system":"urn:wechat","value":"4200001"}},`, ``, 400},
		{"zero", `30.00`, `0`, 422},
		{"negative", `30.00`, `-30.00`, 422},
		{"a part of a fen", `30.00`, `30.001`, 422},
		{"with an exponent", `30.00`, `3e9`, 422},
		{"absurd", `30.00`, `99999999999`, 422},
		{"other currency", `CNY`, `USD`, 422},
		{"no currency", `,"currency":"CNY"`, ``, 422},
		{"created that is no date", `2026-03-02T09:00:00+08:00`, `2026-02-30`, 422},
		{"paymentDate that is no date", `"2026-03-02",`, `"02.03.2026",`, 422},
		{"draft", `"active"`, `"draft"`, 422},
		{"cleared, not paid", `"code":"paid"`, `"code":"cleared"`, 422},
		{"paid in another system", `CodeSystem/paymentstatus`, `CodeSystem/other`, 422},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := strings.Replace(good, c.old, c.new, 1)
			require.NotEqual(t, good, body, "the case changes nothing")
			got := s.must("POST", "/PaymentNotice", "h-renmin", body, nil)
			assert.Equal(t, c.status, got.status, got.body)
		})
	}
	assert.Empty(t, s.books().PaymentNotices)
}

func TestABadRequestIsRefused(t *testing.T) {
	s := newSystem(t)
	good := appointment("R1", "s-1")
	cases := []struct {
		name, method, path, body string
		with                     header
		status                   int
	}{
		{"plain text", "POST", "/Appointment", good, header{"Content-Type": "text/plain"}, 415},
		{"XML wanted", "POST", "/Appointment", good, header{"Accept": "application/fhir+xml"}, 406},
		{"condition without identifier", "POST", "/Appointment", good, header{"If-None-Exist": "status=booked"}, 400},
		{"empty condition", "POST", "/Appointment", good, header{"If-None-Exist": " "}, 400},
		{"condition that matches everything", "POST", "/Appointment", good, header{"If-None-Exist": "identifier=|"}, 400},
		{"unknown type", "GET", "/Patient/1", "", nil, 404},
		{"unknown path", "GET", "/Appointment/1/_history/1", "", nil, 404},
		{"unknown id", "GET", "/Appointment/1", "", nil, 404},
		{"unknown search parameter", "GET", "/Appointment?date=2026-03-03", "", nil, 400},
		{"deletion", "DELETE", "/Appointment/1", "", nil, 405},
		{"creation by update", "PUT", "/Appointment/1", good, nil, 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := s.must(c.method, c.path, "h-renmin", c.body, c.with)
			assert.Equal(t, c.status, got.status, got.body)
			assert.Equal(t, "OperationOutcome", got.body["resourceType"])
		})
	}
	assert.Empty(t, s.books().Appointments)
}

func TestARefusalNamesNobody(t *testing.T) {
	s := newSystem(t)
	bad := strings.Replace(appointment("R1", "s-1"), `"display":"李医生"`, `"display":"李医生","phone":"13800000000"`, 1)
	got := s.must("POST", "/Appointment", "h-renmin", bad, nil)
	require.Equal(t, 400, got.status)
	issue := got.body["issue"].([]any)[0].(map[string]any)
	assert.Equal(t, "Appointment.participant[1].actor.phone: is not an element of this resource", issue["diagnostics"])
}
