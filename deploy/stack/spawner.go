package stack

import (
	"runtime"
	"sync"
)

// spawner starts processes from one operating-system thread that lives as long
// as they do. Linux sends the parent-death signal when the *thread* that
// started a child ends, not when its process does, and the Go runtime ends
// threads as it likes; a goroutine locked to its thread is the only place from
// which such a child can be started safely.
type spawner struct {
	calls chan func()
	once  sync.Once
	ended chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{calls: make(chan func()), ended: make(chan struct{})}
	go func() {
		// Never unlocked: the thread is thrown away with the goroutine.
		runtime.LockOSThread()
		defer close(s.ended)
		for call := range s.calls {
			call()
		}
	}()
	return s
}

// do runs call on the spawner's thread and waits for it.
func (s *spawner) do(call func()) {
	done := make(chan struct{})
	s.calls <- func() { defer close(done); call() }
	<-done
}

// end lets the thread go. Every child must have ended before.
func (s *spawner) end() {
	s.once.Do(func() { close(s.calls) })
	<-s.ended
}
