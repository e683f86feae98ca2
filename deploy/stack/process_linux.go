package stack

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// attributes put a child in a session of its own, so that Ctrl-C in the
// terminal reaches only the stack, which then ends its children in order. With
// tied, the kernel sends the child that signal when the stack dies.
func attributes(as *account, tied bool, onDeath syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if tied {
		attr.Pdeathsig = onDeath
	}
	if as != nil {
		attr.Credential = as.credential()
	}
	return attr
}

// startTime identifies a process beyond its number, which the system uses
// again: the clock ticks since boot at which it started, with the boot's id. It
// is empty for a process that does not run (a zombie does not).
func startTime(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command's name is in parentheses and may hold anything; field 3, the
	// state, follows the last one. The start time is field 22 (proc(5)).
	_, rest, ok := cutLast(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return fields[19] + "@" + strings.TrimSpace(string(boot))
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
