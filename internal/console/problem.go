package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// refusal is an error on its way to a person, before it is put in words.
type refusal struct {
	status int
	key    string
	args   []any
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.key) }

// Is says that refusals are the same whatever goes into their words.
func (r refusal) Is(target error) bool {
	t, ok := target.(refusal)
	return ok && t.status == r.status && t.key == r.key
}

// The refusals that more than one place knows, and the one that asks for a
// sign-in.
var (
	errNotFound  = refusal{status: http.StatusNotFound, key: "problem_not_found"}
	errForbidden = refusal{status: http.StatusForbidden, key: "problem_forbidden"}
	errStaleForm = refusal{status: http.StatusForbidden, key: "problem_stale_form"}
	errSignIn    = errors.New("nobody is signed in")
	errPassword  = errors.New("the password has to be changed first")
)

// problemData is what problem.html is made of.
type problemData struct {
	Status      int
	Title, Text string
}

// refusalOf sorts an error of a handler, the books or the engine. What is not
// known to have happened is 503: somebody has to look before doing it again.
func refusalOf(err error) (r refusal, known bool) {
	var one payment.Problem
	switch {
	case errors.As(err, &r):
		return r, true
	case errors.Is(err, store.ErrNotFound):
		return errNotFound, true
	case errors.As(err, &one), errors.Is(err, store.ErrTransition):
		return refusal{status: http.StatusConflict, key: "problem_rule"}, true
	}
	return refusal{status: http.StatusServiceUnavailable, key: "problem_unavailable"}, false
}

// fail answers with what went wrong.
func (p *page) fail(err error) {
	if errors.Is(err, errSignIn) {
		p.askSignIn()
		return
	}
	if errors.Is(err, errPassword) {
		p.askPassword()
		return
	}
	r, known := refusalOf(err)
	if !known && !errors.Is(err, context.Canceled) {
		p.server.log.Warn("the console could not answer", zap.String("request_id", inbound.RequestID(p.ctx())), zap.Error(err))
	}
	data := problemData{Status: r.status, Title: say(p.lang, r.key+"_title"), Text: say(p.lang, r.key, r.args...)}
	if err := p.renderStatus(r.status, "problem.html", data); err != nil {
		// The page of problems has one itself: plain words are left.
		p.server.log.Error("a problem could not be shown", zap.String("request_id", inbound.RequestID(p.ctx())), zap.Error(err))
		http.Error(p.w, data.Title+"\n"+data.Text, r.status)
	}
}

// askSignIn sends somebody who is not signed in to where people sign in, and
// from there back. A form that was sent is lost; its page comes again.
func (p *page) askSignIn() {
	next := p.r.URL.RequestURI()
	if p.r.Method != http.MethodGet || p.htmx() {
		next = ""
		if from, err := url.Parse(p.r.Referer()); err == nil && from.Host == p.r.Host {
			next = from.RequestURI()
		}
	}
	to := base + pathSignIn
	query := url.Values{}
	if at, ok := below(next); ok && at != "" {
		query.Set("next", base+at)
	}
	if p.token != "" {
		query.Set("ended", "1")
	}
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	if p.htmx() {
		// A redirect would be followed unseen, and the sign-in page land in a part
		// of this one.
		p.w.Header().Set("HX-Redirect", to)
		p.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(p.w, p.r, to, http.StatusSeeOther)
}
