package fhir_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/his/fhir"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestRegisterTellsTheVisitAndItsPayment(t *testing.T) {
	h := newHospital(t)
	got, err := h.client().Register(t.Context(), registration())
	require.NoError(t, err)
	visit, notice := h.only("Appointment"), h.only("PaymentNotice")
	require.Equal(t, his.Registered{AppointmentID: visit["id"].(string), NoticeID: notice["id"].(string)}, got)

	delete(visit, "meta")
	delete(notice, "meta")
	require.Equal(t, map[string]any{
		"resourceType": "Appointment", "id": visit["id"], "status": "booked",
		"identifier":  []any{map[string]any{"system": orders, "value": "REG20260102001"}},
		"start":       "2026-01-05T08:00:00+08:00",
		"end":         "2026-01-05T08:15:00+08:00",
		"serviceType": []any{map[string]any{"text": "心内科"}},
		"slot":        []any{map[string]any{"type": "Slot", "identifier": map[string]any{"value": "S-1"}}},
		"participant": []any{
			map[string]any{"status": "accepted", "actor": map[string]any{"type": "Patient", "display": "张三",
				"identifier": map[string]any{"system": "urn:oid:2.16.156.10011.1.3", "value": "11010519491231002X"}}},
			map[string]any{"status": "accepted", "actor": map[string]any{"type": "Practitioner", "display": "王大夫"}},
		},
	}, visit)
	require.Equal(t, map[string]any{
		"resourceType": "PaymentNotice", "id": notice["id"], "status": "active",
		"identifier": []any{map[string]any{"system": orders, "value": "REG20260102001"},
			map[string]any{"system": "urn:regpay:voucher", "value": "V123"}},
		"request": map[string]any{"reference": "Appointment/" + visit["id"].(string)},
		"created": "2026-01-02T01:00:00+08:00", "paymentDate": "2026-01-02",
		"payment":       map[string]any{"identifier": map[string]any{"system": "urn:regpay:payment", "value": "pay_abc"}},
		"recipient":     map[string]any{"identifier": map[string]any{"system": "urn:regpay:hospital", "value": "h-renmin"}},
		"amount":        map[string]any{"value": json.Number("30.10"), "currency": "CNY"},
		"paymentStatus": map[string]any{"coding": []any{map[string]any{"system": "http://terminology.hl7.org/CodeSystem/paymentstatus", "code": "paid"}}},
	}, notice)
}

func TestARepeatFindsWhatIsThere(t *testing.T) {
	h := newHospital(t)
	first, err := h.client().Register(t.Context(), registration())
	require.NoError(t, err)
	again, err := h.client().Register(t.Context(), registration())
	require.NoError(t, err)
	require.Equal(t, first, again)
	h.only("Appointment")
	h.only("PaymentNotice")
}

func TestALostAnswerIsUncertainAndTheRepeatBooksOnce(t *testing.T) {
	for _, typ := range []string{"Appointment", "PaymentNotice"} {
		h := newHospital(t)
		h.spoiling(func(r *http.Request, status int, _ http.Header, body []byte) (int, []byte) {
			if strings.HasSuffix(r.URL.Path, typ) {
				return 0, nil
			}
			return status, body
		})
		c := h.client()
		_, err := c.Register(t.Context(), registration())
		require.Equal(t, payment.Uncertain, kindOf(t, err), typ)
		h.spoiling(nil)
		_, err = c.Register(t.Context(), registration())
		require.NoError(t, err)
		h.only("Appointment")
		h.only("PaymentNotice")
	}
}

func TestAServerThatReturnsNoResourceIsAskedForIt(t *testing.T) {
	for name, said := range map[string]string{"nothing": "", "an outcome": outcome("information", "informational", "")} {
		h := newHospital(t)
		h.spoiling(func(r *http.Request, status int, _ http.Header, body []byte) (int, []byte) {
			if r.Method == http.MethodPost {
				return status, []byte(said)
			}
			return status, body
		})
		got, err := h.client().Register(t.Context(), registration())
		require.NoError(t, err, name)
		require.Equal(t, h.only("Appointment")["id"], got.AppointmentID)
	}
}

func TestRefusalsAreSorted(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   payment.Kind
		code   string
	}{
		"the slot is gone":                {409, outcome("error", "conflict", "slot-gone"), payment.Final, his.CodeSlotGone},
		"a conflict without more":         {409, outcome("error", "conflict", ""), payment.Final, his.CodeSlotGone},
		"a conflict of another kind":      {409, outcome("error", "conflict", "patient-blocked"), payment.Final, "patient_blocked"},
		"a lock":                          {409, outcome("error", "lock-error", ""), payment.Retryable, "lock_error"},
		"a conflict in a proxy's words":   {409, "busy", payment.Uncertain, "http_409"},
		"several with the number":         {412, outcome("error", "multiple-matches", ""), payment.Final, "duplicate"},
		"a business rule":                 {422, outcome("error", "business-rule", "age-limit"), payment.Final, "age_limit"},
		"a resource it cannot read":       {400, outcome("fatal", "structure", ""), payment.Final, "structure"},
		"a code with a number in it":      {422, outcome("error", "business-rule", "p11010519491231002X"), payment.Final, "business_rule"},
		"a hiccup":                        {422, outcome("error", "transient", ""), payment.Retryable, "transient"},
		"a 400 in a proxy's words":        {400, "<html>", payment.Uncertain, "http_400"},
		"only a warning":                  {422, outcome("warning", "business-rule", ""), payment.Uncertain, "http_422"},
		"our token":                       {401, outcome("error", "login", ""), payment.Retryable, "login"},
		"our rights":                      {403, "", payment.Retryable, "http_403"},
		"our token, in other words":       {401, "", payment.Retryable, "http_401"},
		"a wrong base URL":                {404, "", payment.Retryable, "http_404"},
		"too many requests":               {429, "", payment.Retryable, "http_429"},
		"down":                            {503, "", payment.Uncertain, "http_503"},
		"broken, with a slot-gone in it":  {500, outcome("error", "conflict", "slot-gone"), payment.Uncertain, "slot_gone"},
		"elsewhere":                       {302, "", payment.Uncertain, "http_302"},
		"accepted":                        {202, "", payment.Uncertain, "http_202"},
		"nothing where a resource should": {201, "", payment.Uncertain, "unusable_reply"},
		"another type":                    {201, `{"resourceType":"Patient","id":"1","status":"booked"}`, payment.Uncertain, "unusable_reply"},
		"no status":                       {201, `{"resourceType":"Appointment","id":"1","identifier":[{"system":"urn:regpay:order","value":"REG20260102001"}]}`, payment.Uncertain, "unusable_reply"},
		"another order":                   {201, `{"resourceType":"Appointment","id":"1","status":"booked","identifier":[{"system":"urn:regpay:order","value":"REG20260102009"}]}`, payment.Uncertain, "unusable_reply"},
		"no end":                          {201, strings.Repeat(" ", 2<<20), payment.Uncertain, "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t)
			h.answering(saying(tc.status, "Appointment", http.MethodPost, tc.body))
			_, err := h.client().Register(t.Context(), registration())
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
			require.NotContains(t, err.Error(), "张三")
			require.Len(t, h.called(), 1)
		})
	}
}

func TestWhatIsThereIsReadBeforeItIsBelieved(t *testing.T) {
	visit := func(status, slot string) string {
		return `{"resourceType":"Appointment","id":"a-1","status":"` + status + `","identifier":[{"system":"urn:regpay:order","value":"REG20260102001"}],"slot":[{"identifier":{"value":"` + slot + `"}}]}`
	}
	notice := func(status, amount string) string {
		return `{"resourceType":"PaymentNotice","id":"n-1","status":"` + status + `","identifier":[{"system":"urn:regpay:order","value":"REG20260102001"}],"amount":` + amount + `}`
	}
	fine, paid := visit("booked", "S-1"), notice("active", `{"value":30.1,"currency":"CNY"}`)
	for name, tc := range map[string]struct {
		visit, notice string
		kind          payment.Kind // empty: registered
		code          string
	}{
		"booked and told":                  {visit: fine, notice: paid},
		"the patient is here":              {visit: visit("arrived", "S-1"), notice: paid},
		"the patient did not come":         {visit: visit("noshow", "S-1"), notice: paid},
		"cancelled":                        {visit("cancelled", "S-1"), paid, payment.Final, fhir.CodeCancelled},
		"entered in error":                 {visit("entered-in-error", "S-1"), paid, payment.Final, fhir.CodeCancelled},
		"not confirmed":                    {visit("pending", "S-1"), paid, payment.Retryable, fhir.CodePending},
		"of a status that nobody knows":    {visit("moved", "S-1"), paid, payment.Uncertain, "unusable_reply"},
		"another slot":                     {visit("booked", "S-2"), paid, payment.Final, fhir.CodeOtherSlot},
		"another amount":                   {fine, notice("active", `{"value":30.11,"currency":"CNY"}`), payment.Final, fhir.CodeAmountDiffers},
		"another currency":                 {fine, notice("active", `{"value":30.10,"currency":"USD"}`), payment.Final, fhir.CodeAmountDiffers},
		"no amount":                        {fine, notice("active", `{}`), payment.Final, fhir.CodeAmountDiffers},
		"an amount finer than a fen":       {fine, notice("active", `{"value":30.101,"currency":"CNY"}`), payment.Uncertain, "unusable_reply"},
		"an amount with a huge exponent":   {fine, notice("active", `{"value":1e99999999,"currency":"CNY"}`), payment.Uncertain, "unusable_reply"},
		"a notice that was cancelled":      {fine, notice("cancelled", `{"value":30.10,"currency":"CNY"}`), payment.Final, fhir.CodeCancelled},
		"a notice that is not yet one":     {fine, notice("draft", `{"value":30.10,"currency":"CNY"}`), payment.Retryable, fhir.CodePending},
		"a notice of a status not known":   {fine, notice("queued", `{"value":30.10,"currency":"CNY"}`), payment.Uncertain, "unusable_reply"},
		"an amount that is told as a text": {fine, notice("active", `{"value":"30.10x","currency":"CNY"}`), payment.Uncertain, "unusable_reply"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHospital(t)
			h.put("Appointment", "a-1", tc.visit)
			h.put("PaymentNotice", "n-1", tc.notice)
			got, err := h.client().Register(t.Context(), registration())
			for _, call := range h.called() {
				require.False(t, strings.HasPrefix(call, "PUT"), "what is there is left alone")
			}
			if tc.kind == "" {
				require.NoError(t, err)
				require.Equal(t, his.Registered{AppointmentID: "a-1", NoticeID: "n-1"}, got)
				return
			}
			require.Equal(t, tc.kind, kindOf(t, err), err)
			require.Equal(t, tc.code, payment.CodeOf(err), err)
		})
	}
}

func TestAVisitWhosePaymentIsRefusedIsTakenBack(t *testing.T) {
	h := newHospital(t)
	h.answering(saying(422, "PaymentNotice", http.MethodPost, outcome("error", "business-rule", "no-such-price")))
	c := h.client()
	_, err := c.Register(t.Context(), registration())
	require.Equal(t, payment.Final, kindOf(t, err))
	require.Equal(t, "no_such_price", payment.CodeOf(err))
	require.Equal(t, "cancelled", h.only("Appointment")["status"])
}

func TestAVisitThatCannotBeTakenBackIsUncertain(t *testing.T) {
	h := newHospital(t)
	h.answering(func(w http.ResponseWriter, r *http.Request) bool {
		return saying(422, "PaymentNotice", http.MethodPost, outcome("error", "business-rule", ""))(w, r) ||
			saying(503, "Appointment", http.MethodPut, "")(w, r)
	})
	c := h.client()
	_, err := c.Register(t.Context(), registration())
	require.Equal(t, payment.Uncertain, kindOf(t, err))
	require.Equal(t, "booked", h.only("Appointment")["status"])
}

func TestANoticeThatIsOnlyDelayedTakesNothingBack(t *testing.T) {
	h := newHospital(t)
	h.answering(saying(503, "PaymentNotice", http.MethodPost, ""))
	_, err := h.client().Register(t.Context(), registration())
	require.Equal(t, payment.Uncertain, kindOf(t, err))
	require.Equal(t, "booked", h.only("Appointment")["status"])
}

func TestARefusedConnectionIsRetryable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	c := fhir.New(fhir.Config{HospitalID: "h-renmin", BaseURL: "http://" + addr + "/fhir", Timeout: time.Second})
	_, err = c.Register(t.Context(), registration())
	require.Equal(t, payment.Retryable, kindOf(t, err))
	require.Equal(t, payment.Retryable, kindOf(t, c.Cancel(t.Context(), registration())))
}

func TestARegistrationOfAnotherHospitalIsNotSent(t *testing.T) {
	h := newHospital(t)
	r := registration()
	r.HospitalID = "h-other"
	_, err := h.client().Register(t.Context(), r)
	require.Equal(t, payment.Retryable, kindOf(t, err), "wiring is no reason to refund")
	require.Equal(t, payment.Retryable, kindOf(t, h.client().Cancel(t.Context(), r)))
	r = registration()
	r.Amount = money.Money{}
	_, err = h.client().Register(t.Context(), r)
	require.Equal(t, payment.Final, kindOf(t, err))
	require.Empty(t, h.called())
}

func TestConfigCheck(t *testing.T) {
	require.NoError(t, fhir.Config{HospitalID: "h", BaseURL: "https://his.example/fhir"}.Check())
	for _, c := range []fhir.Config{
		{BaseURL: "https://his.example"}, {HospitalID: "h"}, {HospitalID: "h", BaseURL: "ftp://x"},
		{HospitalID: "h", BaseURL: "https://u:p@x"}, {HospitalID: "h", BaseURL: "https://x", IdentifierSystem: "a|b"},
	} {
		require.Error(t, c.Check())
	}
}
