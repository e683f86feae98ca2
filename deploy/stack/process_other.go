//go:build unix && !linux

package stack

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes put a child in a session of its own, so that Ctrl-C in the
// terminal reaches only the stack, which then ends its children in order.
// These systems have no parent-death signal: children of a stack that was
// killed are ended by [Down].
func attributes(as *account, _ bool, _ syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if as != nil {
		attr.Credential = as.credential()
	}
	return attr
}

// startTime identifies a process beyond its number, which the system uses
// again. It is empty for a process that does not run.
func startTime(pid int) string {
	out, err := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid)).Output()
	state, started, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || strings.HasPrefix(state, "Z") {
		return ""
	}
	return strings.TrimSpace(started)
}
