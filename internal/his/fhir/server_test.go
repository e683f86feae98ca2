package fhir_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/his/fhir"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

const orders = "urn:regpay:order"

// hospital is a FHIR server that keeps what it is told. before may answer a
// request in its place; after may spoil the answer.
type hospital struct {
	t      testing.TB
	srv    *httptest.Server
	mu     sync.Mutex
	kept   map[string]map[string]any // "Type/id"
	calls  []string
	before func(w http.ResponseWriter, r *http.Request) bool
	after  func(r *http.Request, status int, header http.Header, body []byte) (int, []byte)
}

func newHospital(t testing.TB) *hospital {
	h := &hospital{t: t, kept: map[string]map[string]any{}}
	h.srv = httptest.NewServer(h)
	t.Cleanup(h.srv.Close)
	return h
}

func (h *hospital) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/fhir/"))
	if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Accept") != "application/fhir+json" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h.before != nil && h.before(w, r) {
		return
	}
	status, header, body := h.answer(r)
	if h.after != nil {
		status, body = h.after(r, status, header, body)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (h *hospital) answer(r *http.Request) (int, http.Header, []byte) {
	typ, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/fhir/"), "/")
	header := http.Header{}
	encode := func(v any) []byte { b, _ := json.Marshal(v); return b }
	switch {
	case r.Method == http.MethodPost:
		q, err := url.ParseQuery(r.Header.Get("If-None-Exist"))
		require.NoError(h.t, err)
		found := h.search(typ, q.Get("identifier"))
		if len(found) > 1 {
			return http.StatusPreconditionFailed, header, []byte(outcome("error", "multiple-matches", ""))
		}
		if len(found) == 1 {
			return http.StatusOK, header, encode(found[0])
		}
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		var res map[string]any
		require.NoError(h.t, d.Decode(&res))
		id = fmt.Sprintf("%s-%d", strings.ToLower(typ[:1]), len(h.kept)+1)
		res["id"], res["meta"] = id, map[string]any{"versionId": "1"}
		h.kept[typ+"/"+id] = res
		header.Set("Location", h.srv.URL+"/fhir/"+typ+"/"+id+"/_history/1")
		return http.StatusCreated, header, encode(res)
	case r.Method == http.MethodGet && id != "":
		if res, ok := h.kept[typ+"/"+id]; ok {
			return http.StatusOK, header, encode(res)
		}
	case r.Method == http.MethodGet:
		bundle := map[string]any{"resourceType": "Bundle", "type": "searchset"}
		var entries []any
		for _, res := range h.search(typ, r.URL.Query().Get("identifier")) {
			entries = append(entries, map[string]any{"resource": res, "search": map[string]any{"mode": "match"}})
		}
		if len(entries) > 0 {
			bundle["entry"] = entries
		}
		return http.StatusOK, header, encode(bundle)
	case r.Method == http.MethodPut:
		old, ok := h.kept[typ+"/"+id]
		if !ok || r.Header.Get("If-Match") != fmt.Sprintf(`W/"%v"`, old["meta"].(map[string]any)["versionId"]) {
			return http.StatusPreconditionFailed, header, nil
		}
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		var res map[string]any
		require.NoError(h.t, d.Decode(&res))
		h.kept[typ+"/"+id] = res
		return http.StatusOK, header, encode(res)
	}
	return http.StatusNotFound, header, nil
}

func (h *hospital) search(typ, token string) (found []map[string]any) {
	for key, res := range h.kept {
		if !strings.HasPrefix(key, typ+"/") {
			continue
		}
		for _, i := range res["identifier"].([]any) {
			i := i.(map[string]any)
			if fmt.Sprint(i["system"], "|", i["value"]) == token {
				found = append(found, res)
			}
		}
	}
	return found
}

// answering and spoiling replace the two hooks between requests; a handler
// whose connection is gone may still be at work.
func (h *hospital) answering(f func(http.ResponseWriter, *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before = f
}

func (h *hospital) spoiling(f func(r *http.Request, status int, header http.Header, body []byte) (int, []byte)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after = f
}

// called returns the requests since it was last asked.
func (h *hospital) called() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

// only is the one resource of a type.
func (h *hospital) only(typ string) map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.search(typ, orders+"|REG20260102001")
	require.Len(h.t, found, 1, typ)
	return found[0]
}

func (h *hospital) put(typ, id, body string) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var res map[string]any
	require.NoError(h.t, d.Decode(&res))
	h.kept[typ+"/"+id] = res
}

func (h *hospital) client() *fhir.Client {
	tr := &http.Transport{}
	h.t.Cleanup(tr.CloseIdleConnections)
	cfg := fhir.Config{HospitalID: "h-renmin", BaseURL: h.srv.URL + "/fhir/", Token: "secret", Transport: tr, Timeout: 5 * time.Second}
	require.NoError(h.t, cfg.Check())
	return fhir.New(cfg)
}

func outcome(severity, issue, detail string) string {
	if detail != "" {
		detail = `,"details":{"coding":[{"system":"urn:test","code":"` + detail + `"}],"text":"张三 的号"}`
	}
	return `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"},{"severity":"` + severity + `","code":"` + issue + `","diagnostics":"张三"` + detail + `}]}`
}

func saying(status int, typ, method, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, typ) {
			return false
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func registration() his.Registration {
	return his.Registration{
		HospitalID: "h-renmin", PaymentID: "pay_abc", OrderNo: "REG20260102001", Amount: money.Fen(3010),
		Slot:    payment.Slot{ID: "S-1", Department: "心内科", Doctor: "王大夫", StartsAt: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)},
		Patient: payment.Patient{Name: "张三", IDType: payment.IDCard, IDNumber: "11010519491231002X", Phone: "13800000000"},
		PaidAt:  time.Date(2026, 1, 1, 17, 0, 0, 0, time.UTC), Voucher: "V123",
	}
}

// kindOf is the kind of an error that there has to be: payment.KindOf calls
// the absence of one Uncertain.
func kindOf(t testing.TB, err error) payment.Kind {
	t.Helper()
	require.Error(t, err)
	return payment.KindOf(err)
}
