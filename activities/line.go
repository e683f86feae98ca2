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
	now := h.Clock()
	line, err := h.Store.LineBefore(ctx, in.PaymentID, now.Add(-settled))
	if err != nil || line.Ahead < asking {
		return err
	}
	works := h.pulse.felt(in.Order.HospitalID, now)
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

// pulse is when each hospital's HIS last answered this process, as long as it
// does. Its zero value is ready, and it is safe for concurrent use.
type pulse struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (p *pulse) heard(hospital string, answer bool, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = map[string]time.Time{}
	}
	if !answer {
		at = time.Time{} // what it did before says nothing of now
	}
	p.last[hospital] = at
}

func (p *pulse) felt(hospital string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.last[hospital]
	return !at.IsZero() && now.Sub(at) < lively
}
