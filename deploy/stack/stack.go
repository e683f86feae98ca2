package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Stack is a set of running processes. Its methods may be called at the same
// time.
type Stack struct {
	options    Options
	id         string
	dir        string
	progress   *progress
	builder    *builder
	ports      *portPicker
	supervisor *supervisor
	manifest   Manifest

	mu        sync.Mutex
	endpoints Endpoints
	folders   []string
	drop      []string // databases on a foreign server
	over      bool     // stopped or left
	kept      bool     // left

	stateMu sync.Mutex // one writer of the state file
}

// Start builds what is missing, brings the parts up in order and waits until
// each is ready. When it fails or ctx ends, it first ends what it had started.
// After it returned, ctx means nothing to the stack: end it with [Stack.Stop].
func Start(ctx context.Context, options Options) (*Stack, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	prune(options.Local)
	id := randomHex(4)
	s := &Stack{
		options:  options,
		id:       id,
		dir:      filepath.Join(options.Local, "run", time.Now().UTC().Format("20060102-150405")+"-"+options.Name+"-"+id),
		progress: newProgress(options.Progress),
		ports:    &portPicker{},
	}
	s.endpoints.Dir = s.dir
	s.builder = &builder{root: options.Root, local: options.Local, progress: s.progress}
	if err := os.MkdirAll(filepath.Join(s.dir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("make the run's folder: %w", err)
	}
	s.supervisor = newSupervisor(s.dir, options.Keep, s.noteChange)
	if err := s.writeState(); err != nil {
		s.supervisor.spawner.end()
		return nil, err
	}
	if err := s.startParts(ctx); err != nil {
		// ctx may be what ended; what runs still deserves an orderly end.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stop))
	}
	return s, nil
}

func (s *Stack) startParts(ctx context.Context) error {
	if err := s.chooseAPI(); err != nil {
		return err
	}
	steps := []struct {
		part  Part
		start func(context.Context) error
	}{
		{Sandbox, s.buildPrograms},
		{Postgres, s.usePostgres},
		{Temporal, s.useTemporal},
		{UI, s.startUI},
		{Sandbox, func(ctx context.Context) (err error) {
			s.manifest, err = s.startSandbox(ctx)
			return err
		}},
		{Regpay, s.startRegpay},
	}
	for _, step := range steps {
		if !s.options.Parts.has(step.part) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := step.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Prepare does what takes long the first time and needs nothing running: it
// installs PostgreSQL where that is missing and possible, and builds the
// binaries of the chosen parts.
func Prepare(ctx context.Context, options Options) error {
	if options.WriteConfig == nil {
		options.WriteConfig = func(context.Context, Manifest, Endpoints) (Plan, error) { return Plan{}, nil }
	}
	options, err := options.complete()
	if err != nil {
		return err
	}
	s := &Stack{options: options, progress: newProgress(options.Progress)}
	s.builder = &builder{root: options.Root, local: options.Local, progress: s.progress}
	if options.Parts.has(Postgres) && options.DatabaseURL == "" {
		if _, err := s.postgresInstall(ctx); err != nil {
			return err
		}
	}
	var tools []tool
	if options.Parts.has(Temporal) && options.TemporalAddress == "" {
		tools = append(tools, temporalServerTool(), temporalSQLTool())
	}
	if options.Parts.has(UI) {
		tools = append(tools, temporalUITool())
	}
	for _, t := range tools {
		if _, err := s.builder.buildTool(ctx, t); err != nil {
			return err
		}
	}
	if options.Parts.has(Sandbox) {
		return s.buildPrograms(ctx)
	}
	return nil
}

// chooseAPI fixes where regpay's processes will listen, since the UI's configuration
// names its codec endpoint before the API runs.
func (s *Stack) chooseAPI() error {
	if s.options.Parts&(Regpay|UI) == 0 {
		return nil
	}
	port, err := s.ports.pick("regpay's API", s.options.Ports.API)
	if err != nil {
		return err
	}
	s.setEndpoints(func(e *Endpoints) {
		e.API = "http://" + loopback(port)
		e.Codec = e.API + s.options.CodecPath
	})
	if !s.options.Parts.has(Regpay) {
		return nil
	}
	for n := range s.options.Workers {
		port, err := s.ports.pick(fmt.Sprintf("worker %d", n+1), 0)
		if err != nil {
			return err
		}
		s.setEndpoints(func(e *Endpoints) { e.Workers = append(e.Workers, loopback(port)) })
	}
	return nil
}

func (s *Stack) buildPrograms(ctx context.Context) error {
	bin, err := s.builder.buildOwn(ctx, s.options.Race, s.options.sandboxExperiment(), "./deploy/sandbox")
	if err == nil && s.options.Parts.has(Regpay) {
		_, err = s.builder.buildOwn(ctx, s.options.Race, "", "./workers", "./starter")
	}
	s.setEndpoints(func(e *Endpoints) { e.Bin = bin })
	return err
}

func (s *Stack) usePostgres(ctx context.Context) error {
	if s.options.DatabaseURL == "" {
		return s.startPostgres(ctx)
	}
	if _, err := parseServer(s.options.DatabaseURL); err != nil {
		return err
	}
	if err := pingDatabase(ctx, s.options.DatabaseURL); err != nil {
		return fmt.Errorf("use the server in DATABASE_URL: %w", err)
	}
	s.setEndpoints(func(e *Endpoints) { e.AdminDatabaseURL = s.options.DatabaseURL })
	s.progress.line("PostgreSQL: the server in DATABASE_URL")
	return nil
}

func (s *Stack) useTemporal(ctx context.Context) error {
	if s.options.TemporalAddress == "" {
		return s.startTemporal(ctx)
	}
	s.setEndpoints(func(e *Endpoints) { e.Temporal, e.Namespace = s.options.TemporalAddress, s.options.Namespace })
	if err := s.makeNamespace(ctx); err != nil {
		return fmt.Errorf("use the server in TEMPORAL_ADDRESS: %w", err)
	}
	s.progress.line("Temporal: the server in TEMPORAL_ADDRESS, namespace %s", s.options.Namespace)
	return nil
}

// startRegpay makes regpay's database, has its configuration written, and runs
// the processes of the plan.
func (s *Stack) startRegpay(ctx context.Context) error {
	started := time.Now()
	dsn, err := s.Database(ctx, "regpay")
	if err != nil {
		return err
	}
	s.setEndpoints(func(e *Endpoints) { e.DatabaseURL = dsn })
	plan, err := s.options.WriteConfig(ctx, s.manifest, s.Endpoints())
	if err != nil {
		return fmt.Errorf("write regpay's configuration: %w", err)
	}
	for _, p := range plan.Setup {
		if err := s.supervisor.run(ctx, p); err != nil {
			return err
		}
	}
	for _, p := range plan.Serve {
		if err := s.supervisor.start(ctx, p); err != nil {
			return err
		}
	}
	s.progress.done(started, "regpay's API on %s", s.Endpoints().API)
	return nil
}

// Endpoints says where everything listens.
func (s *Stack) Endpoints() Endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints
}

// Manifest is what the sandbox handed out; empty without the part Sandbox.
func (s *Stack) Manifest() Manifest { return s.manifest }

// Run executes one more process to its end, with its output in a log of its
// own; the error of one that fails holds the log's end.
func (s *Stack) Run(ctx context.Context, p Process) error { return s.supervisor.run(ctx, p) }

// Add starts one more process and waits until it is ready.
func (s *Stack) Add(ctx context.Context, p Process) error { return s.supervisor.start(ctx, p) }

// Kill ends a process at once, as a crash would, and waits until it is gone.
// The stack goes on without it.
func (s *Stack) Kill(name string) error {
	c, err := s.child(name)
	if err != nil {
		return err
	}
	c.op.Lock()
	defer c.op.Unlock()
	return s.supervisor.end(context.Background(), c, syscall.SIGKILL)
}

// Halt ends a process in good order, and waits until it is gone. The stack
// goes on without it.
func (s *Stack) Halt(ctx context.Context, name string) error {
	c, err := s.child(name)
	if err != nil {
		return err
	}
	c.op.Lock()
	defer c.op.Unlock()
	return s.supervisor.end(ctx, c, c.stopSignal())
}

// Restart starts a process again with its own arguments, ending it in good
// order first if it runs, and waits until it is ready.
func (s *Stack) Restart(ctx context.Context, name string) error {
	c, err := s.child(name)
	if err != nil {
		return err
	}
	c.op.Lock()
	defer c.op.Unlock()
	if err := s.supervisor.end(ctx, c, c.stopSignal()); err != nil {
		return err
	}
	return s.supervisor.launch(ctx, c)
}

// Signal sends a signal to a process: SIGSTOP freezes it, SIGCONT thaws it.
func (s *Stack) Signal(name string, sig Signal) error {
	c, err := s.child(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid == 0 {
		return fmt.Errorf("signal %s: it does not run", name)
	}
	if err := syscall.Kill(c.pid, sig); err != nil {
		return fmt.Errorf("signal %s: %w", name, err)
	}
	return nil
}

// Processes is what runs now, in starting order.
func (s *Stack) Processes() []RunningProcess { return s.supervisor.children() }

// Failed delivers at most one error: that of the first process that ended
// without being told to.
func (s *Stack) Failed() <-chan error { return s.supervisor.failed }

// Log is the path of a process's log.
func (s *Stack) Log(name string) string { return s.supervisor.logPath(name) }

func (s *Stack) child(name string) (*child, error) {
	if c := s.supervisor.find(name); c != nil {
		return c, nil
	}
	var names []string
	for _, p := range s.Processes() {
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no process %q in the stack: there are %s", name, strings.Join(names, ", "))
}

func (s *Stack) setEndpoints(change func(*Endpoints)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.endpoints)
}

func (s *Stack) addFolder(dir string) {
	s.mu.Lock()
	s.folders = append(s.folders, dir)
	s.mu.Unlock()
	_ = s.writeState()
}
