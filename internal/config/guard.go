package config

import (
	"slices"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Guard is how a system that is slow or down is kept from slowing everybody:
// its circuit breaker and its limit. Zero fields have the defaults of package
// breaker.
type Guard struct {
	CallsPerSecond int           `yaml:"calls_per_second"`
	FailurePercent int           `yaml:"failure_percent"`
	MinCalls       int           `yaml:"min_calls"`
	Window         time.Duration `yaml:"window"`
	OpenFor        time.Duration `yaml:"open_for"`
	Probes         int           `yaml:"probes"`
	SlowCall       time.Duration `yaml:"slow_call"`
}

// Workers says who takes the steps of payments, and how much at a time.
type Workers struct {
	// Separate keeps payments' steps out of `starter serve`, for hosts that must
	// not reach the channels, the HIS or the backend; starting takes longer then.
	Separate bool `yaml:"separate"`
	// Queues by the name of what their steps touch: his, insurance, …
	Queues map[string]Queue `yaml:"queues"`
}

// Queue bounds the steps of one task queue.
type Queue struct {
	// PerSecond is of the whole queue, over all workers; zero is no limit.
	PerSecond int `yaml:"per_second"`
	// Concurrent is of one process.
	Concurrent int `yaml:"concurrent"`
}

// defaultConcurrent keeps a system that answers nothing from holding all that a
// process has: 100 steps of 15 s are more than six a second.
const defaultConcurrent = 100

// Queue is the bounds of a queue with their defaults, by its short name.
func (w Workers) Queue(name string) Queue {
	q := w.Queues[name]
	if q.Concurrent == 0 {
		q.Concurrent = defaultConcurrent
	}
	return q
}

// QueueNames are the queues that can be bounded.
func QueueNames() []string {
	names := []string{"books", "his", "identity", "backend"}
	for _, ch := range payment.Channels() {
		names = append(names, string(ch))
	}
	return names
}

func (c *checks) workers(w Workers) {
	for name, q := range w.Queues {
		c.need(slices.Contains(QueueNames(), name), "workers.queues: there is no queue %s", name)
		c.need(q.PerSecond >= 0, "workers.queues.%s.per_second is negative", name)
		c.need(q.Concurrent >= 0, "workers.queues.%s.concurrent is negative", name)
	}
}

// guards checks those of a hospital, by the keys of their systems.
func (c *checks) guards(h Hospital) {
	all := map[string]Guard{"his": h.HIS.Guard}
	if w := h.Channels.WeChat; w != nil {
		all["channels.wechat"] = w.Guard
	}
	if u := h.Channels.UnionPay; u != nil {
		all["channels.unionpay"] = u.Guard
	}
	if i := h.Channels.Insurance; i != nil {
		all["channels.insurance"] = i.Guard
	}
	for system, g := range all {
		c.need(g.FailurePercent >= 0 && g.FailurePercent <= 100, "hospital %s: %s.guard.failure_percent lies between 1 and 100", h.ID, system)
		for key, n := range map[string]int64{"calls_per_second": int64(g.CallsPerSecond), "min_calls": int64(g.MinCalls), "probes": int64(g.Probes),
			"window": int64(g.Window), "open_for": int64(g.OpenFor), "slow_call": int64(g.SlowCall)} {
			c.need(n >= 0, "hospital %s: %s.guard.%s is negative", h.ID, system, key)
		}
		// It is looked at in ten slices; a shorter one forgets before it has
		// heard of ten calls.
		c.need(g.Window == 0 || g.Window >= time.Second, "hospital %s: %s.guard.window is shorter than 1s", h.ID, system)
	}
}
