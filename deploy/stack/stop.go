package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Stop ends every process in reverse order, waits for each, and removes the
// data; the logs stay until a few later runs have gone by. A process that takes
// too long is killed, and all that still run are when ctx ends. It is safe to
// call more than once.
func (s *Stack) Stop(ctx context.Context) error {
	if !s.finish() {
		return nil
	}
	errs := []error{s.supervisor.stopAll(ctx)}
	s.mu.Lock()
	admin, databases, folders := s.endpoints.AdminDatabaseURL, s.drop, s.folders
	s.drop = nil
	s.mu.Unlock()
	errs = append(errs, dropDatabases(context.WithoutCancel(ctx), admin, databases))
	s.supervisor.spawner.end()
	for _, dir := range folders {
		errs = append(errs, os.RemoveAll(dir))
	}
	// The configuration holds passwords and keys.
	errs = append(errs, os.RemoveAll(filepath.Join(s.dir, "config")), os.RemoveAll(filepath.Join(s.dir, "sandbox")))
	errs = append(errs, s.writeState())
	return errors.Join(errs...)
}

// Leave leaves the processes of a stack started with Keep up when the owner
// ends, to be found by [Running] and ended by [Down].
func (s *Stack) Leave() error {
	if !s.options.Keep {
		return errors.New("leave the stack up: it was not started with Keep, so its processes end with this one")
	}
	if !s.finish() {
		return errors.New("leave the stack up: it was stopped")
	}
	s.mu.Lock()
	s.kept = true
	s.mu.Unlock()
	if err := s.writeState(); err != nil {
		return err
	}
	// Where people and `make down` look first.
	link := filepath.Join(s.options.Local, stateFile)
	_ = os.Remove(link)
	if err := os.Symlink(filepath.Join(s.dir, stateFile), link); err != nil {
		return fmt.Errorf("leave the stack up: %w", err)
	}
	return nil
}

// finish marks the stack as over and says whether it was not before.
func (s *Stack) finish() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.over
	s.over = true
	return !was
}

// noteChange writes down what runs now. Once the stack is over, its folder is
// no longer this process's to write in: [Down] may be removing it.
func (s *Stack) noteChange() {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if !over {
		_ = s.writeState()
	}
}

// writeState writes down what runs, so that it can be found and ended.
func (s *Stack) writeState() error {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	s.mu.Lock()
	st := State{Name: s.options.Name, Kept: s.kept, Folders: slices.Clone(s.folders), Databases: slices.Clone(s.drop), Endpoints: s.endpoints,
		Owner: RunningProcess{Name: filepath.Base(os.Args[0]), PID: os.Getpid(), Started: startTime(os.Getpid())}}
	s.mu.Unlock()
	if s.supervisor != nil {
		st.Processes = s.supervisor.children()
	}
	return st.write(filepath.Join(s.dir, stateFile))
}
