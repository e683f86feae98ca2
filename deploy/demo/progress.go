package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// How often the line is renewed, on a terminal and in a log.
const (
	liveEvery = 200 * time.Millisecond
	logEvery  = 5 * time.Second
)

// board counts how far the day is and shows it: on a terminal in one line that
// changes, elsewhere in a line every few seconds.
type board struct {
	out   io.Writer
	tty   bool
	total int
	since time.Time

	mu     sync.Mutex
	start  int
	end    map[payment.Status]int
	failed int
}

func newBoard(out io.Writer, total int) *board {
	b := &board{out: out, total: total, since: time.Now(), end: map[payment.Status]int{}}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		b.tty = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return b
}

func (b *board) began() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start++
}

func (b *board) ended(o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.err != nil {
		b.failed++
		return
	}
	b.end[o.status()]++
}

func (b *board) line() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	done := b.failed
	for _, n := range b.end {
		done += n
	}
	// Below 80 characters: a longer line wraps and cannot be taken back.
	s := fmt.Sprintf("%3.0f s  %d/%d  open %d  completed %d  refunded %d  closed %d  rejected %d",
		time.Since(b.since).Seconds(), b.start, b.total, b.start-done,
		b.end[payment.Completed], b.end[payment.Refunded], b.end[payment.Closed], b.end[payment.Rejected])
	if b.failed > 0 {
		s += fmt.Sprintf("  failed %d", b.failed)
	}
	return s
}

// show shows the line until the function that it returns is called, which
// prints it a last time.
func (b *board) show() (stop func()) {
	every := logEvery
	if b.tty {
		every = liveEvery
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				b.print("\n")
				return
			case <-tick.C:
				if b.tty {
					b.print("")
				} else {
					b.print("\n")
				}
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (b *board) print(end string) {
	start := ""
	if b.tty {
		start = "\r\x1b[K"
	}
	fmt.Fprint(b.out, start+b.line()+end)
}
