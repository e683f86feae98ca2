package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// problemType begins the type URI of every problem.
const problemType = "urn:regpay:problem:"

// How long a caller should wait before the same request again.
const (
	retryUnavailable = 2 * time.Second
	retryTooMany     = 60 * time.Second // one SMS code a minute
)

// problem is an error on its way to a caller, before it is put in words.
type problem struct {
	code   string
	fields []field
	// text replaces the code's English detail; there is none for Chinese.
	text string
	// maintenance is of payment.CodeMaintenance; again is when it is over.
	maintenance *payment.Maintenance
	again       time.Duration
}

// field is one thing that is wrong with a request.
type field struct{ code, path, text string }

func newProblem(code string) *problem { return &problem{code: code} }

// Error, GetStatus, GetHeaders and ContentType are what huma asks of an error.
func (p *problem) Error() string  { return p.code }
func (p *problem) GetStatus() int { return kindOf(p.code).status }

func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.GetStatus() {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(max(retryUnavailable, p.again.Round(time.Second)).Seconds())))
	case http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(int(retryTooMany.Seconds())))
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="regpay"`)
	}
	return h
}

func (p *problem) ContentType(string) string { return "application/problem+json" }

// in puts the problem in words.
func (p *problem) in(l Language, requestID string) *wire.Problem {
	k := kindOf(p.code)
	w := &wire.Problem{Type: problemType + p.code, Status: k.status, Code: p.code, RequestID: requestID}
	if l == English {
		w.Title, w.Detail = k.en.title, k.en.detail
		if p.text != "" {
			w.Detail = p.text
		}
	} else {
		w.Title, w.Detail = k.zh.title, k.zh.detail
	}
	if m := p.maintenance; m != nil {
		w.System, w.Until, w.Alternatives = m.System, m.Until.UTC(), append([]payment.Method{}, m.Alternatives...)
		w.Detail = inMaintenance(l, *m)
		return w
	}
	for _, f := range p.fields {
		fk := kindOf(f.code)
		e := wire.FieldError{Code: f.code, Field: f.path, Detail: fk.en.detail}
		switch {
		case l != English:
			e.Detail = inChinese(f)
		case f.text != "":
			e.Detail = f.text
		}
		w.Errors = append(w.Errors, e)
	}
	return w
}

// problemOf sorts an error from the engine, the books or a check. Rules that
// were broken keep their codes; what is not known to have happened is 503,
// since the same request can be repeated.
func problemOf(err error) (p *problem, known bool) {
	var ours *problem
	var many payment.Problems
	var one payment.Problem
	switch {
	case errors.As(err, &ours):
		return ours, true
	case errors.As(err, &many) && len(many) > 0:
		return ofProblems(many), true
	case errors.As(err, &one):
		return ofProblems(payment.Problems{one}), true
	case errors.Is(err, store.ErrNotFound):
		return newProblem(payment.CodeNotFound), true
	case errors.Is(err, store.ErrTransition):
		return newProblem(payment.CodeState), true
	}
	return newProblem(CodeUnavailable), false
}

// ofProblems makes one problem of many: with their code where they agree, with
// the first that is more than a rule (a conflict, say) where there is one,
// else as an invalid request that lists them all.
func ofProblems(ps payment.Problems) *problem {
	p := newProblem(ps[0].Code)
	same := true
	for _, q := range ps {
		if q.Maintenance != nil {
			return &problem{code: q.Code, maintenance: q.Maintenance}
		}
		same = same && q.Code == ps[0].Code
		p.fields = append(p.fields, field{code: q.Code, path: wire.Field(q.Field), text: q.Text})
	}
	if same {
		p.text = ps[0].Text
		return p
	}
	p.code = CodeInvalid
	for _, q := range ps {
		if kindOf(q.Code).status != http.StatusUnprocessableEntity {
			p.code, p.text = q.Code, q.Text
			break
		}
	}
	return p
}

// refuse turns any error of a handler into a problem and logs what a caller
// cannot be told.
func (s *server) refuse(ctx context.Context, err error) error {
	p, known := problemOf(err)
	if p.maintenance != nil {
		p.again = p.maintenance.Until.Sub(s.now())
	}
	if !known && !errors.Is(err, context.Canceled) {
		s.log.Warn("a request could not be served", zap.String("request_id", inbound.RequestID(ctx)), zap.Error(err))
	}
	return p
}

// write sends a problem outside of a huma handler.
func (s *server) write(w http.ResponseWriter, r *http.Request, p *problem) {
	l := inbound.LanguageOf(r.Header.Get("Accept-Language"))
	body, err := json.Marshal(p.in(l, inbound.RequestID(r.Context())))
	if err != nil {
		body = []byte(`{}`)
	}
	h := w.Header()
	for name, values := range p.GetHeaders() {
		h[name] = values
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", string(l))
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(p.GetStatus())
	_, _ = w.Write(append(body, '\n')) // the caller may be gone: nothing to do about it
}
