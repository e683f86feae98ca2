package breaker

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics shows the guards of a process to Prometheus: for each hospital and
// system the circuit's state, the calls by what came of them (those that were
// not sent too), and how long answers took. Make it with NewMetrics; it is a
// prometheus.Collector and safe for concurrent use.
type Metrics struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec

	mu     sync.Mutex
	guards []*Guard
}

// NewMetrics has no guards yet.
func NewMetrics() *Metrics {
	return &Metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regpay_calls_total",
			Help: "Calls to other systems by what came of them; circuit_open and rate_limited were not sent.",
		}, []string{"hospital", "system", "op", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "regpay_call_seconds", Help: "Time that calls to other systems took, answered or not, in seconds.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 5, 8, 15},
		}, []string{"hospital", "system"}),
	}
}

var stateOf = prometheus.NewDesc("regpay_circuit_state",
	"1 for the state that the circuit before a system is in: closed (all calls go), half_open (probes go), open (none goes).",
	[]string{"hospital", "system", "state"}, nil)

// Describe and Collect are prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- stateOf
	m.calls.Describe(ch)
	m.seconds.Describe(ch)
}

// Collect reads the present states.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	guards := m.guards
	m.mu.Unlock()
	for _, g := range guards {
		now := g.circuit.State()
		for state, name := range map[circuitbreaker.State]string{
			circuitbreaker.ClosedState: "closed", circuitbreaker.HalfOpenState: "half_open", circuitbreaker.OpenState: "open",
		} {
			is := 0.0
			if state == now {
				is = 1
			}
			ch <- prometheus.MustNewConstMetric(stateOf, prometheus.GaugeValue, is, g.hospital, g.system, name)
		}
	}
	m.calls.Collect(ch)
	m.seconds.Collect(ch)
}

func (m *Metrics) add(g *Guard) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guards = append(m.guards, g)
}

func (m *Metrics) count(g *Guard, op, outcome string) {
	m.calls.WithLabelValues(g.hospital, g.system, op, outcome).Inc()
}

func (m *Metrics) observe(g *Guard, took time.Duration) {
	m.seconds.WithLabelValues(g.hospital, g.system).Observe(took.Seconds())
}
