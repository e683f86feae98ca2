package api

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
)

type accessKey struct{}

// access is what a request's log line learns on the way.
type access struct{ keyID string }

// noteKey adds the API key's id (never the key) to the log line.
func noteKey(ctx context.Context, id string) {
	if a, ok := ctx.Value(accessKey{}).(*access); ok {
		a.keyID = id
	}
}

// observed logs and measures every request by the template of its path. Paths,
// queries and bodies as sent hold ids and personal data and stay out.
func (s *server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		a := &access{}
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		r = r.WithContext(context.WithValue(r.Context(), accessKey{}, a))
		defer func() {
			route := inbound.Route(r)
			status := ww.Status()
			if status == 0 {
				status = http.StatusOK
			}
			took := s.now().Sub(start)
			s.metrics.request(methodOf(r), route, status, took)
			level := zap.InfoLevel
			if route == "/healthz" || route == "/readyz" || route == "/metrics" {
				level = zap.DebugLevel
			}
			s.log.Log(level, "request",
				zap.String("request_id", inbound.RequestID(r.Context())),
				zap.String("method", methodOf(r)), zap.String("route", route),
				zap.Int("status", status), zap.Int("bytes", ww.BytesWritten()),
				zap.Duration("took", took.Round(time.Microsecond)), zap.String("key", a.keyID))
		}()
		next.ServeHTTP(ww, r)
	})
}

// methodOf keeps invented methods out of logs and labels.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return r.Method
	}
	return "other"
}

// recovered answers a programming error with a 500 instead of a dropped
// connection, and logs where it was.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			// The panic's value may quote input; the stack says where it was.
			s.log.Error("a handler panicked", zap.String("request_id", inbound.RequestID(r.Context())),
				zap.String("route", inbound.Route(r)), zap.Stack("stack"))
			s.write(w, r, newProblem(CodeInternal))
		}()
		next.ServeHTTP(w, r)
	})
}

// timed bounds how long a handler may take.
func (s *server) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
