package plain

import (
	"encoding/json"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// problem is an error that a caller is told, by regpay's own code for it.
type problem struct {
	status int
	code   string
	text   string
}

func (p problem) Error() string { return p.code }

var (
	errUnauthorized = problem{http.StatusUnauthorized, api.CodeUnauthorized, "A valid API key is missing."}
	errMalformed    = problem{http.StatusBadRequest, api.CodeMalformed, "The body is not valid JSON."}
	errUnavailable  = problem{http.StatusServiceUnavailable, api.CodeUnavailable, "Send the same request again."}
	errConflict     = problem{http.StatusConflict, payment.CodeOrderConflict, "This order number was used with another request."}
)

// problemOf sorts an error. What is neither a broken rule nor the channel's
// refusal is an unknown outcome: the same request can be sent again.
func problemOf(err error) (p problem, known bool) {
	var many payment.Problems
	var one payment.Problem
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &many) && len(many) > 0:
		one = many[0]
		return problem{http.StatusUnprocessableEntity, one.Code, many.Error()}, true
	case errors.As(err, &one):
		return problem{http.StatusUnprocessableEntity, one.Code, one.Error()}, true
	case payment.KindOf(err) == payment.Final:
		return problem{http.StatusUnprocessableEntity, payment.CodeChannelDeclined, "The channel declined the request: " + payment.CodeOf(err)}, true
	}
	return errUnavailable, false
}

// refuse answers with a problem (RFC 9457).
func (a *arm) refuse(w http.ResponseWriter, err error) {
	p, known := problemOf(err)
	if !known {
		a.Log.Warn("a request could not be served", zap.Error(err))
	}
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	reply(w, p.status, wire.Problem{Type: "urn:regpay:problem:" + p.code, Title: http.StatusText(p.status),
		Status: p.status, Code: p.code, Detail: p.text})
}

// reply writes JSON.
func reply(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone: nothing to do about it
}
