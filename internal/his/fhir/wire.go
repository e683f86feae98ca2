package fhir

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

const (
	system    = "his"
	mediaType = "application/fhir+json"
	maxReply  = 1 << 20
)

// reply is an answer of the HIS with its body read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request. Its error means that no whole reply came.
func (c *Client) send(ctx context.Context, op, method, path string, header http.Header, body []byte) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, &payment.Failure{Kind: payment.Retryable, System: system, Op: op, Code: "configuration", Err: err}
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", mediaType)
	req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	// Asks for the stored resource in the reply, and for a refusal of search
	// parameters that the server does not know.
	req.Header.Set("Prefer", "return=representation, handling=strict")
	if len(body) > 0 {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, outbound.Unanswered(system, op, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(text) > maxReply {
		err = errors.New("the reply is too large")
	}
	if err != nil {
		return reply{}, outbound.Unanswered(system, op, err)
	}
	return reply{status: resp.StatusCode, header: resp.Header, body: text}, nil
}

// refusal sorts a reply that is not 2xx. Final is only what an OperationOutcome
// says of this registration: our token, a wrong base URL or a proxy's page are
// no reason to give a patient's money back.
func refusal(op, method, typ string, r reply) *payment.Failure {
	f := &payment.Failure{Kind: payment.Uncertain, System: system, Op: op, Code: "http_" + strconv.Itoa(r.status)}
	o := parseOutcome(r.body)
	if o != nil && r.status >= 400 {
		f.Code = o.code()
	}
	switch {
	case r.status < 400, r.status >= 500, r.status == http.StatusRequestTimeout:
	case r.status == http.StatusPreconditionFailed && method == http.MethodPut:
		f.Kind, f.Code = payment.Retryable, "changed_meanwhile" // If-Match
	case r.status == http.StatusPreconditionFailed && method == http.MethodPost:
		f.Kind, f.Code = payment.Final, "duplicate" // several match If-None-Exist
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden, r.status == http.StatusTooManyRequests,
		r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed, r.status == http.StatusNotAcceptable,
		r.status == http.StatusGone, r.status == http.StatusUnsupportedMediaType, o != nil && o.passing():
		f.Kind = payment.Retryable
	case o == nil:
	case r.status == http.StatusConflict && typ == typeAppointment && method == http.MethodPost &&
		(o.has(his.CodeSlotGone) || o.issue == "conflict" && len(o.codes) == 0):
		f.Kind, f.Code = payment.Final, his.CodeSlotGone
	case r.status == http.StatusConflict && method == http.MethodPut:
		f.Kind = payment.Retryable // somebody else is writing it
	default:
		f.Kind = payment.Final
	}
	return f
}

// unusable is a 2xx that does not say what it has to.
func unusable(op string, err error) *payment.Failure {
	return &payment.Failure{Kind: payment.Uncertain, System: system, Op: op, Code: "unusable_reply", Err: err}
}
