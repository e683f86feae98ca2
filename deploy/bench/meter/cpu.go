// Package meter reads what a measurement costs: CPU and memory by process,
// PostgreSQL's write-ahead log, Temporal's histories.
package meter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/stack"
)

// tick is the unit of the times in /proc/<pid>/stat: the kernel's USER_HZ,
// which is 100 on every architecture that Go runs on under Linux.
const tick = 10 * time.Millisecond

// Processes are those whose CPU is told apart, by name: the stack's own, and
// "load" for this one.
func Processes(all []stack.RunningProcess) map[string]int {
	pids := map[string]int{"load": os.Getpid()}
	for _, p := range all {
		pids[p.Name] = p.PID
	}
	return pids
}

// CPU is the time that each process has used so far, with its children, those
// that are gone included: PostgreSQL is a process for each connection.
func CPU(pids map[string]int) (map[string]time.Duration, error) {
	children, err := tree()
	if err != nil {
		return nil, err
	}
	used := map[string]time.Duration{}
	for name, pid := range pids {
		own, ok := stat(pid)
		if !ok {
			return nil, fmt.Errorf("read the CPU time of %s: process %d is gone", name, pid)
		}
		used[name] = own.self
		if name == "load" {
			continue // the stack's processes are its children
		}
		used[name] += own.gone
		for _, child := range children[pid] {
			if c, ok := stat(child); ok {
				used[name] += c.self + c.gone
			}
		}
	}
	return used, nil
}

type times struct {
	parent     int
	self, gone time.Duration // of ended children that were waited for
}

func stat(pid int) (times, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return times{}, false
	}
	// After the name, which is in brackets and may hold anything.
	_, rest, ok := bytes.Cut(text[max(bytes.LastIndexByte(text, ')'), 0):], []byte(" "))
	f := strings.Fields(string(rest))
	if !ok || len(f) < 15 {
		return times{}, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(f[i]); return v }
	return times{parent: n(1), self: time.Duration(n(11)+n(12)) * tick, gone: time.Duration(n(13)+n(14)) * tick}, true
}

// tree is the children of every process.
func tree() (map[int][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("read the CPU times: %w", err)
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, ok := stat(pid); ok {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	return children, nil
}

// Memory is the resident memory of a process, in bytes.
func Memory(pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0, fmt.Errorf("read the memory of process %d: %q", pid, text)
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
