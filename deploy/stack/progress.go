package stack

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress tells people what is going on: whole lines for what is done, and on
// a terminal one line that changes while something takes long. Elsewhere (a CI
// log) that line is printed twice a minute.
type progress struct {
	mu   sync.Mutex
	out  io.Writer
	tty  bool
	live bool
	last time.Time
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, last: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.tty = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

// line prints a line that stays.
func (p *progress) line(format string, args ...any) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
	p.last = time.Now()
}

// update shows how far something is.
func (p *progress) update(format string, args ...any) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tty {
		p.clear()
		text := []rune(fmt.Sprintf(format, args...))
		if len(text) > 100 { // longer ones wrap and cannot be taken back
			text = append(text[:99], '…')
		}
		fmt.Fprint(p.out, string(text))
		p.live = true
		return
	}
	if time.Since(p.last) >= 30*time.Second {
		p.last = time.Now()
		fmt.Fprintf(p.out, format+"\n", args...)
	}
}

func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.live = false
	}
}

// done prints how long something took.
func (p *progress) done(started time.Time, format string, args ...any) {
	p.line("%s (%s)", fmt.Sprintf(format, args...), since(started))
}

// since is an elapsed time as people say it.
func since(started time.Time) string {
	d := time.Since(started)
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
