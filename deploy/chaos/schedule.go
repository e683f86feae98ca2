package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// kind is a kind of fault.
type kind string

const (
	kill       kind = "kill"        // SIGKILL; started again after a while
	crashPoint kind = "crash point" // SIGKILL of the workers at a named point
	cut        kind = "cut"         // every connection, and no new one
	reset      kind = "reset"       // connections are reset in their midst
	stall      kind = "stall"       // connections stay, nothing comes through
	slow       kind = "slow"        // everything takes longer
	weather    kind = "counterparty"
	away       kind = "backend away"
)

// fault is one of the plan. Target is a process, a wire or a counterparty;
// Point says more of it.
type fault struct {
	At     time.Duration // after the stream's begin
	Kind   kind
	Target string
	Point  string
	For    time.Duration // until it is over, or until a process is started again
	Spec   sandbox.FaultSpec
}

func (f fault) name() string {
	s := string(f.Kind) + " " + f.Target
	if f.Point != "" {
		s += " (" + f.Point + ")"
	}
	return s
}

// Processes and wires beside those that package local names.
const (
	temporal    = "temporal"
	postgres    = "postgres"
	backend     = "a database session"
	bothWorkers = "both workers"
)

// crash is a named crash point: the counterparty has carried out an operation,
// and the worker that asked for it dies before it hears so.
type crash struct{ name, counterparty string }

func crashes() []crash {
	return []crash{
		{"charge executed, not recorded", "wechat"}, {"charge executed, not recorded", "unionpay"},
		{"charge executed, not recorded", "insurance"}, {"refund executed, not recorded", "wechat"},
		{"refund executed, not recorded", "unionpay"}, {"refund executed, not recorded", "insurance"},
		{"registered, not recorded", "his"},
	}
}

// drawFaults fills the stream's time with faults of every kind, in an order of
// their own; a long run has them several times. Two tracks run side by side:
// what breaks processes and wires, and what counterparties do.
func drawFaults(r *rand.Rand, o options) []fault {
	var all []fault
	quiet := o.Stream / 20 // let the first payments begin
	end := o.Stream
	at := quiet
	for at < end {
		for _, f := range append(shuffled(r, essentials()), shuffled(r, breakages())...) {
			if at >= end {
				break
			}
			f.At, f.For = at, between(r, 500*time.Millisecond, 4*time.Second)
			all = append(all, f)
			at += between(r, o.Pace/2, o.Pace*3/2)
		}
	}
	for at = quiet; at < end; {
		for _, f := range shuffled(r, moods()) {
			if at >= end {
				break
			}
			f.At, f.For = at, between(r, 2*time.Second, 6*time.Second)
			f.Spec.Seed = 1 + uint64(r.Int64N(1<<40))
			all = append(all, f)
			at += between(r, o.Pace/3, o.Pace)
		}
	}
	slices.SortStableFunc(all, func(a, b fault) int { return int(a.At - b.At) })
	return all
}

func shuffled[T any](r *rand.Rand, all []T) []T {
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(max(high-low, 1))))
}

// essentials come first, so that the shortest run has them.
func essentials() []fault {
	all := []fault{
		{Kind: kill, Target: "worker-1"}, {Kind: kill, Target: "api"}, {Kind: kill, Target: temporal},
		{Kind: kill, Target: postgres}, {Kind: cut, Target: postgres}, {Kind: reset, Target: temporal},
	}
	for _, c := range crashes()[:3] {
		all = append(all, fault{Kind: crashPoint, Target: c.counterparty, Point: c.name})
	}
	return all
}

// breakages are the others, one of each kind.
func breakages() []fault {
	all := []fault{
		{Kind: kill, Target: "worker-2"}, {Kind: kill, Target: bothWorkers}, {Kind: kill, Target: "api"},
		{Kind: kill, Target: backend}, {Kind: away, Target: "booking"},
	}
	for _, c := range crashes()[3:] {
		all = append(all, fault{Kind: crashPoint, Target: c.counterparty, Point: c.name})
	}
	for i, wire := range wireNames() {
		kinds := []kind{cut, reset, stall, slow}
		all = append(all, fault{Kind: kinds[i%4], Target: wire}, fault{Kind: kinds[(i+2)%4], Target: wire})
	}
	return all
}

// moods are what counterparties do, one of each kind.
func moods() []fault {
	var all []fault
	add := func(target, point string, s sandbox.FaultSpec) {
		all = append(all, fault{Kind: weather, Target: target, Point: point, Spec: s})
	}
	busy := map[string]string{"wechat": "SYSTEM_ERROR", "unionpay": "06", "insurance": "9001", "his": "503"}
	for _, who := range []string{"wechat", "unionpay", "insurance", "his"} {
		add(who, "slow", sandbox.FaultSpec{LatencyMS: sandbox.Latency{P50: 300, P95: 4000, Max: 8000}})
		add(who, "down", sandbox.FaultSpec{Outage: true})
		add(who, "busy", sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 0.5, Code: busy[who]}})
		add(who, "executes, reply lost", sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 0.5}})
	}
	for _, who := range []string{"wechat", "unionpay", "insurance"} {
		add(who, "notifications late and repeated", sandbox.FaultSpec{Notification: sandbox.NotificationFault{DelayMS: 1500, Repeat: 3}})
		add(who, "notifications out of order, some forged", sandbox.FaultSpec{
			Notification: sandbox.NotificationFault{ReorderRate: 0.5, ForgedRate: 0.5}})
		add(who, "notifications missing", sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 0.5}})
	}
	add("insurance", "slow clearing, some refused", sandbox.FaultSpec{
		Insurance: sandbox.InsuranceFault{ClearingMS: sandbox.Latency{P50: 3000, P95: 8000}, FailRate: 0.3}})
	add("his", "slots gone", sandbox.FaultSpec{HIS: sandbox.HISFault{SlotGoneRate: 0.3}})
	add("identity", "down", sandbox.FaultSpec{Outage: true})
	return all
}
