package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// operation is one of the described operations, as a caller would use it.
type operation struct {
	method, path, key string
	body              any
	engine            bool // it needs the engine, not only the books
}

// operations has every one, with what it is about in the books, by its id.
func operations(s *stack) map[string]operation {
	waits := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	asks := s.put(view("ren-he", "R20260105000002", payment.Verifying))
	done := s.put(view("ren-he", "R20260105000003", payment.Completed))
	reviewed := inReview(s)
	s.books.windows = payment.Windows{{ID: "mw_1", HospitalID: "ren-he", System: payment.SystemHIS, From: now(), Until: now().Add(time.Hour)}}
	at := func(v store.View, rest string) string { return "/v1/payments/" + v.ID + rest }
	return map[string]operation{
		"start-payment":  {"POST", "/v1/payments", backend, valid(), true},
		"list-payments":  {"GET", "/v1/payments", backend, nil, false},
		"get-payment":    {"GET", at(waits, ""), backend, nil, false},
		"verify-patient": {"POST", at(asks, "/verification"), backend, map[string]any{"kind": "sms", "challenge_id": "ver_1", "code": "123456"}, true},
		"change-method":  {"POST", at(waits, "/method"), backend, map[string]any{"method": "wechat", "scene": "native"}, true},
		"cancel-payment": {"POST", at(waits, "/cancel"), backend, map[string]any{}, true},
		"refund-payment": {"POST", at(done, "/refunds"), backend, body("k", 100), true},
		"list-refunds":   {"GET", at(done, "/refunds"), backend, nil, false},
		"get-timeline":   {"GET", at(done, "/timeline"), backend, nil, false},
		"get-voucher":    {"GET", at(done, "/voucher"), backend, nil, false},
		"decide-review":  {"POST", at(reviewed, "/review"), staff, decision(reviewed.Case.ID, "retry_clearing"), true},
		"list-reviews":   {"GET", "/v1/reviews", staff, nil, false},

		"announce-maintenance": {"POST", "/v1/maintenance-windows", staff, announcement(), false},
		"list-maintenance":     {"GET", "/v1/maintenance-windows", backend, nil, false},
		"end-maintenance":      {"POST", "/v1/maintenance-windows/mw_1/end", staff, nil, false},
	}
}

// requireLater demands the answer of a service that is down: when to come back,
// in a problem that tells nothing of the inside.
func requireLater(t *testing.T, r reply) {
	t.Helper()
	problem(t, r, http.StatusServiceUnavailable, api.CodeUnavailable)
	require.Equal(t, "2", r.Header.Get("Retry-After"))
	require.NotContains(t, string(r.body), "10.0.0.7")
}

func (o operation) send(s *stack) reply { return s.do(o.method, o.path, o.key, o.body) }

func TestEveryOperationTellsToComeBackLater(t *testing.T) {
	down := errors.New("dial tcp 10.0.0.7: connection refused")
	for id, o := range operations(newStack(t)) {
		t.Run(id+" without the database", func(t *testing.T) {
			s := newStack(t)
			o := operations(s)[id]
			s.books.err = down
			requireLater(t, o.send(s)) // whose key it is cannot be known
			s.books.err = nil
			s.do("GET", "/v1/payments", o.key, nil) // the key is remembered for a moment
			s.books.err = down
			requireLater(t, o.send(s))
			s.books.err = nil
			require.Less(t, o.send(s).StatusCode, 300, "and when it is back, all is well")
		})
		t.Run(id+" without the engine", func(t *testing.T) {
			s := newStack(t)
			o := operations(s)[id]
			s.engine.err = down
			if !o.engine {
				require.Less(t, o.send(s).StatusCode, 300, "the books are enough")
				return
			}
			requireLater(t, o.send(s))
			s.engine.err = nil
			require.Less(t, o.send(s).StatusCode, 300)
		})
		require.NotEmpty(t, o.method)
	}
}

// An operation that is added has to be tried without its counterparts too.
func TestNoOperationIsForgotten(t *testing.T) {
	s := newStack(t)
	tried := operations(s)
	var spec struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	require.NoError(t, json.Unmarshal(s.do("GET", "/openapi.json", "", nil).body, &spec))
	for path, methods := range spec.Paths {
		for method, op := range methods {
			if strings.HasPrefix(path, "/v1/webhooks/") {
				continue // below
			}
			require.Contains(t, tried, op.OperationID, "%s %s", method, path)
		}
	}
}

// A channel repeats what was not answered with success, so there is none before
// the notification is kept and the engine knows.
func TestANotificationIsNotAcknowledgedInAnOutage(t *testing.T) {
	for name, breakIt := range map[string]func(*stack, error){
		"of the database":                       func(s *stack, err error) { s.books.err = err },
		"of the engine":                         func(s *stack, err error) { s.engine.err = err },
		"of the database, told of a stranger":   func(s *stack, err error) { s.books.err = err; s.books.attempts = nil },
		"of the database, and it is not proven": func(s *stack, err error) { s.books.err, s.wechat.parseErr = err, errors.New("signature") },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := notified(t)
			breakIt(s, errors.New("dial tcp 10.0.0.7: connection refused"))
			r := s.do("POST", hook, "", `{}`)
			require.Equal(t, 503, r.StatusCode)
			require.Equal(t, "2", r.Header.Get("Retry-After"))
			require.Contains(t, string(r.body), `"FAIL"`, "in the channel's own form")
			require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `regpay_webhooks_total{channel="wechat",outcome="unavailable"} 1`)
		})
	}
}

// A probe takes the process out of the balancer, and does not restart it.
func TestReadinessFollowsWhatIsNeededAndHealthDoesNot(t *testing.T) {
	down := errors.New("down")
	for name, tc := range map[string]struct {
		books, engine error
		want          string
	}{
		"the database is gone": {books: down, want: `{"status":"not ready","database":"unreachable","engine":"ok"}`},
		"the engine is gone":   {engine: down, want: `{"status":"not ready","database":"ok","engine":"unreachable"}`},
		"both are gone":        {books: down, engine: down, want: `{"status":"not ready","database":"unreachable","engine":"unreachable"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			s.books.err, s.engine.err = tc.books, tc.engine
			r := s.do("GET", "/readyz", "", nil)
			require.Equal(t, 503, r.StatusCode)
			require.Equal(t, "2", r.Header.Get("Retry-After"))
			require.JSONEq(t, tc.want, string(r.body))
			require.Equal(t, 200, s.do("GET", "/healthz", "", nil).StatusCode)
			require.Equal(t, 200, s.do("GET", "/metrics", "", nil).StatusCode)
			s.books.err, s.engine.err = nil, nil
			require.Equal(t, 200, s.do("GET", "/readyz", "", nil).StatusCode)
		})
	}
}
