// Package breaker keeps a system that is slow or down from slowing everybody.
//
// A call to such a system holds a slot of a worker until its deadline, and one
// that is down is not helped by being asked more often. So each hospital's
// account at each system has a Guard, which its client is wrapped in: a
// circuit breaker that stops asking after too many calls without an answer and
// lets a few probes through after a while, and a limit to the calls per second.
// No guard knows of another, so wechat is asked while the insurance is not.
//
// A call that a guard turns away was not sent. It is a payment.Failure of kind
// Retryable, so the same step comes again later; whether an earlier try of that
// step may have happened, the step itself finds out when it is sent again
// (rule I3). A guard never changes what the system answered: an unknown outcome
// stays unknown. Notifications are not calls of ours, and are never turned away.
//
// State is kept by process: another process learns of an outage by a few calls
// of its own.
package breaker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"github.com/regpay/regpay/internal/payment"
)

// Codes of the Failures of calls that were not sent.
const (
	CodeOpen    = "circuit_open"
	CodeLimited = "rate_limited"
)

// Settings of one guard. A zero field has the default that is named with it;
// deploy/regpay.yaml tells operators the same.
type Settings struct {
	// CallsPerSecond that this process may make at most; zero is no limit. It
	// is counted by whole seconds, so that calls of one moment may go together.
	CallsPerSecond int
	// FailurePercent of the calls within Window that opens the circuit, once
	// there were MinCalls: 60 of 10 calls in 30 s. It is more than half since a
	// system that needs 4 s fails each first try, which has 3 s, and answers
	// each second one: it is slow, not down.
	FailurePercent int
	MinCalls       int
	Window         time.Duration
	// OpenFor is how long nothing is sent then, 10 s, and Probes how many calls
	// may go at a time afterwards, 3. More than half of them have to be
	// answered before all may go again.
	OpenFor time.Duration
	Probes  int
	// SlowCall is how long an answer may take before it counts as none: 8 s.
	SlowCall time.Duration
}

func (s Settings) withDefaults() Settings {
	orElse := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	orElse(&s.FailurePercent, 60)
	orElse(&s.MinCalls, 10)
	orElse(&s.Probes, 3)
	for d, otherwise := range map[*time.Duration]time.Duration{&s.Window: 30 * time.Second, &s.OpenFor: 10 * time.Second, &s.SlowCall: 8 * time.Second} {
		if *d == 0 {
			*d = otherwise
		}
	}
	return s
}

// Guard stands before one hospital's account at one system. It is safe for
// concurrent use.
type Guard struct {
	hospital, system string
	settings         Settings
	metrics          *Metrics
	circuit          circuitbreaker.CircuitBreaker[any]
	limit            ratelimiter.RateLimiter[any] // nil for none
	// changes counts the circuit's states: what a call learns of an earlier one
	// says nothing of the present.
	changes atomic.Int64
}

// New makes a guard whose state and calls are shown by m.
func New(hospital, system string, s Settings, m *Metrics) *Guard {
	s = s.withDefaults()
	g := &Guard{hospital: hospital, system: system, settings: s, metrics: m}
	g.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(float64(s.FailurePercent)/100, uint(s.MinCalls), s.Window).
		WithSuccessThresholdRatio(uint(s.Probes/2+1), uint(s.Probes)).
		WithDelay(s.OpenFor).
		OnStateChanged(func(circuitbreaker.StateChangedEvent) { g.changes.Add(1) }).
		Build()
	if s.CallsPerSecond > 0 {
		g.limit = ratelimiter.NewBursty[any](uint(s.CallsPerSecond), time.Second)
	}
	m.add(g)
	return g
}

// enter lets a call pass or says why not.
func (g *Guard) enter() (code string) {
	// While the circuit is open nothing is sent, so nothing counts towards the
	// limit either.
	if g.circuit.IsOpen() && g.circuit.RemainingDelay() > 0 {
		return CodeOpen
	}
	if g.limit != nil && !g.limit.TryAcquirePermit() {
		return CodeLimited
	}
	if !g.circuit.TryAcquirePermit() {
		return CodeOpen
	}
	return ""
}

// call makes one call under the guard's rules.
func call[O any](ctx context.Context, g *Guard, op string, send func() (O, error)) (O, error) {
	if code := g.enter(); code != "" {
		g.metrics.count(g, op, code)
		var none O
		return none, &payment.Failure{Kind: payment.Retryable, System: g.system, Op: op, Code: code}
	}
	state, start := g.changes.Load(), time.Now()
	heard := healthDoubtful // of a call that panics
	defer func() { g.leave(state, heard) }()
	out, err := send()
	took := time.Since(start)
	heard = g.health(ctx, err, took)
	g.metrics.count(g, op, outcome(err, heard))
	g.metrics.observe(g, took)
	return out, err
}

// leave records what a call told of the system's health.
func (g *Guard) leave(state int64, h health) {
	if state != g.changes.Load() {
		return
	}
	switch {
	case h == healthGood:
		g.circuit.RecordSuccess()
	case h == healthBad, h == healthSlow:
		g.circuit.RecordFailure()
	case g.circuit.IsHalfOpen():
		// A probe that told nothing gives its place back only with a result, and
		// the careful one is to wait once more.
		g.circuit.RecordFailure()
	}
}
