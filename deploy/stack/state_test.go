package stack

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAStackLeftUpIsFoundAndEndedByItsState(t *testing.T) {
	local := t.TempDir()
	s := newTestStack(t, Options{Local: local, Keep: true, Name: "kept"})
	require.NoError(t, s.Add(t.Context(), shell("p", "exec sleep 60")))
	p := running(t, s, "p")
	data := filepath.Join(s.dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	s.addFolder(data)

	_, up := Running(local)
	require.False(t, up, "a stack is its owner's until it is left")
	require.NoError(t, s.Leave())
	st, up := Running(local)
	require.True(t, up)
	require.Equal(t, []RunningProcess{p}, st.Processes)
	info, err := os.Stat(filepath.Join(s.dir, stateFile))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm(), "the state holds a password")

	n, err := Down(t.Context(), local, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.False(t, p.alive())
	require.NoDirExists(t, data)
	_, up = Running(local)
	require.False(t, up)
}

func TestLeaveNeedsKeep(t *testing.T) {
	require.ErrorContains(t, newTestStack(t, Options{}).Leave(), "not started with Keep")
}

func TestDownNeverTouchesAForeignProcess(t *testing.T) {
	foreign := exec.Command("/bin/sleep", "60")
	require.NoError(t, foreign.Start())
	t.Cleanup(func() { _ = foreign.Process.Kill(); _ = foreign.Wait() })
	now := RunningProcess{PID: foreign.Process.Pid, Started: startTime(foreign.Process.Pid), StopSignal: 9}
	require.True(t, now.alive())

	for name, change := range map[string]func(*RunningProcess){
		"another start time":  func(p *RunningProcess) { p.Started = "1" + p.Started },
		"no start time":       func(p *RunningProcess) { p.Started = "" },
		"process number one":  func(p *RunningProcess) { p.PID = 1 },
		"all of a group (-1)": func(p *RunningProcess) { p.PID = -1 },
		"process number zero": func(p *RunningProcess) { p.PID = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			local := t.TempDir()
			p := now
			change(&p)
			st := State{Name: "old", Kept: true, Processes: []RunningProcess{p}}
			require.NoError(t, st.write(filepath.Join(local, "run", "old", stateFile)))
			n, err := Down(t.Context(), local, io.Discard)
			require.NoError(t, err)
			require.Zero(t, n)
			require.True(t, now.alive())
		})
	}
}

func TestDownLeavesARunningOwnersStackAlone(t *testing.T) {
	local := t.TempDir()
	s := newTestStack(t, Options{Local: local, Name: "mine"})
	require.NoError(t, s.Add(t.Context(), shell("p", "exec sleep 60")))
	n, err := Down(t.Context(), local, io.Discard)
	require.NoError(t, err)
	require.Zero(t, n)
	require.True(t, running(t, s, "p").alive())
}

func TestPruneRemovesDataOfDeadRunsAndKeepsTheNewestLogs(t *testing.T) {
	local, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	names := []string{"1", "2", "3", "4", "5", "6", "7"}
	for _, name := range names {
		st := State{Name: name, Folders: []string{data}, Owner: RunningProcess{PID: 1 << 30, Started: "never"}}
		require.NoError(t, st.write(filepath.Join(local, "run", name, stateFile)))
	}
	alive := State{Name: "alive", Owner: RunningProcess{PID: os.Getpid(), Started: startTime(os.Getpid())}}
	require.NoError(t, alive.write(filepath.Join(local, "run", "0", stateFile)))

	prune(local)

	require.NoDirExists(t, data)
	var left []string
	for _, path := range runs(local) {
		left = append(left, filepath.Base(filepath.Dir(path)))
	}
	require.Equal(t, []string{"0", "3", "4", "5", "6", "7"}, left)
}
