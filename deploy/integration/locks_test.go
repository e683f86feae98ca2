package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// locks are what tests have in common. A test that breaks a counterparty or
// kills a process has it alone; every other test shares it.
type locks struct {
	machine                          sync.RWMutex // regpay's own processes
	wechat, unionpay, insurance, his sync.RWMutex
	held                             sync.Map // how to give everything back, by *testing.T
	// seats bound how many tests work at the same time. The testing package's
	// own bound cannot: tests that wait for a lock would keep its places from
	// the parts of the very test that has the lock.
	seats chan struct{}
}

// part is one of them.
type part int

const (
	machine part = iota
	wechat
	unionpay
	insurance
	his
	parts
)

func (l *locks) of(p part) *sync.RWMutex {
	return [...]*sync.RWMutex{&l.machine, &l.wechat, &l.unionpay, &l.insurance, &l.his}[p]
}

// hold starts a test that runs beside others: everything is shared but the
// parts that the test breaks. They are taken in one order, so that no two
// tests wait for each other, and given back, healed, at the test's end.
func hold(t *testing.T, breaks ...part) *world {
	t.Helper()
	t.Parallel()
	broken := [parts]bool{}
	for _, p := range breaks {
		broken[p] = true
	}
	var back []func()
	for p := range parts {
		mu := place.parts.of(p)
		if !broken[p] {
			mu.RLock()
			back = append(back, mu.RUnlock)
			continue
		}
		mu.Lock()
		back = append(back, func() {
			defer mu.Unlock()
			if name := p.counterparty(); name != "" {
				// The test's own context may have ended by now.
				ctx, cancel := context.WithTimeout(background(), patience)
				defer cancel()
				if err := errors.Join(place.in.Sandbox.Heal(ctx, name), place.letAllThrough(ctx, p)); err != nil {
					t.Errorf("heal %s: %v", name, err)
				}
			}
		})
	}
	place.parts.seats <- struct{}{}
	all := sync.OnceFunc(func() {
		<-place.parts.seats
		for _, f := range back {
			f()
		}
	})
	place.parts.held.Store(t, all)
	t.Cleanup(all)
	return place
}

// giveBack heals what the test broke and lets others have everything, before
// a long wait.
func (w *world) giveBack(t *testing.T) {
	t.Helper()
	all, ok := w.parts.held.Load(t)
	if !ok {
		t.Fatal("this test holds nothing by itself")
	}
	all.(func())()
}

// letAllThrough has payments ask a part until the API's guard before it has seen
// that it works: else the next test's payments might not get through at once.
func (w *world) letAllThrough(ctx context.Context, p part) error {
	for _, hospital := range []string{renmin, xiehe} {
		closed := fmt.Sprintf(`regpay_circuit_state{hospital=%q,state="closed",system=%q} 1`, hospital, p.counterparty())
		err := scenario.Wait(ctx, func() (bool, error) {
			text, err := local.Metrics(ctx, w.in.APIBase)
			if err != nil || strings.Contains(text, closed) {
				return err == nil, err
			}
			return false, w.ask(ctx, hospital, p)
		})
		if err != nil {
			return fmt.Errorf("the circuit of %s: %w", hospital, err)
		}
	}
	return nil
}

// ask plays a payment for which a part is asked.
func (w *world) ask(ctx context.Context, hospital string, p part) (err error) {
	person := scenario.NewPerson()
	choice := wechatNative(person)
	switch p {
	case unionpay:
		choice = unionpayApp(person)
	case insurance:
		if choice, err = scenario.Insurance(ctx, w.in, hospital, person); err != nil {
			return err
		}
	}
	answer, _, err := w.in.API.Start(ctx, scenario.NewStart(hospital, person, choice))
	if err != nil {
		return err
	}
	if p == insurance {
		_, err = scenario.Prove(ctx, w.in, answer)
	} else {
		err = scenario.Pay(ctx, w.in, answer, sandbox.Pay)
	}
	if err != nil {
		return err
	}
	_, err = scenario.Until(ctx, w.in, answer.PaymentID, payment.Completed)
	return err
}

func (p part) counterparty() string {
	return [...]string{machine: "", wechat: "wechat", unionpay: "unionpay", insurance: "insurance", his: "his"}[p]
}
