package his_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
)

const (
	orders  = "https://renmin.example.cn/order"
	notices = "https://regpay.example.cn/notice"
)

// system is a HIS with two hospitals, behind real HTTP, and its admin interface.
type system struct {
	t      *testing.T
	his    *his.Server
	url    string
	admin  string
	tokens map[string]string
	clock  *sandbox.ManualClock
}

func newSystem(t *testing.T) *system {
	t.Helper()
	clock := sandbox.NewManualClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: t.TempDir(), Seed: 7, Clock: clock})
	require.NoError(t, err)
	t.Cleanup(env.Close)
	server := his.New(env)
	protocol := httptest.NewServer(server.Handler())
	t.Cleanup(protocol.Close)
	admin := httptest.NewServer(sandbox.Admin(env.Patients, server))
	t.Cleanup(admin.Close)
	s := &system{t: t, his: server, url: protocol.URL + server.PathPrefix(), admin: admin.URL, tokens: map[string]string{}, clock: clock}
	for i, hospital := range []string{"h-renmin", "h-xiehe"} {
		fragment, err := server.Onboard(t.Context(), sandbox.Hospital{ID: hospital, Index: i, BaseURL: s.url})
		require.NoError(t, err)
		var manifest struct {
			BaseURL     string `json:"base_url"`
			BearerToken string `json:"bearer_token"`
		}
		raw, err := json.Marshal(fragment)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &manifest))
		require.Equal(t, s.url, manifest.BaseURL)
		token, err := os.ReadFile(filepath.Join(env.Files.Dir(), manifest.BearerToken))
		require.NoError(t, err)
		s.tokens[hospital] = string(token)
	}
	return s
}

// reply is an answer with its body as a JSON tree.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r reply) id() string {
	id, _ := r.body["id"].(string)
	return id
}

// issue returns the code of the first issue of an OperationOutcome, and its detail code.
func (r reply) issue() (code, detail string) {
	issues, _ := r.body["issue"].([]any)
	if r.body["resourceType"] != "OperationOutcome" || len(issues) == 0 {
		return "", ""
	}
	first := issues[0].(map[string]any)
	code, _ = first["code"].(string)
	if details, ok := first["details"].(map[string]any); ok {
		if codings, ok := details["coding"].([]any); ok {
			detail, _ = codings[0].(map[string]any)["code"].(string)
		}
	}
	return code, detail
}

type header map[string]string

// send makes one request as a hospital; an empty hospital sends no token.
func (s *system) send(method, path, hospital, body string, with header) (reply, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if hospital != "" {
		request.Header.Set("Authorization", "Bearer "+s.tokens[hospital])
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	for name, value := range with {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	got := reply{status: response.StatusCode, header: response.Header}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got.body); err != nil {
			return got, fmt.Errorf("%s: %w", raw, err)
		}
	}
	return got, nil
}

func (s *system) must(method, path, hospital, body string, with header) reply {
	s.t.Helper()
	got, err := s.send(method, path, hospital, body, with)
	require.NoError(s.t, err)
	return got
}

func unless(system, value string) header {
	return header{"If-None-Exist": "identifier=" + system + "|" + value}
}

// book creates an appointment conditionally.
func (s *system) book(hospital, order, slot string) reply {
	s.t.Helper()
	return s.must("POST", "/Appointment", hospital, appointment(order, slot), unless(orders, order))
}

// pay creates a payment notice conditionally.
func (s *system) pay(hospital, notice, appointmentID, yuan string) reply {
	s.t.Helper()
	return s.must("POST", "/PaymentNotice", hospital, paymentNotice(notice, "Appointment/"+appointmentID, yuan), unless(notices, notice))
}

func (s *system) books() his.Books {
	s.t.Helper()
	response, err := http.Get(s.admin + "/books/his")
	require.NoError(s.t, err)
	defer response.Body.Close()
	var books his.Books
	require.NoError(s.t, json.NewDecoder(response.Body).Decode(&books))
	return books
}

func (s *system) adminPut(path, body string) int {
	s.t.Helper()
	request, err := http.NewRequest("PUT", s.admin+path, strings.NewReader(body))
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	response.Body.Close()
	return response.StatusCode
}

func appointment(order, slot string) string {
	return fmt.Sprintf(`{"resourceType":"Appointment","identifier":[{"system":"%s","value":"%s"}],"status":"booked",
		"specialty":[{"coding":[{"system":"urn:dept","code":"0301","display":"心内科"}]}],
		"start":"2026-03-03T08:30:00+08:00","end":"2026-03-03T08:45:00+08:00",
		"slot":[{"reference":"Slot/%s"}],
		"participant":[
		 {"actor":{"type":"Patient","identifier":{"system":"urn:mrn","value":"P0001"}},"status":"accepted"},
		 {"actor":{"type":"Practitioner","display":"李医生"},"status":"accepted"}]}`, orders, order, slot)
}

func paymentNotice(number, request, yuan string) string {
	return fmt.Sprintf(`{"resourceType":"PaymentNotice","identifier":[{"system":"%s","value":"%s"}],"status":"active",
		"created":"2026-03-02T09:00:00+08:00","request":{"reference":"%s"},
		"payment":{"identifier":{"system":"urn:wechat","value":"4200001"}},"paymentDate":"2026-03-02",
		"recipient":{"display":"人民医院"},"amount":{"value":%s,"currency":"CNY"},
		"paymentStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/paymentstatus","code":"paid"}]}}`,
		notices, number, request, yuan)
}
