package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// passwordData is the page on which people choose their own password. Must says
// that they have to: somebody else has seen the one that they have.
type passwordData struct {
	Login string
	Must  bool
	Wrong string
	Least int // characters
}

// local says whether the person signed in with a password of this installation;
// others change theirs at the issuer.
func (p *page) local() bool { return p.signedIn() && p.session.Via == store.ViaLocal }

func (p *page) login() string { return strings.TrimPrefix(p.person.Subject, staff.LocalSubject("")) }

func (p *page) passwordData(wrong string) passwordData {
	d := passwordData{Login: p.login(), Must: p.session.MustChange, Least: staff.MinPassword}
	if wrong != "" {
		d.Wrong = say(p.lang, wrong)
	}
	return d
}

func (s *server) passwordPage(p *page) error {
	if !p.local() {
		return p.notFound()
	}
	return p.render("password.html", p.passwordData(""))
}

// changePassword ends the person's other sessions and begins a new one here.
func (s *server) changePassword(p *page) error {
	if !p.local() {
		return p.notFound()
	}
	// As they were typed: spaces can be part of a password.
	old, chosen, again := p.r.PostForm.Get("old"), p.r.PostForm.Get("new"), p.r.PostForm.Get("again")
	err := error(nil)
	wrong := ""
	if chosen != again {
		wrong = "wrong_password_again"
	} else {
		err = s.books.ChangePassword(p.ctx(), p.login(), old, chosen, p.from(), p.now)
	}
	for _, rule := range []struct {
		err error
		key string
	}{{staff.ErrPassword, "wrong_password_short"}, {store.ErrSamePassword, "wrong_password_same"},
		{store.ErrLocked, "wrong_password_locked"}, {store.ErrSignIn, "wrong_password_old"}} {
		if errors.Is(err, rule.err) {
			wrong = rule.key
		}
	}
	switch {
	case wrong != "":
		return p.renderStatus(http.StatusUnprocessableEntity, "password.html", p.passwordData(wrong))
	case err != nil:
		return err
	}
	if err := s.begin(p, p.person, store.ViaLocal); err != nil {
		return err
	}
	return p.redirect("/", good("flash_password_changed"))
}

// askPassword sends somebody whose password others have seen to where it is
// changed.
func (p *page) askPassword() {
	to := base + pathPassword
	if p.htmx() {
		p.w.Header().Set("HX-Redirect", to) // a redirect would be followed unseen
		p.w.WriteHeader(http.StatusForbidden)
		return
	}
	http.Redirect(p.w, p.r, to, http.StatusSeeOther)
}
