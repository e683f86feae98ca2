package inbound

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// RequestIDHeader carries the number under which a request is logged.
const RequestIDHeader = "X-Request-Id"

type requestIDKey struct{}

// WithRequestID gives every request a number, and tells the caller of it. It is
// always made here and never taken from the caller: what is logged has to be
// known to hold no personal data.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b [12]byte
		_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the program instead
		id := hex.EncodeToString(b[:])
		w.Header().Set(RequestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestID is the request's number; empty outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Route is the template of the path that a request was routed by, or "unknown".
func Route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil && c.RoutePattern() != "" {
		return c.RoutePattern()
	}
	return "unknown"
}
