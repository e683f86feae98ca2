package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/regpay/regpay/deploy/bench/result"
)

// Print writes a run as tables for people, at most 120 columns wide. An error
// of w cuts it short.
func Print(w io.Writer, r result.Run) {
	var b strings.Builder
	b.WriteString(heading(r))
	for _, ms := range counterparties(r) {
		b.WriteString(throughput(r, ms).String())
	}
	b.WriteString(latencies(r, "API answer, ms", answer).String())
	b.WriteString(latencies(r, "Notification to voucher, ms", voucher).String())
	b.WriteString(cpuCost(r).String())
	b.WriteString(diskCost(r).String())
	b.WriteString(reachText(Reach(r)))
	_, _ = io.WriteString(w, b.String())
}

func heading(r result.Run) string {
	m := r.Machine
	lines := []string{machineText(m)}
	var versions []string
	for _, v := range []struct{ name, version string }{{"Go", m.Go}, {"PostgreSQL", m.PostgreSQL}, {"Temporal", m.Temporal}} {
		if v.version != "" {
			versions = append(versions, v.name+" "+strings.TrimPrefix(v.version, "go"))
		}
	}
	if m.FlushMS > 0 {
		versions = append(versions, fmt.Sprintf("one flush of 8 KiB to disk %s ms", number(m.FlushMS, decimals(m.FlushMS))))
	}
	if len(versions) > 0 {
		lines = append(lines, strings.Join(versions, ", "))
	}
	run := roundsText(r.Rounds)
	if r.Window > 0 {
		run += fmt.Sprintf(", windows of %.0f s", r.Window)
	}
	if !r.StartedAt.IsZero() {
		run += ", started " + r.StartedAt.UTC().Format("2006-01-02 15:04 UTC")
	}
	if r.Seconds > 0 {
		run += ", took " + time.Duration(r.Seconds*float64(time.Second)).Round(time.Second).String()
	}
	return strings.Join(append(lines, run, "Figures are the median [smallest–largest] over the rounds."), "\n") + "\n\n"
}

// counterpartyText says how long the counterparties take.
func counterpartyText(ms int) string { return fmt.Sprintf("counterparties at %d ms", ms) }

func throughput(r result.Run, counterparty int) *table {
	t := &table{title: "Payments a second, " + counterpartyText(counterparty), rounds: r.Rounds}
	loads := atOnce(r)
	for _, n := range loads {
		t.columns = append(t.columns, fmt.Sprintf("%d at once", n))
	}
	for _, arm := range arms(r) {
		var cells []cell
		for _, n := range loads {
			cells = append(cells, t.ranged(over(r, arm, result.Load{AtOnce: n, CounterpartyMS: counterparty}, perSecond)))
		}
		t.add(arm, cells...)
	}
	return t
}

func latencies(r result.Run, title string, of distribution) *table {
	t := &table{title: title, columns: []string{"offered/s", "p50", "p95", "p99"}, rounds: r.Rounds}
	for _, ms := range counterparties(r) {
		for _, share := range shares(r) {
			l := result.Load{Share: share, CounterpartyMS: ms}
			t.add(fmt.Sprintf("— open load, %s, %s", shareText(share), counterpartyText(ms)))
			some := false
			for _, arm := range arms(r) {
				// An arm without this latency (the empty workflow has no
				// voucher) would be a row of gaps, and is left out.
				if over(r, arm, l, of.at(p50)).N == 0 {
					continue
				}
				some = true
				t.add(arm, t.alone(over(r, arm, l, offered)),
					t.ranged(over(r, arm, l, of.at(p50))), t.ranged(over(r, arm, l, of.at(p95))), t.ranged(over(r, arm, l, of.at(p99))))
			}
			if !some {
				t.add("  " + notMeasured)
			}
		}
	}
	return t
}

// costLoad is the load under which the cost of a payment is quoted.
func costLoad() result.Load { return result.Load{AtOnce: 16} }

func cpuCost(r result.Run) *table {
	own := []string{"worker", "api", "server", "temporal", "postgres"}
	world := []string{"sandbox", "load"}
	for _, s := range r.Series {
		for _, w := range s.Windows {
			for p := range w.CPUMS {
				if !slices.Contains(own, p) && !slices.Contains(world, p) {
					own = append(own, p)
				}
			}
		}
	}
	slices.Sort(own[5:])
	t := &table{title: "CPU ms a payment, 16 at once, 0 ms", rounds: r.Rounds}
	t.columns = append(append(append(append(t.columns, own...), "the arm"), world...), "sum")
	for _, arm := range arms(r) {
		var cells []cell
		for _, p := range own {
			cells = append(cells, t.alone(over(r, arm, costLoad(), CPU(p))))
		}
		cells = append(cells, t.ranged(over(r, arm, costLoad(), cpuOf(func(p string) bool { return !outside(p) }))))
		for _, p := range world {
			cells = append(cells, t.alone(over(r, arm, costLoad(), CPU(p))))
		}
		t.add(arm, append(cells, t.ranged(over(r, arm, costLoad(), WholeCPU)))...)
	}
	return t
}

func diskCost(r result.Run) *table {
	t := &table{
		title:   "Writes a payment, 16 at once, 0 ms",
		columns: []string{"WAL flushes", "WAL KiB", "history events", "history KiB"}, rounds: r.Rounds,
	}
	for _, arm := range arms(r) {
		var cells []cell
		for _, f := range []figure{walFlushes, walKiB, historyEvents, historyKiB} {
			cells = append(cells, t.ranged(over(r, arm, costLoad(), counted(f))))
		}
		t.add(arm, cells...)
	}
	return t
}

func reachText(targets []Target) string {
	met := 0
	name, limit := 0, 0
	for _, t := range targets {
		name, limit = max(name, utf8.RuneCountInString(t.Name)), max(limit, utf8.RuneCountInString(t.Limit))
		if t.Met {
			met++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Reach: %d of %d\n", met, len(targets))
	for _, t := range targets {
		verdict := "FAIL"
		if t.Met {
			verdict = "pass"
		}
		b.WriteString(verdict + gap + left(t.Name, name) + gap + left(t.Limit, limit) + gap + t.Value + "\n")
	}
	return b.String()
}
