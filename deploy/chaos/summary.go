package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/regpay/regpay/deploy/chaos/check"
)

// personal is the share of the payments that met a fault which may end with a
// person: one in this many.
const personal = 100

// summary is the result of a run, as SUMMARY=file.json has it. Durations are
// milliseconds, times UTC.
type summary struct {
	Seed      uint64    `json:"seed"`
	Plan      string    `json:"plan"` // the same for the same seed and size
	StartedAt time.Time `json:"started_at"`
	StreamMS  int64     `json:"stream_ms"`
	HealMS    int64     `json:"heal_ms"` // from the end of the faults until all was at rest
	OK        bool      `json:"ok"`

	Payments int            `json:"payments"`
	Outcomes map[string]int `json:"outcomes"` // by status
	Conducts map[string]int `json:"conducts"` // by what the patient did
	Repeated int64          `json:"repeated_calls"`

	Faults   map[string]int   `json:"faults"`   // of the plan, that hit
	Injected map[string]int64 `json:"injected"` // by counterparties, one by one
	Missed   []string         `json:"missed"`   // found nothing to break
	Deaths   map[string]int   `json:"deaths"`   // processes that ended by themselves
	StartMS  map[string]int64 `json:"slowest_start_ms"`

	Faulted   int      `json:"faulted"` // payments that met a fault
	ByPerson  int      `json:"faulted_by_person"`
	Person    []string `json:"person"`    // which, and why
	Recovered int      `json:"recovered"` // rested by themselves after the faults that they met
	Recovery  spread   `json:"recovery"`
	Slowest   string   `json:"slowest_order,omitempty"`

	Violations []check.Violation `json:"violations"`
	GaveUp     []string          `json:"gave_up"` // visits that could not be played
	// Stories are the audit log's lines of the orders that something is wrong with.
	Stories map[string][]string `json:"stories,omitempty"`
	Logs    string              `json:"logs"`
}

// spread are quantiles of durations, in milliseconds.
type spread struct {
	P50 int64 `json:"p50_ms"`
	P95 int64 `json:"p95_ms"`
	Max int64 `json:"max_ms"`
}

func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{}
	}
	slices.Sort(all)
	at := func(percent int) int64 { return all[(len(all)-1)*percent/100].Milliseconds() }
	return spread{at(50), at(95), at(100)}
}

// sumUp makes the result.
func (r *run) sumUp(ctx context.Context, w check.World) summary {
	done, missed := r.breaker.windows()
	deaths, starts := r.keeper.account()
	s := summary{
		Seed: r.Seed, Plan: r.plan.fingerprint(), StartedAt: r.began.UTC(), StreamMS: r.healed.Sub(r.began).Milliseconds(),
		HealMS: r.ended.Sub(r.healed).Milliseconds(), Payments: len(r.visits), Outcomes: map[string]int{}, Conducts: map[string]int{},
		Repeated: r.stats.repeated.Load(), Faults: map[string]int{}, Injected: r.injected(ctx), Missed: missed, Deaths: deaths,
		StartMS: map[string]int64{}, Violations: check.Check(w), Logs: r.in.Stack.Endpoints().Dir,
	}
	for name, took := range starts {
		s.StartMS[name] = took.Milliseconds()
	}
	for _, f := range done {
		s.Faults[f.name()]++
	}
	s.outcomes(r.visits, w)
	people := byPerson(w)
	for k := range r.fromBill {
		people[k] = append(people[k], "found in the channel's bill")
	}
	s.recoveries(r.visits, done, w, people)
	s.Stories = stories(s, w)
	r.histories(ctx, s.Stories)
	s.OK = len(s.Violations) == 0 && len(s.GaveUp) == 0 && s.ByPerson*personal <= s.Faulted
	return s
}

func (s *summary) outcomes(visits []*visit, w check.World) {
	status := map[check.Key]string{}
	for _, p := range w.Payments {
		status[p.Key] = p.Status
	}
	for _, v := range visits {
		e := v.ending()
		s.Conducts[string(v.Conduct)]++
		s.Outcomes[cmp.Or(status[check.Key{Hospital: v.Hospital, Order: v.Order}], "not taken: "+e.Refused)]++
		if e.Err != nil {
			s.GaveUp = append(s.GaveUp, fmt.Sprintf("%s (%s): %v", v.Order, v.Conduct, e.Err))
		}
	}
}

// recoveries counts the payments that met a fault, and how long after the last
// one of them each came to rest. What patients ask for later counts to it.
// people are the payments that took a person, with why.
func (s *summary) recoveries(visits []*visit, done []window, w check.World, people map[check.Key][]string) {
	at := rested(w)
	var took []time.Duration
	slowest := time.Duration(-1)
	for _, v := range visits {
		k := check.Key{Hospital: v.Hospital, Order: v.Order}
		from, to := v.ending().Started, at[k]
		last, met := lastFault(done, v.registration, from, to)
		if !met {
			continue
		}
		s.Faulted++
		if people[k] != nil {
			s.ByPerson++
			s.Person = append(s.Person, k.String()+" ("+string(v.Conduct)+"): "+strings.Join(people[k], ", "))
			continue
		}
		s.Recovered++
		d := max(to.Sub(last), 0)
		took = append(took, d)
		if d > slowest {
			slowest, s.Slowest = d, k.String()+" ("+string(v.Conduct)+")"
		}
	}
	s.Recovery = spreadOf(took)
}

// stories tells what happened to the first orders that something is wrong with.
func stories(s summary, w check.World) map[string][]string {
	const most = 5
	all := map[string][]string{}
	wrong := strings.Join(append(slices.Clone(s.GaveUp), s.Person...), " ")
	for _, v := range s.Violations {
		wrong += " " + v.Subject
	}
	for _, p := range w.Payments {
		if len(all) >= most || !strings.Contains(wrong, p.Order) && !strings.Contains(wrong, p.ID) {
			continue
		}
		for _, l := range w.Audit {
			if l.Subject == p.ID {
				all[p.String()] = append(all[p.String()], fmt.Sprintf("%s %s %s %v", l.At.UTC().Format("15:04:05.000"), l.Actor, l.Action, l.Detail))
			}
		}
	}
	return all
}

// histories adds the events of the payments' workflows: their payloads are
// encrypted, their order tells enough.
func (r *run) histories(ctx context.Context, stories map[string][]string) {
	for key := range stories {
		all := r.engine.GetWorkflowHistory(ctx, "payment/"+key, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for all.HasNext() {
			e, err := all.Next()
			if err != nil {
				break // for the reader alone
			}
			line := fmt.Sprintf("%s event %d %s", e.GetEventTime().AsTime().Format("15:04:05.000"), e.GetEventId(), e.GetEventType())
			if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
				line += " " + a.GetActivityType().GetName()
			}
			if f := e.GetWorkflowTaskFailedEventAttributes(); f != nil {
				line += " " + f.GetCause().String()
			}
			stories[key] = append(stories[key], line)
		}
	}
}

// lastFault is the end of the last fault that touched a payment while it lived.
func lastFault(done []window, g registration, from, to time.Time) (last time.Time, met bool) {
	for _, f := range done {
		if from.IsZero() || f.From.After(to) || f.To.Before(from) || !touches(f.fault, g) {
			continue
		}
		met = true
		if f.To.After(last) {
			last = f.To
		}
	}
	return last, met
}

// touches says whether a fault concerns a payment: those of a channel that it
// does not use do not.
func touches(f fault, g registration) bool {
	switch f.Target {
	case "wechat", "unionpay", "insurance":
		for _, ch := range g.Way.channels() {
			if string(ch) == f.Target || f.Kind == crashPoint { // the workers died
				return true
			}
		}
		return false
	case "identity":
		return g.Way.insured()
	}
	return true
}

// injected sums what the counterparties' own counters say.
func (r *run) injected(ctx context.Context) map[string]int64 {
	all := map[string]int64{}
	for _, who := range []string{"wechat", "unionpay", "insurance", "his", "identity"} {
		status, err := r.in.Sandbox.Faults(ctx, who)
		if err != nil {
			continue // counted for the reader alone
		}
		for kind, n := range status.Injected {
			all[kind] += n
		}
	}
	return all
}

func (s summary) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}
