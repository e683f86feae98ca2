package console

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// signInBooks is what signing in asks of the books.
type signInBooks interface {
	// SignIn checks a local account's password: store.ErrSignIn when it is wrong,
	// or the account is not there, disabled or locked. It counts what was wrong.
	SignIn(ctx context.Context, login, password, address string, at time.Time) (staff.Person, error)
	// StartSession returns the token that the browser keeps; the books have its
	// hash alone.
	StartSession(ctx context.Context, n store.NewSession, at time.Time) (token string, _ store.Session, err error)
	// Session finds a session that still lasts and prolongs it; PeekSession does
	// not prolong it. store.ErrNotFound: there is none, or none any more.
	Session(ctx context.Context, token string, at time.Time) (store.Session, error)
	PeekSession(ctx context.Context, token string, at time.Time) (store.Session, error)
	EndSession(ctx context.Context, token string, at time.Time) error
}

var _ signInBooks = (*store.Store)(nil)

// headerPoll marks what a page asks by itself. Nobody sits in front of it for
// that, so it does not prolong a session.
const headerPoll = "X-Console-Poll"

// tokenLength is of a session's token, as the browser has it.
const tokenLength = 43

// identify finds the session of a request. A request without one, or with one
// that ended, is nobody's and no error.
func (s *server) identify(p *page) error {
	p.token = s.cookie(p.r, cookieSession)
	if len(p.token) != tokenLength {
		return nil
	}
	find := s.books.Session
	if p.r.Header.Get(headerPoll) != "" {
		find = s.books.PeekSession
	}
	session, err := find(p.ctx(), p.token, p.now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find the session: %w", err)
	case !p.now.Before(session.ExpiresAt) || !p.now.Before(session.IdleAt):
		return nil // whoever keeps them, an ended session opens nothing
	case session.Via == store.ViaLocal && s.local == nil, session.Via == store.ViaOIDC && s.oidc == nil:
		return nil // this way in was closed since
	}
	p.session, p.person = &session, session.Person
	return nil
}

// begin signs somebody in: with a new token always, so that one that somebody
// else had put into the browser is worth nothing.
func (s *server) begin(p *page, person staff.Person, via store.Via) error {
	if p.token != "" {
		if err := s.books.EndSession(p.ctx(), p.token, p.now); err != nil {
			return fmt.Errorf("end the session before: %w", err)
		}
	}
	token, session, err := s.books.StartSession(p.ctx(),
		store.NewSession{Person: person, Via: via, Lasts: s.life, Address: p.from()}, p.now)
	if err != nil {
		return fmt.Errorf("start a session: %w", err)
	}
	p.token, p.session, p.person = token, &session, session.Person
	// Without a time of its own: it goes with the browser, if not before.
	s.setCookie(p.w, cookieSession, token, 0)
	return nil
}

// signOut ends the session, and the one at the issuer: at a desk that people
// share, the next one would otherwise be signed in as the one before.
func (s *server) signOut(p *page) error {
	elsewhere := ""
	if p.signedIn() {
		if !s.checkToken(p) {
			return errStaleForm
		}
		if err := s.books.EndSession(p.ctx(), p.token, p.now); err != nil {
			return fmt.Errorf("end the session: %w", err)
		}
		if s.oidc != nil && p.session.Via == store.ViaOIDC {
			elsewhere = s.oidc.endAddress(p.ctx(), s.origin+base+pathSignIn)
		}
	}
	p.session, p.token, p.person = nil, "", staff.Person{}
	s.dropCookie(p.w, cookieSession)
	if elsewhere != "" {
		s.keepFlash(p.w, nil, []flashMessage{good("signed_out")})
		http.Redirect(p.w, p.r, elsewhere, http.StatusSeeOther)
		return nil
	}
	return p.redirect(pathSignIn, good("signed_out"))
}

// bound is what signed cookies of a session are bound to; nil before a sign-in.
func (p *page) bound() []byte {
	if !p.signedIn() {
		return nil
	}
	sum := sha256.Sum256([]byte(p.token))
	return sum[:]
}
