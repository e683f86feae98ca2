package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/regpay/regpay/deploy/bench/empty"
	"github.com/regpay/regpay/deploy/bench/journey"
	"github.com/regpay/regpay/deploy/bench/load"
	"github.com/regpay/regpay/deploy/bench/result"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/deploy/stack"
)

// arm is one way to do the job.
type arm struct {
	name string
	// serve are its processes; nil are regpay's own.
	serve func(ctx context.Context, b *bench, s *stage, configPath string, e stack.Endpoints) ([]stack.Process, error)
	// drive makes payments arrive at it.
	drive func(ctx context.Context, s *stage) (driver, error)
	// remote says that it calls counterparties, which can be slow.
	remote bool
	// vouchers reads how long each voucher took from its notification on, for
	// captures since a moment.
	vouchers func(ctx context.Context, db *sql.DB, since time.Time) ([]time.Duration, error)
	// check holds the money against everybody's books.
	check func(ctx context.Context, s *stage, want int) error
	// histories says that Temporal has a history of every payment.
	histories bool
	// brief is an arm that is measured only under the loads of --quick.
	brief bool
}

// driver makes payments arrive at an arm.
type driver interface {
	next(ctx context.Context) (load.Unit, error)
	// recent are workflow ids of payments that are over.
	recent() []string
	close()
}

func hospitals() []string { return []string{"h-renmin", "h-xiehe"} }

func (b *bench) arms() []arm {
	return []arm{
		{name: result.Wechat, drive: byAPI(false), remote: true, vouchers: vouchersOfRegpay, check: checkRegpay, histories: true},
		{name: result.Mixed, drive: byAPI(true), remote: true, vouchers: vouchersOfRegpay, check: checkRegpay, histories: true},
		{name: result.Tutorial, serve: workerAndAPI("tutorial"), drive: byAPI(false), remote: true, vouchers: vouchersOfRegpay, check: checkRegpay, histories: true},
		{name: result.Coarse, serve: workerAndAPI("coarse"), drive: byAPI(false), remote: true, vouchers: vouchersOfRegpay, check: checkRegpay, histories: true, brief: true},
		{name: result.Empty, serve: workerOfEmpty, drive: byTemporal, check: checkEmpty, histories: true},
		{name: result.InPlace, serve: hostOfEmpty, drive: byTemporal, check: checkEmpty, histories: true, brief: true},
		{name: result.DBOS, serve: oneServer("dbos"), drive: byAPI(false), remote: true, vouchers: vouchersOfRegpay, check: checkRegpay},
		{name: result.Plain, serve: oneServer("plain"), drive: byAPI(false), remote: true, vouchers: vouchersOfPlain, check: checkPlain},
	}
}

// oneServer is an arm in one process, the library's way.
func oneServer(arm string) func(context.Context, *bench, *stage, string, stack.Endpoints) ([]stack.Process, error) {
	return func(_ context.Context, b *bench, _ *stage, configPath string, e stack.Endpoints) ([]stack.Process, error) {
		return []stack.Process{{Name: "server", Path: b.self, Args: []string{"serve", "--arm", arm, "--role", "server", "--config", configPath},
			Ready: stack.ReadyHTTP(e.API + "/readyz")}}, nil
	}
}

// workerAndAPI are an arm's processes, split as regpay's are.
func workerAndAPI(arm string) func(context.Context, *bench, *stage, string, stack.Endpoints) ([]stack.Process, error) {
	return func(_ context.Context, b *bench, _ *stage, configPath string, e stack.Endpoints) ([]stack.Process, error) {
		return []stack.Process{
			b.worker(arm, configPath, e),
			{Name: local.APIProcess, Path: b.self, Args: []string{"serve", "--arm", arm, "--role", "api", "--config", configPath},
				Ready: stack.ReadyHTTP(e.API + "/readyz")},
		}, nil
	}
}

// worker is an arm's worker, a process of this program.
func (b *bench) worker(arm, configPath string, e stack.Endpoints, more ...string) stack.Process {
	args := []string{"serve", "--arm", arm, "--role", "worker", "--config", configPath, "--health", e.Workers[0]}
	return stack.Process{Name: local.WorkerProcess(1), Path: b.self, Args: append(args, more...), Ready: stack.ReadyHTTP("http://" + e.Workers[0] + "/healthz")}
}

// apiDriver drives an arm by the HTTP API.
type apiDriver struct {
	payer *journey.Payer
	ids   *lastIDs
}

func byAPI(mixed bool) func(context.Context, *stage) (driver, error) {
	return func(_ context.Context, s *stage) (driver, error) {
		p, err := journey.Listen(s.in, hospitals(), mixed)
		return &apiDriver{payer: p, ids: &lastIDs{}}, err
	}
}

func (d *apiDriver) next(ctx context.Context) (load.Unit, error) {
	o, err := d.payer.Prepare(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, s *load.Sample) error {
		t, err := d.payer.Play(ctx, o)
		s.Answered, s.Over = t.Answered, t.Over
		if err == nil {
			d.ids.add(workflowID(o.Hospital(), o.No()))
		}
		return err
	}, nil
}

func (d *apiDriver) recent() []string { return d.ids.all() }
func (d *apiDriver) close()           { d.payer.Close() }

// stage is an arm's installation while it is measured.
type stage struct {
	arm    arm
	in     *local.Installation
	db     *sql.DB // of the books
	admin  *sql.DB // of the cluster
	driver driver
	empty  *empty.Client // of the arm without payments
	done   atomic.Int64  // payments that were played to their end
}

// shards is Temporal's. Each queue of a shard goes through all tasks of the last
// half minute whenever new ones come; with as few shards as tests have, that is
// a tenth of the server's processors.
const shards = 16

func (b *bench) open(ctx context.Context, a arm) (s *stage, err error) {
	o := local.Options{
		Stack: stack.Options{
			Name: "bench", Shards: shards, Parts: stack.Postgres | stack.Temporal | stack.Sandbox, Hospitals: hospitals(),
			SandboxArgs: []string{"--no-sms-limits"}, QuickSandbox: true,
			// To read when a capture was committed.
			PostgresSettings: map[string]string{"track_commit_timestamp": "on"},
		},
	}
	if b.Verbose {
		o.Stack.Progress = os.Stderr
	}
	s = &stage{arm: a}
	if a.serve != nil {
		o.Serve = func(configPath string, e stack.Endpoints) ([]stack.Process, error) {
			return a.serve(ctx, b, s, configPath, e)
		}
	}
	if b.tune != nil {
		b.tune(&o)
	}
	in, err := local.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s.in = in
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.db, err = sql.Open("postgres", in.Stack.Endpoints().DatabaseURL); err != nil {
		return nil, err
	}
	if s.admin, err = sql.Open("postgres", in.Stack.Endpoints().AdminDatabaseURL); err != nil {
		return nil, err
	}
	if s.driver, err = a.drive(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stage) close(ctx context.Context) error {
	if s.driver != nil {
		s.driver.close()
	}
	if s.empty != nil {
		s.empty.Close()
	}
	for _, db := range []*sql.DB{s.db, s.admin} {
		if db != nil {
			_ = db.Close()
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := s.in.Stop(stopping); err != nil {
		return fmt.Errorf("stop the stack: %w", err)
	}
	return nil
}
