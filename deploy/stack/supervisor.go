package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Signal is an operating-system signal.
type Signal = syscall.Signal

const (
	defaultReadyTimeout = time.Minute
	defaultStopTimeout  = 15 * time.Second
	pollInterval        = 50 * time.Millisecond
)

// supervisor starts processes, watches them and ends them. Its methods may be
// called at the same time; operations on one process wait for each other.
type supervisor struct {
	dir     string // the run's folder: working directory and, in logs/, the logs
	keep    bool
	spawner *spawner
	changed func() // told after each change of what runs
	failed  chan error

	mu    sync.Mutex
	order []*child
}

// child is a supervised process across its restarts.
type child struct {
	spec Process
	op   sync.Mutex // one operation at a time

	mu      sync.Mutex
	pid     int // 0 when it does not run
	started string
	wanted  bool          // an exit now would be a failure
	exited  chan struct{} // closed at the exit of the present run
	exit    error
}

func newSupervisor(dir string, keep bool, changed func()) *supervisor {
	return &supervisor{dir: dir, keep: keep, spawner: newSpawner(), changed: changed, failed: make(chan error, 1)}
}

// start runs a process that is new to the stack and waits until it is ready.
func (s *supervisor) start(ctx context.Context, p Process) error {
	c := &child{spec: p}
	s.mu.Lock()
	for _, other := range s.order {
		if other.spec.Name == p.Name {
			s.mu.Unlock()
			return fmt.Errorf("start %s: a process of that name exists", p.Name)
		}
	}
	s.order = append(s.order, c)
	s.mu.Unlock()
	c.op.Lock()
	defer c.op.Unlock()
	return s.launch(ctx, c)
}

// launch starts a child and waits until it is ready; a child that is not ready
// in time is stopped. The caller holds c.op.
func (s *supervisor) launch(ctx context.Context, c *child) error {
	for attempt := 1; ; attempt++ {
		err := s.spawn(c)
		if err == nil {
			err = s.awaitReady(ctx, c)
		}
		if err == nil {
			err = c.expectToStay()
		}
		if err == nil {
			return nil
		}
		_, exited := c.hasExited()
		_ = s.end(ctx, c, syscall.SIGKILL)
		if !exited || attempt >= c.spec.Attempts || ctx.Err() != nil {
			return fmt.Errorf("start %s: %w%s", c.spec.Name, err, s.logTail(c.spec.Name))
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("start %s: %w", c.spec.Name, err)
		}
	}
}

func (s *supervisor) spawn(c *child) error {
	log, err := os.OpenFile(s.logPath(c.spec.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := s.command(c.spec)
	cmd.Stdout, cmd.Stderr = log, log // files, so that Wait ends with the process and needs no copying
	s.spawner.do(func() { err = cmd.Start() })
	if err != nil {
		return err
	}
	exited := make(chan struct{})
	c.mu.Lock()
	c.pid, c.started, c.wanted, c.exited, c.exit = cmd.Process.Pid, startTime(cmd.Process.Pid), false, exited, nil
	c.mu.Unlock()
	go func() {
		err := cmd.Wait()
		c.mu.Lock()
		surprise := c.wanted
		c.pid, c.exit = 0, err
		close(exited)
		c.mu.Unlock()
		s.changed()
		if surprise {
			select {
			case s.failed <- fmt.Errorf("%s ended by itself: %w%s", c.spec.Name, exitError(err), s.logTail(c.spec.Name)):
			default: // the first one is the cause
			}
		}
	}()
	s.changed()
	return nil
}

func (s *supervisor) command(p Process) *exec.Cmd {
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir = p.Dir
	if cmd.Dir == "" {
		cmd.Dir = s.dir
	}
	cmd.Env = append(environment(os.Environ()), p.Env...)
	onDeath := p.StopSignal
	if onDeath == 0 {
		onDeath = syscall.SIGKILL
	}
	cmd.SysProcAttr = attributes(p.account, !s.keep, onDeath)
	return cmd
}

// environment leaves out what would point a child at another server than the
// stack's: its own settings are arguments and files.
func environment(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, entry := range all {
		name, _, _ := strings.Cut(entry, "=")
		foreign := strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "PG") ||
			strings.HasPrefix(name, "SQL_") || name == "DATABASE_URL" || name == "NOTIFY_SOCKET"
		if !foreign {
			kept = append(kept, entry)
		}
	}
	return kept
}

func (s *supervisor) awaitReady(ctx context.Context, c *child) error {
	if c.spec.Ready == nil {
		return nil
	}
	limit := c.spec.ReadyTimeout
	if limit == 0 {
		limit = defaultReadyTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ready after %s", limit))
	defer cancel()
	c.mu.Lock()
	exited := c.exited
	c.mu.Unlock()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		asked, done := context.WithTimeout(ctx, 5*time.Second)
		last := c.spec.Ready(asked)
		done()
		if exit, gone := c.hasExited(); gone {
			return fmt.Errorf("it ended before it was ready: %w", exitError(exit))
		}
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case <-exited:
		case <-tick.C:
		}
	}
}

// end signals a child, waits for it, and kills it when it takes too long or
// ctx ends. Ending one that does not run is no error. The caller holds c.op.
func (s *supervisor) end(ctx context.Context, c *child, sig Signal) error {
	c.mu.Lock()
	pid, exited := c.pid, c.exited
	c.wanted = false
	if pid != 0 {
		// Under the lock: the number is ours as long as Wait has not
		// returned, and Wait's goroutine clears it under the same lock.
		signalProcess(pid, sig)
	}
	c.mu.Unlock()
	if pid == 0 {
		return nil
	}
	limit := c.spec.StopTimeout
	if limit == 0 {
		limit = defaultStopTimeout
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-exited:
		return nil
	case <-late.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	if c.pid != 0 {
		signalProcess(c.pid, syscall.SIGKILL)
	}
	c.mu.Unlock()
	<-exited
	if sig == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("stop %s: it did not end within %s and was killed", c.spec.Name, limit)
}

// signalProcess signals the process, and for a kill its whole session group:
// an orderly end is the process's own to pass on.
func signalProcess(pid int, sig Signal) {
	if sig == syscall.SIGKILL {
		_ = syscall.Kill(-pid, sig)
	}
	_ = syscall.Kill(pid, sig)
}

// run executes a process to its end.
func (s *supervisor) run(ctx context.Context, p Process) error {
	p.Ready, p.oneShot = nil, true
	if err := s.start(ctx, p); err != nil {
		return err
	}
	c := s.find(p.Name)
	defer s.forget(c)
	c.mu.Lock()
	exited := c.exited
	c.mu.Unlock()
	select {
	case <-exited:
	case <-ctx.Done():
		c.op.Lock()
		defer c.op.Unlock()
		_ = s.end(context.WithoutCancel(ctx), c, c.stopSignal())
		return fmt.Errorf("run %s: %w", p.Name, context.Cause(ctx))
	}
	if exit, _ := c.hasExited(); exit != nil {
		return fmt.Errorf("run %s: %w%s", p.Name, exit, s.logTail(p.Name))
	}
	return nil
}

// stopAll ends every process in the reverse order of their start.
func (s *supervisor) stopAll(ctx context.Context) error {
	var errs []error
	s.mu.Lock()
	order := append([]*child(nil), s.order...)
	s.mu.Unlock()
	for i := len(order) - 1; i >= 0; i-- {
		c := order[i]
		c.op.Lock()
		errs = append(errs, s.end(ctx, c, c.stopSignal()))
		c.op.Unlock()
	}
	return errors.Join(errs...)
}

func (s *supervisor) find(name string) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.order {
		if c.spec.Name == name {
			return c
		}
	}
	return nil
}

func (s *supervisor) forget(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.order {
		if other == c {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// children is what runs now, in starting order.
func (s *supervisor) children() []RunningProcess {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []RunningProcess
	for _, c := range s.order {
		c.mu.Lock()
		if c.pid != 0 {
			all = append(all, RunningProcess{Name: c.spec.Name, PID: c.pid, Started: c.started, StopSignal: int(c.stopSignal())})
		}
		c.mu.Unlock()
	}
	return all
}

// expectToStay makes an exit from now on a failure of the stack.
func (c *child) expectToStay() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spec.oneShot {
		return nil
	}
	if c.pid == 0 {
		return fmt.Errorf("it ended at once: %w", exitError(c.exit))
	}
	c.wanted = true
	return nil
}

func (c *child) stopSignal() Signal {
	if c.spec.StopSignal != 0 {
		return c.spec.StopSignal
	}
	return syscall.SIGTERM
}

func (c *child) hasExited() (error, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit, c.pid == 0
}

func (s *supervisor) logPath(name string) string {
	return filepath.Join(s.dir, "logs", name+".log")
}

// logTail is the end of a process's log, for error messages: the reason why a
// process does not start stands nowhere else.
func (s *supervisor) logTail(name string) string {
	text, err := os.ReadFile(s.logPath(name))
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-12):]
	for i, l := range lines {
		if len(l) > 400 {
			lines[i] = l[:400] + "…"
		}
	}
	return "\nthe end of " + s.logPath(name) + ":\n  " + strings.Join(lines, "\n  ")
}

// exitError gives a clean exit, which for a server is an error too, a text.
func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// pause waits unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
