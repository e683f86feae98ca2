package integration

import (
	"sync"
	"testing"
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
				if err := place.in.Sandbox.Heal(background(), name); err != nil {
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

func (p part) counterparty() string {
	return [...]string{machine: "", wechat: "wechat", unionpay: "unionpay", insurance: "insurance", his: "his"}[p]
}
