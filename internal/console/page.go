package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// page is one request: who asks, for what, and the ways to answer.
type page struct {
	server *server
	w      http.ResponseWriter
	r      *http.Request
	lang   Language
	now    time.Time // read once, so that one page knows one time

	person  staff.Person // zero before a sign-in
	session *store.Session
	token   string // of the session, as the browser has it
}

func (p *page) ctx() context.Context { return p.r.Context() }

// signedIn says whether somebody is.
func (p *page) signedIn() bool { return p.session != nil }

// param is a part of the path.
func (p *page) param(name string) string { return clean(chi.URLParam(p.r, name)) }

// query is a value of the address.
func (p *page) query(name string) string { return clean(p.r.URL.Query().Get(name)) }

// form is a field of the form that was sent.
func (p *page) form(name string) string { return clean(p.r.PostForm.Get(name)) }

// forms are all values of a field that can be there more than once.
func (p *page) forms(name string) []string {
	var all []string
	for _, v := range p.r.PostForm[name] {
		all = append(all, clean(v))
	}
	return all
}

// clean takes out what no text of a form has: control characters, which a
// browser does not send and PostgreSQL cannot keep all of.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(s)
}

func (p *page) readForm() error {
	p.r.Body = http.MaxBytesReader(p.w, p.r.Body, maxForm)
	kind, _, _ := strings.Cut(p.r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(strings.ToLower(kind)) != "application/x-www-form-urlencoded" {
		return refusal{status: http.StatusUnsupportedMediaType, key: "problem_form"}
	}
	err := p.r.ParseForm()
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refusal{status: http.StatusRequestEntityTooLarge, key: "problem_too_large"}
	case err != nil:
		return refusal{status: http.StatusBadRequest, key: "problem_form"}
	}
	return nil
}

// htmx says whether htmx asks, for a part of a page.
func (p *page) htmx() bool { return p.r.Header.Get("HX-Request") == "true" }

// from is the address of who asks, for the audit log.
func (p *page) from() string { return p.server.from(p.r) }

// hospitals are those that the person works for; "*" stands for all.
func (p *page) hospitals() []string { return slices.Clone(p.person.Hospitals) }

// can says whether the person may do something at a hospital.
func (p *page) can(action staff.Action, hospital string) bool {
	return p.signedIn() && staff.Can(p.person, action, hospital)
}

// somewhere says whether the person may do something at all.
func (p *page) somewhere(action staff.Action) bool {
	return p.signedIn() && (action == "" || staff.May(p.person, action))
}

// require asks whether the person may do something to an object of a hospital.
// The object of a hospital that is not the person's does not exist.
func (p *page) require(action staff.Action, hospital string) error {
	switch {
	case !p.person.Oversees(hospital):
		return errNotFound
	case !p.can(action, hospital):
		return errForbidden
	}
	return nil
}

// ask notes what the person is about to ask of a payment's workflow. What cannot
// be logged is not asked for.
func (p *page) ask(a store.Asking) error {
	a.By, a.Address = p.person.Subject, p.from()
	if err := p.server.books.AskLogged(p.ctx(), a, p.now); err != nil {
		return fmt.Errorf("log what is asked for: %w", err)
	}
	return nil
}

// redirect sends the browser on to a path below base, with messages for it.
func (p *page) redirect(path string, messages ...flashMessage) error {
	if len(messages) > 0 {
		p.server.keepFlash(p.w, p.bound(), messages)
	}
	if path == "/" {
		path = ""
	}
	http.Redirect(p.w, p.r, base+path, http.StatusSeeOther)
	return nil
}

func (p *page) notFound() error  { return errNotFound }
func (p *page) forbidden() error { return errForbidden }

// problem is an answer that says what is wrong, by the key of its words.
func (p *page) problem(status int, key string, args ...any) error {
	return refusal{status: status, key: key, args: args}
}
