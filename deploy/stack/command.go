package stack

import (
	"os/exec"
	"syscall"
	"time"
)

// endWithGroup puts a command that has children of its own (the Go tool with
// its compilers, apt-get with dpkg) into a group of its own and ends the whole
// group when the command's context ends: first politely, since both clean up,
// then for good.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
}

// ticking calls text once a second with the elapsed time and shows the answer,
// until the function that it returns is called.
func (p *progress) ticking(text func(elapsed string) string) (stop func()) {
	started := time.Now()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p.update("%s", text(time.Since(started).Round(time.Second).String()))
			}
		}
	}()
	return func() { close(quit); <-done }
}
