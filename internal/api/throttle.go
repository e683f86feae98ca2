package api

import (
	"sync"
	"time"
)

// How many refused notifications are kept: so many at once, refilled over a
// minute.
const throttleRoom = 300

// throttle is a token bucket. It is safe for concurrent use.
type throttle struct {
	now func() time.Time

	mu     sync.Mutex
	tokens int64 // in milliseconds of refilling, so that no float is needed
	last   time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, tokens: throttleRoom * perToken, last: now()}
}

// perToken is how many milliseconds it takes to refill one.
const perToken = int64(time.Minute/time.Millisecond) / throttleRoom

func (t *throttle) pass() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if d := now.Sub(t.last).Milliseconds(); d > 0 {
		t.tokens = min(throttleRoom*perToken, t.tokens+d)
		t.last = now
	}
	if t.tokens < perToken {
		return false
	}
	t.tokens -= perToken
	return true
}
