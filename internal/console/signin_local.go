package console

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// An address from which so many wrong sign-ins came within the time has to
// wait, whatever accounts they were for: the lock of one account does not stop
// somebody who tries a common password on all of them. A hospital's desks can
// share one address, hence not fewer. Those whose address a proxy hides that the
// configuration does not name share one count, which is larger: a header that
// anybody can send is no way around the rule.
const (
	addressTries  = 30
	hiddenTries   = 10 * addressTries
	addressWindow = 15 * time.Minute
	addressRoom   = 10_000 // remembered at a time
)

// refusalTakes is how long a refused sign-in takes at least. What the books
// write of a wrong password, and do not of an unknown account, is lost in it.
const refusalTakes = 300 * time.Millisecond

// hidden is the place of all whose address is not known.
const hidden = "hidden"

// localSignIn is the sign-in with accounts of this installation.
type localSignIn struct {
	now   func() time.Time
	takes time.Duration

	mu    sync.Mutex
	tries map[string]tally
}

// tally counts the sign-ins of a place since a time, but for those that were
// right.
type tally struct {
	since time.Time
	n     int
}

func newLocal(now func() time.Time, takes time.Duration) *localSignIn {
	return &localSignIn{now: now, takes: takes, tries: map[string]tally{}}
}

// place is what sign-ins are counted by: the address, and of IPv6 the network,
// since a single machine has as many addresses there as it likes.
func place(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is6() {
		return address
	}
	network, _ := a.Prefix(64) // any IPv6 address has one
	return network.String()
}

// enter counts a try before its password is looked at, so that tries that come
// at once all count, or says how long the place has to wait.
func (l *localSignIn) enter(place string) (wait time.Duration) {
	most := addressTries
	if place == hidden {
		most = hiddenTries
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	t, known := l.tries[place]
	if known && !now.Before(t.since.Add(addressWindow)) {
		t, known = tally{}, false
	}
	if t.n >= most {
		return max(t.since.Add(addressWindow).Sub(now), time.Second)
	}
	if !known {
		l.makeRoom(now)
		t.since = now
	}
	t.n++
	l.tries[place] = t
	return 0
}

// leave takes a try back that was right, or was not looked at.
func (l *localSignIn) leave(place string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.tries[place]; ok && t.n > 0 {
		t.n--
		l.tries[place] = t
	}
}

func (l *localSignIn) makeRoom(now time.Time) {
	if len(l.tries) < addressRoom {
		return
	}
	for a, t := range l.tries {
		if !now.Before(t.since.Add(addressWindow)) {
			delete(l.tries, a)
		}
	}
	if len(l.tries) >= addressRoom {
		clear(l.tries) // the locks of the accounts stay
	}
}

// pause waits until a refusal may be answered.
func (l *localSignIn) pause(ctx context.Context, began time.Time) {
	timer := time.NewTimer(l.takes - time.Since(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// signInLocal takes the form with name and password. What it answers is the
// same for a wrong password, an unknown name, and an account that is locked or
// disabled: who works here is nobody else's business, and a lock must not tell
// a guesser when the guess was right.
func (s *server) signInLocal(p *page) error {
	began := time.Now()
	next, _ := below(p.form("next"))
	login := staff.NormalLogin(p.form("login"))
	from, at := p.from(), hidden
	if s.placed(p.r) {
		at = place(from)
	}
	if wait := s.local.enter(at); wait > 0 {
		return s.refuseSignIn(p, http.StatusTooManyRequests, cut(login, 64), next, "signin_wait", int(wait/time.Minute)+1)
	}
	// As it was typed: spaces can be part of a password.
	person, err := s.books.SignIn(p.ctx(), login, p.r.PostForm.Get("password"), from, p.now)
	if err == nil {
		err = s.begin(p, person, store.ViaLocal) // store.ErrSignIn: it was disabled meanwhile
	}
	switch locked := errors.Is(err, store.ErrLocked); {
	case locked, errors.Is(err, store.ErrSignIn):
		s.log.Info("a sign-in was refused", zap.String("request_id", inbound.RequestID(p.ctx())), zap.Bool("locked", locked))
		s.local.pause(p.ctx(), began)
		return s.refuseSignIn(p, http.StatusForbidden, cut(login, 64), next, "signin_refused")
	case err != nil:
		s.local.leave(at)
		return err
	}
	s.local.leave(at)
	return p.redirect(next)
}
