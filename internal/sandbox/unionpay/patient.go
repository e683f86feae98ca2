package unionpay

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Reasons why a patient cannot pay.
var (
	errNoOrder = errors.New("unionpay: there is no such order")
	errOver    = errors.New("unionpay: the order can no longer be paid")
)

// PatientPays implements [sandbox.Payer]. After payTimeout nobody can pay, a
// late patient neither; PayTwice pays what is unpaid and then once more.
func (s *Server) PatientPays(_ context.Context, order sandbox.Order, behaviour sandbox.Behaviour) error {
	s.mu.Lock()
	t := s.byToken[order.Token]
	if t == nil {
		s.mu.Unlock()
		return errNoOrder
	}
	now := s.env.Clock.Now()
	paid, err := s.act(t, behaviour, now)
	s.mu.Unlock()
	for _, p := range paid {
		s.notify(p)
	}
	return err
}

// act carries out what the patient does and returns the payments that were
// made; s.mu is held.
func (s *Server) act(t *transaction, behaviour sandbox.Behaviour, now time.Time) (paid []*transaction, _ error) {
	s.expire(t, now)
	late := !t.expires.IsZero() && !now.Before(t.expires)
	switch {
	case late, !t.pending() && (behaviour != sandbox.PayTwice || t.outcome != codeOK):
		return nil, errOver
	case behaviour == sandbox.Fail:
		t.outcome = codeNoBalance
		_, err := s.book.Fail(t.bookKey)
		return nil, err
	}
	times := 1
	if behaviour == sandbox.PayTwice && t.pending() {
		times = 2
	}
	for range times {
		p, err := s.capture(t, now)
		if err != nil {
			return paid, err
		}
		paid = append(paid, p)
	}
	return paid, nil
}

// newToken is a tn: 21 digits, of which the first are the time. It cannot be
// guessed, since whoever has it may pay.
func newToken(now time.Time) (string, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(15), nil))
	if err != nil {
		return "", err
	}
	digits := n.String()
	return now.In(shanghai()).Format("060102") + strings.Repeat("0", 15-len(digits)) + digits, nil
}
