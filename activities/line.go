package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// When the HIS was away for hours, hundreds of payments wait for it. All of them
// asking at the moment of its return would push it over again, and the patient
// who waited longest might come last. So a payment looks at the line before it
// asks, and steps back while enough older ones wait: the oldest go first, a few
// at a time, and nobody keeps the line anywhere, since the books are the line.
const (
	// asking is how many of the oldest may ask while others wait. One would be
	// the strictest order; but one that the HIS chokes on would then hold up all
	// others, and a HIS answers several at a time. Eight registrations of a
	// second each are also what a hospital registers in its busiest minutes.
	asking = 8
	// settled is how long ago a payment has to be paid to stand in the line: one
	// that is on its way to a HIS which works is no backlog.
	settled = 15 * time.Second
	// lively is how long a HIS counts as working after an answer.
	lively = 30 * time.Second
	// lull is how long a line that was seen to be short is not looked at again,
	// while the HIS works: on a busy morning each payment would ask for what is
	// not there.
	lull = time.Second
	// scouts: while the HIS does not answer, every eighth try of a payment goes
	// out of turn. Where it is the oldest registrations themselves that the HIS
	// cannot take, these find that it works for others.
	scouts = 8
	// How long to step back, at least and at most.
	stepBackLeast = time.Second
	stepBackMost  = 2 * time.Minute
)

// inLine returns an error with the time of the next try when the payment is not
// among the first of its hospital's line.
func (h *HIS) inLine(ctx context.Context, in RegisterIn) error {
	now, hospital := h.Clock(), in.Order.HospitalID
	if h.short.within(lull, hospital, now) {
		return nil
	}
	line, err := h.Store.LineBefore(ctx, in.PaymentID, now.Add(-settled))
	switch {
	case err != nil:
		return err
	case line.Ahead < asking:
		if in.PaidAt.After(now.Add(-settled)) { // all of the line is ahead of it
			h.short.note(hospital, now)
		}
		return nil
	}
	works := h.answered.within(lively, hospital, now)
	if !works && activity.GetInfo(ctx).Attempt%scouts == 0 {
		return nil
	}
	wait := now.Sub(line.First) / 4 // an outage of an hour is not over in seconds
	if works {
		// The line moves by some eight a second.
		wait = time.Duration(line.Ahead-asking) * time.Second / asking
	}
	return undecided("registration", fmt.Sprintf("behind %d older ones", line.Ahead), min(max(wait, stepBackLeast), stepBackMost))
}

// heard notes whether a hospital's HIS has answered this process. What it did
// before says nothing of now when it does not.
func (h *HIS) heard(hospital string, answer bool) {
	if answer {
		h.answered.note(hospital, h.Clock())
		return
	}
	h.answered.note(hospital, time.Time{})
	h.short.note(hospital, time.Time{})
}

// moments is when something was last seen of each hospital; the zero time is
// never. Its zero value is ready, and it is safe for concurrent use.
type moments struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (m *moments) note(hospital string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]time.Time{}
	}
	m.last[hospital] = at
}

// within says whether it was seen less than d before now.
func (m *moments) within(d time.Duration, hospital string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.last[hospital]
	return !at.IsZero() && now.Sub(at) < d
}
