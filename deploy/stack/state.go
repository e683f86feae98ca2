package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// State is what a stack writes down about itself, in stack.json in its run
// folder, so that another process can find it, end it, or tidy up after it.
// The file holds the database's password and is readable by its owner alone.
type State struct {
	Name string `json:"name"`
	// Owner is the process that started the stack.
	Owner RunningProcess `json:"owner"`
	// Kept says that the owner went and left the stack up on purpose.
	Kept bool `json:"kept"`
	// Folders hold data and go when the stack goes.
	Folders []string `json:"folders"`
	// Databases were made on a server that is not the stack's, and go too.
	Databases []string         `json:"databases,omitempty"`
	Processes []RunningProcess `json:"processes"`
	Endpoints Endpoints        `json:"endpoints"`
}

// RunningProcess is a process that can be recognised again.
type RunningProcess struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Started tells a process from a later one with the same number.
	Started string `json:"started"`
	// StopSignal asks it to end.
	StopSignal int `json:"stop_signal,omitempty"`
}

// alive says whether exactly this process still runs.
func (p RunningProcess) alive() bool {
	return p.PID > 1 && p.Started != "" && startTime(p.PID) == p.Started
}

const stateFile = "stack.json"

func readState(path string) (State, error) {
	var st State
	text, err := os.ReadFile(path)
	if err != nil {
		return st, fmt.Errorf("read a stack's state: %w", err)
	}
	if err := json.Unmarshal(text, &st); err != nil {
		return st, fmt.Errorf("read a stack's state from %s: %w", path, err)
	}
	return st, nil
}

func (st State) write(path string) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return fmt.Errorf("write a stack's state: %w", err)
	}
	return writeFile(path, append(text, '\n'), 0o600)
}

// Running answers with the stack that was left up in this checkout, if any.
func Running(local string) (State, bool) {
	st, err := readState(filepath.Join(local, stateFile))
	if err != nil {
		return State{}, false
	}
	for _, p := range st.Processes {
		if p.alive() {
			return st, true
		}
	}
	return State{}, false
}

// LocalFolder is where the stacks of the checkout around the working directory
// keep their binaries and data.
func LocalFolder() (string, error) {
	root, err := findRoot("")
	if err != nil {
		return "", err
	}
	return findLocal("", root)
}

// Down ends the stacks in local whose owner is gone: those left up on purpose
// and those whose owner was killed. It signals only processes that are still
// the ones written down. A stack whose owner still runs is that owner's to
// end. It answers with the number of stacks that it ended.
func Down(ctx context.Context, local string, out io.Writer) (int, error) {
	p := newProgress(out)
	ended := 0
	var errs []error
	for _, path := range runs(local) {
		st, err := readState(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if st.Owner.alive() && !st.Kept {
			p.line("stack %s belongs to process %d, which still runs: end that one", st.Name, st.Owner.PID)
			continue
		}
		if st.anyAlive() {
			ended++
		}
		errs = append(errs, st.end(ctx, p), st.tidy(filepath.Dir(path)))
	}
	if len(errs) == 0 || errors.Join(errs...) == nil {
		_ = os.Remove(filepath.Join(local, stateFile))
	}
	return ended, errors.Join(errs...)
}

// runs are the state files of all stacks in local.
func runs(local string) []string {
	paths, _ := filepath.Glob(filepath.Join(local, "run", "*", stateFile))
	return paths
}

// prune removes the data of runs that are over, such as those of a test that
// was killed, and of the run folders the logs of all but the newest few.
func prune(local string) {
	const keptLogs = 5
	over := 0
	paths := runs(local)
	for i := len(paths) - 1; i >= 0; i-- { // names begin with the time: newest first
		st, err := readState(paths[i])
		if err != nil || st.Owner.alive() || st.anyAlive() {
			continue
		}
		for _, dir := range st.Folders {
			_ = os.RemoveAll(dir)
		}
		if over++; over > keptLogs {
			_ = os.RemoveAll(filepath.Dir(paths[i]))
		}
	}
}

func (st State) anyAlive() bool {
	for _, p := range st.Processes {
		if p.alive() {
			return true
		}
	}
	return false
}

// end stops the processes in reverse order, each with its own signal first.
func (st State) end(ctx context.Context, out *progress) error {
	var errs []error
	for i := len(st.Processes) - 1; i >= 0; i-- {
		p := st.Processes[i]
		if !p.alive() {
			continue
		}
		out.line("stopping %s (process %d)", p.Name, p.PID)
		if err := syscall.Kill(p.PID, Signal(p.StopSignal)); err != nil {
			errs = append(errs, fmt.Errorf("stop %s, process %d: %w", p.Name, p.PID, err))
			continue
		}
		if !p.awaitEnd(ctx, defaultStopTimeout) && p.alive() {
			signalProcess(p.PID, syscall.SIGKILL)
			if !p.awaitEnd(context.WithoutCancel(ctx), defaultStopTimeout) {
				errs = append(errs, fmt.Errorf("stop %s: process %d does not end", p.Name, p.PID))
			}
		}
	}
	return errors.Join(errs...)
}

func (p RunningProcess) awaitEnd(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for p.alive() {
		if pause(ctx, pollInterval) != nil {
			return false
		}
	}
	return true
}

// tidy removes what an ended stack left on disk; the logs stay with its run.
func (st State) tidy(dir string) error {
	if st.anyAlive() {
		return nil
	}
	drop, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := []error{dropDatabases(drop, st.Endpoints.AdminDatabaseURL, st.Databases)}
	for _, folder := range st.Folders {
		errs = append(errs, os.RemoveAll(folder))
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}
