package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/deploy/local"
)

// profileCommand finds where the time of a payment goes.
type profileCommand struct {
	Arm     string        `help:"Which arm." default:"regpay wechat"`
	AtOnce  int           `help:"Payments under way." default:"16"`
	WarmUp  time.Duration `help:"How long before." default:"20s" env:"WARM_UP"`
	For     time.Duration `help:"How long." default:"15s"`
	Dir     string        `help:"Where the profiles go." default:".local/profiles" type:"path"`
	Top     int           `help:"Statements to show." default:"25"`
	Verbose bool          `short:"v"`
}

func (c profileCommand) Run(ctx context.Context) (err error) {
	b, a, err := single(c.Arm, c.For, c.Verbose)
	if err != nil {
		return err
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	pprof := map[string]int{local.WorkerProcess(1): ports[0], local.APIProcess: ports[1], "temporal": ports[2]}
	b.tune = func(o *local.Options) {
		o.PProf = map[string]string{}
		for _, name := range []string{local.WorkerProcess(1), local.APIProcess} {
			o.PProf[name] = loopback(pprof[name])
		}
		o.Stack.TemporalPProf = pprof["temporal"]
		o.Stack.PostgresSettings["shared_preload_libraries"] = "pg_stat_statements"
		o.Stack.PostgresSettings["pg_stat_statements.track"] = "all"
		o.Stack.PostgresSettings["pg_stat_statements.track_planning"] = "on"
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	s, err := b.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.slow(ctx, 0); err != nil {
		return err
	}
	if _, err := s.admin.ExecContext(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
		return fmt.Errorf("count statements (PostgreSQL's contrib modules are needed): %w", err)
	}
	if err := s.warmUp(ctx, c.AtOnce, c.WarmUp); err != nil {
		return err
	}
	before := s.done.Load()
	if _, err := s.admin.ExecContext(ctx, "SELECT pg_stat_statements_reset()"); err != nil {
		return err
	}
	var fetching sync.WaitGroup
	for name, port := range pprof {
		if a.serve != nil && name != "temporal" {
			continue
		}
		fetching.Go(func() {
			path := filepath.Join(c.Dir, name+".pprof")
			if err := fetch(ctx, "http://"+loopback(port)+"/debug/pprof/profile?seconds="+strconv.Itoa(int(c.For.Seconds())), path); err != nil {
				fmt.Fprintln(b.out, "profile of", name, err)
			}
		})
	}
	_, err = b.measure(ctx, s, 1, result.Load{AtOnce: c.AtOnce}, 0)
	fetching.Wait()
	if err != nil {
		return err
	}
	return c.statements(ctx, s, float64(s.done.Load()-before), b.out)
}

// statements shows what PostgreSQL was asked for each of n payments, by time.
func (c profileCommand) statements(ctx context.Context, s *stage, n float64, out io.Writer) error {
	rows, err := s.admin.QueryContext(ctx, `
SELECT d.datname, calls, plans, total_plan_time, total_exec_time, wal_bytes, wal_fpi, query FROM pg_stat_statements p JOIN pg_database d ON d.oid = p.dbid
 ORDER BY total_plan_time + total_exec_time DESC LIMIT $1`, c.Top)
	if err != nil {
		return err
	}
	defer rows.Close()
	fmt.Fprintf(out, "\na payment: calls, plans made, ms to plan, ms to execute, WAL KiB, whole pages\n")
	for rows.Next() {
		var db, query string
		var calls, plans, planning, ms, wal, fpi float64
		if err := rows.Scan(&db, &calls, &plans, &planning, &ms, &wal, &fpi, &query); err != nil {
			return err
		}
		query = strings.Join(strings.Fields(query), " ")
		fmt.Fprintf(out, "%6.2f %6.2f %7.3f %7.3f %6.1f %5.1f  %-20s %.110s\n", calls/n, plans/n, planning/n, ms/n, wal/1024/n, fpi/n, db, query)
	}
	return rows.Err()
}

func fetch(ctx context.Context, url, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, reply.Body)
	return errors.Join(err, f.Close())
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts finds ports that nobody listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
