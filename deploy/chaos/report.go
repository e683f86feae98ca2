package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// show tells every few seconds how far the run is, until ctx ends.
func (r *run) show(ctx context.Context) {
	for pause(ctx, 10*time.Second) == nil {
		begun, over := 0, 0
		for _, v := range r.visits {
			e := v.ending()
			if !e.Started.IsZero() {
				begun++
			}
			if e.Over {
				over++
			}
		}
		done, _ := r.breaker.windows()
		fmt.Fprintf(r.out, "%4.0f s  %d payments begun, %d over, %d faults\n", time.Since(r.began).Seconds(), begun, over, len(done))
	}
}

// print writes the table.
func (s summary) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nSeed %d\tplan %s, stream %s, at rest after another %s\n", s.Seed, s.Plan, seconds(s.StreamMS), seconds(s.HealMS))
	fmt.Fprintf(t, "Payments\t%d: %s\n", s.Payments, counts(s.Outcomes))
	fmt.Fprintf(t, "Patients\t%s\n", counts(s.Conducts))
	fmt.Fprintf(t, "Calls repeated\t%d\n", s.Repeated)
	kinds := map[string]int{}
	total := 0
	for name, n := range s.Faults {
		kinds[kindOf(name)] += n
		total += n
	}
	fmt.Fprintf(t, "Faults\t%d: %s\n", total, counts(kinds))
	for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
		fmt.Fprintf(t, "\t  %d × %s\n", s.Faults[name], name)
	}
	fmt.Fprintf(t, "In single requests\t%s\n", counts(s.Injected))
	if len(s.Missed) > 0 {
		fmt.Fprintf(t, "Faults that missed\t%s\n", strings.Join(s.Missed, "; "))
	}
	if len(s.Deaths) > 0 {
		fmt.Fprintf(t, "Ended by themselves\t%s\n", counts(s.Deaths))
	}
	fmt.Fprintf(t, "Met a fault\t%d payments; %d healed by themselves, %d ended with a person (%d.%02d %%)\n", s.Faulted, s.Recovered, s.ByPerson,
		share(s.ByPerson, s.Faulted)/100, share(s.ByPerson, s.Faulted)%100)
	fmt.Fprintf(t, "Recovery\tp50 %s, p95 %s, slowest %s: %s\n", seconds(s.Recovery.P50), seconds(s.Recovery.P95), seconds(s.Recovery.Max), s.Slowest)
	fmt.Fprintf(t, "Violations\t%d\n", len(s.Violations))
	_ = t.Flush()
	for _, v := range s.Violations {
		fmt.Fprintln(out, "  ✗", v)
	}
	for _, g := range s.GaveUp {
		fmt.Fprintln(out, "  ✗ given up:", g)
	}
	for _, p := range s.Person {
		fmt.Fprintln(out, "  a person:", p)
	}
	for _, o := range slices.Sorted(maps.Keys(s.Stories)) {
		fmt.Fprintf(out, "  %s\n    %s\n", o, strings.Join(s.Stories[o], "\n    "))
	}
	verdict := "✓ every rule holds"
	if !s.OK {
		verdict = "✗ the run failed; logs in " + s.Logs
	}
	fmt.Fprintln(out, verdict)
}

// share is n of all in hundredths of a percent.
func share(n, all int) int { return n * 10_000 / max(all, 1) }

func seconds(ms int64) string { return fmt.Sprintf("%d.%d s", ms/1000, ms%1000/100) }

// kindOf is the kind in a fault's name.
func kindOf(name string) string {
	for _, k := range []kind{crashPoint, away, kill, cut, reset, stall, slow, weather} {
		if strings.HasPrefix(name, string(k)+" ") {
			return string(k)
		}
	}
	return name
}

// counts writes a count of each, the most frequent first.
func counts[N cmp.Ordered](all map[string]N) string {
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = fmt.Sprintf("%s %v", n, all[n])
	}
	return strings.Join(parts, ", ")
}
