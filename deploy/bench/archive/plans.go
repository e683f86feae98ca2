package archive

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regpay/regpay/internal/store"
)

// planner is a store whose statements are explained by the server as it runs
// them, by the module auto_explain: no statement is written down here a second
// time, and the plan is the one that was carried out, with the same arguments.
type planner struct {
	*store.Store
	log   string
	large []string
	all   strings.Builder
}

func (b *books) planner(ctx context.Context) (*planner, error) {
	u, err := url.Parse(b.dsn)
	if err != nil {
		return nil, fmt.Errorf("explain: the database's URL cannot be read")
	}
	options := "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_buffers=on"
	if b.o.OnlyIndexes {
		options += " -c enable_seqscan=off"
	}
	q := u.Query()
	q.Set("options", options)
	u.RawQuery = q.Encode()
	s, err := store.Open(ctx, store.Config{DSN: u.String(), Keys: b.keys, MaxConns: 1})
	if err != nil {
		return nil, err
	}
	p := &planner{Store: s, log: b.log}
	for _, t := range tables() {
		p.large = append(p.large, t.name)
	}
	return p, nil
}

// settled is how often a prepared statement is planned for its arguments before
// PostgreSQL asks itself whether one plan for all arguments will do.
const settled = 5

// explain makes a few calls and keeps the plans of the last one: of those that
// a connection comes to after some use.
func (p *planner) explain(ctx context.Context, q query, r *rand.Rand, into *Query) error {
	for range settled {
		if _, err := q.run(ctx, p.Store, r); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	var text string
	for range 5 {
		before, err := os.Stat(p.log)
		if err != nil {
			return fmt.Errorf("read the server's log: %w", err)
		}
		if _, err := q.run(ctx, p.Store, r); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		if text, err = since(p.log, before.Size()); err != nil {
			return err
		}
		p.judge(text, into)
	}
	if text == "" {
		return fmt.Errorf("%s: the server explained nothing", q.name)
	}
	fmt.Fprintf(&p.all, "== %s\n\n%s\n", q.name, text)
	return nil
}

var (
	planHead = regexp.MustCompile(`LOG:  duration: ([0-9.]+) ms  plan:`)
	seqScan  = regexp.MustCompile(`Seq Scan on ([a-z_]+)`)
	planTook = regexp.MustCompile(`^-- ([0-9.]+) ms`)
	loops    = regexp.MustCompile(`loops=(\d+)`)
	removed  = regexp.MustCompile(`Rows Removed by [A-Za-z ]+: (\d+)`)
)

// since is the plans that the log has got.
func since(path string, offset int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the server's log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return "", fmt.Errorf("read the server's log: %w", err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return "", fmt.Errorf("read the server's log: %w", err)
	}
	var out strings.Builder
	within := false
	for line := range strings.Lines(string(b)) {
		if m := planHead.FindStringSubmatch(line); m != nil {
			within = true
			fmt.Fprintf(&out, "-- %s ms, with the time that measuring takes\n", m[1])
			continue
		}
		if within = within && strings.HasPrefix(line, "\t"); within {
			out.WriteString(strings.TrimPrefix(line, "\t"))
		}
	}
	return out.String(), nil
}

// judge finds what a plan should not have.
func (p *planner) judge(text string, into *Query) {
	times := int64(1)
	for line := range strings.Lines(text) {
		if m := planTook.FindStringSubmatch(line); m != nil {
			ms, _ := strconv.ParseFloat(m[1], 64)
			into.Server = max(into.Server, ms)
		}
		if m := loops.FindStringSubmatch(line); m != nil {
			times, _ = strconv.ParseInt(m[1], 10, 64)
		}
		if m := seqScan.FindStringSubmatch(line); m != nil && slices.Contains(p.large, m[1]) && !slices.Contains(into.SeqScans, m[1]) {
			into.SeqScans = append(into.SeqScans, m[1])
		}
		if m := removed.FindStringSubmatch(line); m != nil {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			into.Discarded = max(into.Discarded, n*times)
		}
	}
}
