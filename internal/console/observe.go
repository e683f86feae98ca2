package console

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
)

// observed logs every request by the template of its path. Paths, queries and
// forms as sent hold numbers and personal data and stay out.
func (s *server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			route := inbound.Route(r)
			method := "other"
			if r.Method == http.MethodGet || r.Method == http.MethodPost {
				method = r.Method
			}
			level := zap.InfoLevel
			if r.Header.Get(headerPoll) != "" || route == base+pathAssets+"{name}" {
				level = zap.DebugLevel
			}
			s.log.Log(level, "console request", zap.String("request_id", inbound.RequestID(r.Context())),
				zap.String("method", method), zap.String("route", route), zap.Int("status", ww.Status()),
				zap.Int("bytes", ww.BytesWritten()), zap.Duration("took", s.now().Sub(start).Round(time.Microsecond)))
		}()
		next.ServeHTTP(ww, r)
	})
}

// recovered answers a programming error with a page instead of a dropped
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
			s.log.Error("a page panicked", zap.String("request_id", inbound.RequestID(r.Context())), zap.Stack("stack"))
			p := &page{server: s, w: w, r: r, lang: languageOf(r), now: s.now()}
			p.fail(refusal{status: http.StatusInternalServerError, key: "problem_internal"})
		}()
		next.ServeHTTP(w, r)
	})
}
