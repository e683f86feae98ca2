package api

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// How often one payment's channel is asked for a patient who waits, and how
// long that may take.
const (
	pollEvery   = 3 * time.Second
	pollTimeout = 2 * time.Second
)

// poll asks the channel whether the patient has paid, while it is not known.
// What it learns goes to the engine as a notification would; the two race, and
// the second to come changes nothing. It says whether it told the engine
// anything. Trouble on the way is no error for the caller, who asks again.
func (s *server) poll(ctx context.Context, v store.View) bool {
	if v.Status != payment.AwaitingPayment && v.Status != payment.Clearing {
		return false
	}
	attempt, ok := uncaptured(v)
	if !ok || !s.polls.pass(v.ID) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	told, err := s.ask(ctx, v, attempt)
	if err != nil {
		s.log.Info("a channel could not be asked for a waiting patient",
			zap.String("request_id", inbound.RequestID(ctx)), zap.String("payment_id", v.ID), zap.Error(err))
	}
	return told
}

func (s *server) ask(ctx context.Context, v store.View, attempt int) (bool, error) {
	h, known := s.hospitals.Hospital(v.HospitalID)
	if !known {
		return false, nil
	}
	a, err := s.books.Attempt(ctx, v.ID, attempt)
	if err != nil {
		return false, err
	}
	client := h.Channel(a.Charge.Channel)
	if client == nil {
		return false, nil
	}
	report, err := client.Query(ctx, a.Charge)
	if err != nil || !telling(a.Charge.Channel, report.State) {
		return false, err
	}
	event := channel.Event{ID: "poll-" + report.MerchantNo + "-" + string(report.State) + "-" + report.ChannelNo, Charge: &report}
	if err := s.engine.Notify(ctx, refOf(v.Standing), event); err != nil {
		return false, err
	}
	return true, nil
}

// telling says whether the payment goes on by a state. The insurance sends no
// notice of a clearing that failed, so that is told too; a self-pay charge that
// failed once can still be paid.
func telling(ch payment.Channel, st channel.State) bool {
	switch st {
	case channel.Captured:
		return true
	case channel.Declined, channel.Closed, channel.Doubtful:
		return ch == payment.Insurance
	}
	return false
}

// uncaptured is the newest charge whose outcome is not known.
func uncaptured(v store.View) (int, bool) {
	for i := len(v.Tenders) - 1; i >= 0; i-- {
		if v.Tenders[i].State.Outcome() == payment.Unknown {
			return v.Tenders[i].Attempt, true
		}
	}
	return 0, false
}

// turnstile lets each key pass once in a while. It is bounded and safe for
// concurrent use.
type turnstile struct {
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

// turnstileRoom is how many keys are remembered.
const turnstileRoom = 10_000

func newTurnstile(every time.Duration, now func() time.Time) *turnstile {
	return &turnstile{every: every, now: now, last: map[string]time.Time{}}
}

func (t *turnstile) pass(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if last, ok := t.last[key]; ok && now.Sub(last) < t.every {
		return false
	}
	if len(t.last) >= turnstileRoom {
		for k, at := range t.last {
			if now.Sub(at) >= t.every {
				delete(t.last, k)
			}
		}
		if len(t.last) >= turnstileRoom {
			return false
		}
	}
	t.last[key] = now
	return true
}
