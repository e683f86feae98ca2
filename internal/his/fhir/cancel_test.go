package fhir_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his/fhir"
	"github.com/regpay/regpay/internal/payment"
)

func TestCancelTakesBackMoneyThenVisitAndKeepsTheRest(t *testing.T) {
	h := newHospital(t)
	c := h.client()
	_, err := c.Register(t.Context(), registration())
	require.NoError(t, err)
	h.only("Appointment")["extension"] = []any{map[string]any{"url": "urn:his:room", "valueString": "3-12"}}
	h.called()

	require.NoError(t, c.Cancel(t.Context(), registration()))
	visit, notice := h.only("Appointment"), h.only("PaymentNotice")
	require.Equal(t, "cancelled", visit["status"])
	require.Equal(t, "cancelled", notice["status"])
	require.NotEmpty(t, visit["extension"], "what only the HIS knows is sent back")
	require.Equal(t, json.Number("30.10"), notice["amount"].(map[string]any)["value"])
	require.Equal(t, []string{"GET Appointment", "GET PaymentNotice",
		"PUT PaymentNotice/" + notice["id"].(string), "PUT Appointment/" + visit["id"].(string)}, h.called())

	h.called()
	require.NoError(t, c.Cancel(t.Context(), registration()), "a repeat")
	require.Equal(t, []string{"GET Appointment", "GET PaymentNotice"}, h.called())
}

func TestCancelOfNothingSucceeds(t *testing.T) {
	require.NoError(t, newHospital(t).client().Cancel(t.Context(), registration()))
}

func TestCancelOfAVisitThatTookPlaceIsRefused(t *testing.T) {
	h := newHospital(t)
	c := h.client()
	_, err := c.Register(t.Context(), registration())
	require.NoError(t, err)
	h.only("Appointment")["status"] = "fulfilled"
	err = c.Cancel(t.Context(), registration())
	require.Equal(t, payment.Final, kindOf(t, err))
	require.Equal(t, fhir.CodeAttended, payment.CodeOf(err))
	require.Equal(t, "active", h.only("PaymentNotice")["status"])
}

func TestCancelOfAMissedVisitKeepsItMissed(t *testing.T) {
	h := newHospital(t)
	c := h.client()
	_, err := c.Register(t.Context(), registration())
	require.NoError(t, err)
	h.only("Appointment")["status"] = "noshow"
	require.NoError(t, c.Cancel(t.Context(), registration()))
	require.Equal(t, "noshow", h.only("Appointment")["status"])
	require.Equal(t, "cancelled", h.only("PaymentNotice")["status"])
}

func TestCancelIsUncertainUntilItIsKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(http.ResponseWriter, *http.Request) bool
		kind   payment.Kind
		code   string
	}{
		"the search fails":                   {saying(500, "Appointment", http.MethodGet, ""), payment.Uncertain, "http_500"},
		"the search is refused":              {saying(400, "Appointment", http.MethodGet, outcome("error", "not-supported", "")), payment.Uncertain, "not_supported"},
		"the search is no Bundle":            {saying(200, "Appointment", http.MethodGet, `{}`), payment.Uncertain, "unusable_reply"},
		"somebody else's visits are found":   {saying(200, "Appointment", http.MethodGet, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Appointment","id":"x","status":"booked","identifier":[{"system":"urn:regpay:order","value":"REG999999"}]}}]}`), payment.Uncertain, "unusable_reply"},
		"there are more pages":               {saying(200, "Appointment", http.MethodGet, `{"resourceType":"Bundle","link":[{"relation":"next","url":"x"}]}`), payment.Uncertain, "unusable_reply"},
		"the update's answer fails":          {saying(502, "Appointment", http.MethodPut, ""), payment.Uncertain, "http_502"},
		"somebody else is writing":           {saying(412, "Appointment", http.MethodPut, ""), payment.Retryable, "changed_meanwhile"},
		"somebody else is writing, as a 409": {saying(409, "Appointment", http.MethodPut, outcome("error", "conflict", "")), payment.Retryable, "conflict"},
		"the HIS does not want it":           {saying(422, "Appointment", http.MethodPut, outcome("error", "business-rule", "too-late")), payment.Final, "too_late"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t)
			c := h.client()
			_, err := c.Register(t.Context(), registration())
			require.NoError(t, err)
			h.answering(tc.before)
			err = c.Cancel(t.Context(), registration())
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.Equal(t, "booked", h.only("Appointment")["status"])
			h.answering(nil)
			require.NoError(t, c.Cancel(t.Context(), registration()), "a repeat finishes it")
			require.Equal(t, "cancelled", h.only("Appointment")["status"])
		})
	}
}
