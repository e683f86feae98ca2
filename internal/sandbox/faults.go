package sandbox

import (
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Faults decides what goes wrong at one counterparty, and counts it. Each kind
// of choice draws from a stream of its own, so that the n-th choice of a kind
// depends on the seed and n alone, whatever else happens meanwhile. It is safe
// for concurrent use.
type Faults struct {
	name  string
	seed  uint64
	clock Clock

	mu       sync.Mutex
	spec     FaultSpec
	streams  map[string]*rand.Rand
	injected map[string]int64
	outages  int64
}

// NewFaults starts without faults.
func NewFaults(name string, seed uint64, clock Clock) *Faults {
	return &Faults{name: name, seed: seed, clock: clock, streams: map[string]*rand.Rand{}, injected: map[string]int64{}}
}

// FaultStatus is the spec in force and what was injected since the sandbox
// started, by kind.
type FaultStatus struct {
	FaultSpec
	Injected map[string]int64 `json:"injected"`
}

// Set replaces the spec and restarts the random streams; counts go on.
func (f *Faults) Set(spec FaultSpec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spec = spec
	f.streams = map[string]*rand.Rand{}
	f.outages = 0
	return nil
}

// Heal removes every fault; counts stay.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spec = FaultSpec{}
}

// Spec is what is in force.
func (f *Faults) Spec() FaultSpec {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spec
}

// Status is what GET /faults/{counterparty} shows.
func (f *Faults) Status() FaultStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return FaultStatus{FaultSpec: f.spec, Injected: maps.Clone(f.injected)}
}

// Hit draws whether a fault of that kind happens now, at the given rate, and
// counts it under kind if it does. Counterparties use it for faults of their
// own, such as Hit("slot_gone", spec.HIS.SlotGoneRate).
func (f *Faults) Hit(kind string, rate float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit(kind, rate)
}

// Delay draws a duration from a distribution; kind names its random stream. It
// is zero for the zero Latency.
func (f *Faults) Delay(kind string, l Latency) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.sample(f.stream(kind))
}

func (f *Faults) hit(kind string, rate float64) bool {
	if rate <= 0 || f.stream(kind).Float64() >= rate {
		return false
	}
	f.injected[kind]++
	return true
}

func (f *Faults) stream(kind string) *rand.Rand {
	s, ok := f.streams[kind]
	if !ok {
		seed := f.spec.Seed
		if seed == 0 {
			seed = f.seed
		}
		s = newStream(seed, f.name+"/"+kind)
		f.streams[kind] = s
	}
	return s
}

// newStream is a repeatable source of choices for one purpose.
func newStream(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// sample draws from a log-normal through p50 and p95. With p50 = 0 the delays
// are exponential below p95, since a log-normal has no median of zero.
func (l Latency) sample(r *rand.Rand) time.Duration {
	p50, p95 := float64(l.P50), float64(l.P95)
	const z95 = 1.6448536269514722 // the standard normal's 95th percentile
	var ms float64
	switch {
	case p50 <= 0 && p95 <= 0:
		return 0
	case p50 <= 0:
		ms = r.ExpFloat64() * p95 / math.Log(20)
	case p95 <= p50:
		ms = p50
	default:
		ms = math.Exp(math.Log(p50) + r.NormFloat64()*math.Log(p95/p50)/z95)
	}
	if l.Max > 0 {
		ms = math.Min(ms, float64(l.Max))
	}
	return time.Duration(math.Min(ms, maxFaultNumber) * float64(time.Millisecond))
}

// requestFault is what was drawn for one request.
type requestFault struct {
	delay     time.Duration
	drop      bool
	status503 bool
	errorCode string
	loseReply bool
}

func (f *Faults) drawRequest(operation string) requestFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var d requestFault
	if d.delay = f.spec.LatencyMS.sample(f.stream("latency")); d.delay > 0 {
		f.injected["latency"]++
	}
	if f.spec.Outage {
		f.outages++
		f.injected["outage"]++
		d.drop = f.outages%2 == 1
		d.status503 = !d.drop
		return d
	}
	if operation == "" {
		return d
	}
	if applies(f.spec.Error.Operations, operation) && f.hit("error", f.spec.Error.Rate) {
		d.errorCode = f.spec.Error.Code
		return d
	}
	d.loseReply = applies(f.spec.ReplyLost.Operations, operation) && f.hit("reply_lost", f.spec.ReplyLost.Rate)
	return d
}

func applies(operations []string, operation string) bool {
	return len(operations) == 0 || slices.Contains(operations, operation)
}

// NotificationPlan is what was drawn for one notification.
type NotificationPlan struct {
	Delay   time.Duration
	Missing bool
	// Copies is how often it is delivered in all, at least 1.
	Copies  int
	Reorder bool
	Forged  bool
}

// PlanNotification draws what happens to one notification.
func (f *Faults) PlanNotification() NotificationPlan {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.spec.Notification
	p := NotificationPlan{Delay: time.Duration(n.DelayMS) * time.Millisecond, Copies: max(n.Repeat, 1)}
	if p.Delay > 0 {
		f.injected["notification_delay"]++
	}
	p.Forged = f.hit("notification_forged", n.ForgedRate)
	if p.Missing = f.hit("notification_missing", n.MissingRate); p.Missing {
		return p
	}
	p.Reorder = f.hit("notification_reorder", n.ReorderRate)
	if p.Copies > 1 {
		f.injected["notification_repeat"]++
	}
	return p
}
