// Package risk decides, from facts that the books know, whether a payment may
// go on. It is pure: the store gathers Facts in the transaction that opens the
// payment, so that two payments started at once see each other.
package risk

import (
	"time"

	"github.com/regpay/regpay/internal/money"
)

// Rules are a hospital's limits. A zero limit is no limit.
type Rules struct {
	// RefuseAfter and ReviewAfter bound how many payments one patient may start
	// within Window.
	RefuseAfter int
	ReviewAfter int
	Window      time.Duration
	// ReviewAmount sends payments of this amount and above to a person.
	ReviewAmount money.Money
	// ReviewNoShows and RefuseNoShows bound a patient's missed appointments
	// within NoShowWindow.
	ReviewNoShows int
	RefuseNoShows int
	NoShowWindow  time.Duration
}

// Facts are what is known of a patient at one hospital when a payment opens.
type Facts struct {
	Amount  money.Money
	Started int // payments started within Rules.Window, this one included
	NoShows int // missed appointments within Rules.NoShowWindow
	Blocked bool
}

// Verdict is what the rules say.
type Verdict string

// The verdicts, from mild to hard.
const (
	Pass   Verdict = "pass"
	Review Verdict = "review"
	Refuse Verdict = "refuse"
)

// Assessment is a verdict with the rule that made it, empty for Pass.
type Assessment struct {
	Verdict Verdict `json:"verdict"`
	Rule    string  `json:"rule,omitempty"`
}

// Assess applies the rules; the hardest verdict wins.
func (r Rules) Assess(f Facts) Assessment {
	reached := func(n, limit int) bool { return limit > 0 && n >= limit }
	big := r.ReviewAmount.IsPositive()
	if big {
		c, err := f.Amount.Cmp(r.ReviewAmount)
		big = err == nil && c >= 0
	}
	switch {
	case f.Blocked:
		return Assessment{Refuse, "block_list"}
	case r.RefuseAfter > 0 && f.Started > r.RefuseAfter:
		return Assessment{Refuse, "velocity"}
	case reached(f.NoShows, r.RefuseNoShows):
		return Assessment{Refuse, "no_shows"}
	case r.ReviewAfter > 0 && f.Started > r.ReviewAfter:
		return Assessment{Review, "velocity"}
	case big:
		return Assessment{Review, "amount"}
	case reached(f.NoShows, r.ReviewNoShows):
		return Assessment{Review, "no_shows"}
	}
	return Assessment{Verdict: Pass}
}
