package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const soon = 10 * time.Second

// newTestStack is a stack without parts, to run any process in.
func newTestStack(t *testing.T, options Options) *Stack {
	t.Helper()
	if options.Local == "" {
		options.Local = t.TempDir()
	}
	s := &Stack{options: options, id: "test", dir: filepath.Join(options.Local, "run", "20260101-000000-"+t.Name()),
		progress: newProgress(nil), ports: &portPicker{}}
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "logs"), 0o755))
	s.supervisor = newSupervisor(s.dir, options.Keep, s.noteChange)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func shell(name, script string) Process {
	return Process{Name: name, Path: "/bin/sh", Args: []string{"-c", script}}
}

func running(t *testing.T, s *Stack, name string) RunningProcess {
	t.Helper()
	for _, p := range s.Processes() {
		if p.Name == name {
			return p
		}
	}
	require.Failf(t, "process does not run", "%s", name)
	return RunningProcess{}
}

func TestStopEndsEveryProcessInReverseOrderAndLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := newTestStack(t, Options{})
	notes := filepath.Join(t.TempDir(), "notes")
	var started []RunningProcess
	for _, name := range []string{"first", "second"} {
		p := shell(name, `trap 'echo `+name+` >> `+notes+`; exit 0' TERM; echo up; while :; do sleep 0.05; done`)
		p.Ready = func(context.Context) error {
			text, err := os.ReadFile(s.Log(name))
			if err == nil && len(text) == 0 {
				err = errors.New("its trap is not set yet")
			}
			return err
		}
		require.NoError(t, s.Add(t.Context(), p))
		started = append(started, running(t, s, name))
	}

	require.NoError(t, s.Stop(t.Context()))

	text, err := os.ReadFile(notes)
	require.NoError(t, err)
	require.Equal(t, "second\nfirst\n", string(text))
	for _, p := range started {
		require.False(t, p.alive(), "%s must be gone", p.Name)
	}
	require.NoError(t, s.Stop(t.Context()), "a second stop is no error")
}

func TestAProcessThatIgnoresItsSignalIsKilled(t *testing.T) {
	s := newTestStack(t, Options{})
	stubborn := shell("stubborn", `trap '' TERM; echo up; while :; do sleep 0.05; done`)
	stubborn.StopTimeout = 100 * time.Millisecond
	stubborn.Ready = func(context.Context) error {
		if text, _ := os.ReadFile(s.Log("stubborn")); len(text) == 0 {
			return errors.New("its trap is not set yet")
		}
		return nil
	}
	require.NoError(t, s.Add(t.Context(), stubborn))
	p := running(t, s, "stubborn")
	require.ErrorContains(t, s.Halt(t.Context(), "stubborn"), "was killed")
	require.False(t, p.alive())
}

func TestAProcessThatIsNotReadyIsStoppedAndExplained(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		ready  error
		want   []string
	}{
		"it ends before it is ready": {"echo the reason >&2; exit 3", errors.New("silence"), []string{"exit status 3", "the reason"}},
		"it ends cleanly":            {"exit 0", errors.New("silence"), []string{"ended before it was ready"}},
		"it never answers":           {"exec sleep 60", errors.New("silence"), []string{"not ready after 200ms", "silence"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestStack(t, Options{})
			p := shell("p", c.script)
			p.Ready = func(context.Context) error { return c.ready }
			p.ReadyTimeout = 200 * time.Millisecond
			if strings.Contains(c.script, "exit") {
				p.ReadyTimeout = soon
			}
			err := s.Add(t.Context(), p)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.Empty(t, s.Processes())
			require.Empty(t, s.Failed(), "a failed start is reported once, by its caller")
		})
	}
}

func TestAProcessThatEndsEarlyIsTriedAgainAsOftenAsAllowed(t *testing.T) {
	s := newTestStack(t, Options{})
	count := filepath.Join(t.TempDir(), "count")
	p := shell("p", `echo x >> `+count+`; [ $(wc -l < `+count+`) -ge 3 ] && exec sleep 60; exit 1`)
	p.Attempts = 3
	p.Ready = func(context.Context) error {
		if text, _ := os.ReadFile(count); strings.Count(string(text), "x") < 3 {
			return errors.New("not the third")
		}
		return nil
	}
	require.NoError(t, s.Add(t.Context(), p))
}

func TestOnlyAnUnexpectedEndIsAFailure(t *testing.T) {
	s := newTestStack(t, Options{})
	require.NoError(t, s.Add(t.Context(), shell("p", "exec sleep 60")))
	first := running(t, s, "p")

	require.NoError(t, s.Kill("p"))
	require.False(t, first.alive())
	require.NoError(t, s.Restart(t.Context(), "p"))
	second := running(t, s, "p")
	require.NotEqual(t, first.PID, second.PID)
	require.NoError(t, s.Restart(t.Context(), "p"), "a running process is ended first")
	require.Empty(t, s.Failed())

	require.NoError(t, s.Signal("p", syscall.SIGKILL))
	select {
	case err := <-s.Failed():
		require.ErrorContains(t, err, "p ended by itself")
	case <-time.After(soon):
		require.Fail(t, "the end of p went unnoticed")
	}
	require.ErrorContains(t, s.Kill("q"), `no process "q"`)
}

func TestRunWaitsForTheEndAndShowsTheLog(t *testing.T) {
	s := newTestStack(t, Options{})
	require.NoError(t, s.Run(t.Context(), shell("good", "echo fine")))
	require.ErrorContains(t, s.Run(t.Context(), shell("bad", "echo no disk; exit 7")), "no disk")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("enough"))
	defer cancel()
	require.ErrorContains(t, s.Run(ctx, shell("long", "exec sleep 60")), "enough")
	require.Empty(t, s.Processes())
	require.NoError(t, s.Run(t.Context(), shell("good", "echo again")), "a name is free again after the end")
}

func TestChildrenDoNotInheritOtherServersSettings(t *testing.T) {
	got := environment([]string{"PATH=/bin", "TEMPORAL_ADDRESS=x", "PGHOST=x", "DATABASE_URL=x", "SQL_HOST=x", "REGPAY_X=1"})
	require.Equal(t, []string{"PATH=/bin", "REGPAY_X=1"}, got)
}
