package staff

import (
	"slices"
	"time"
)

// The rule by which guessing is stopped.
const (
	MaxWrong    = 5                // wrong passwords …
	WrongWindow = 15 * time.Minute // … within this time lock the account
	FirstLock   = 15 * time.Minute // for so long; every further lock for twice as long
	LongestLock = 24 * time.Hour   // but never longer, so that nobody locks an account for good
)

// Tries are the facts about the sign-ins of one account. A right password makes
// them zero again.
type Tries struct {
	Wrong []time.Time // wrong passwords that may still count
	Locks int         // how often it was locked since
	Until time.Time   // how long it is locked
}

// Locked says whether no password is tried at the time at, and until when.
func (t Tries) Locked(at time.Time) (until time.Time, locked bool) {
	return t.Until, at.Before(t.Until)
}

// AfterWrong are the facts after one more wrong password. While the account is
// locked nothing is tried, and so nothing counts.
//
// The times are kept, not a number for each quarter of an hour: across the
// border of two of them, twice as many guesses would be free.
func (t Tries) AfterWrong(at time.Time) Tries {
	if _, locked := t.Locked(at); locked {
		return t
	}
	next := Tries{Locks: t.Locks, Until: t.Until}
	if at.Sub(t.Until) >= LongestLock {
		next.Locks = 0 // a day without trouble is forgiven
	}
	next.Wrong = append(slices.DeleteFunc(slices.Clone(t.Wrong), func(w time.Time) bool { return at.Sub(w) >= WrongWindow }), at)
	if len(next.Wrong) < MaxWrong {
		return next
	}
	lasts := LongestLock
	if next.Locks < 7 { // 15 minutes doubled seven times are more than a day
		lasts = min(FirstLock<<next.Locks, LongestLock)
	}
	return Tries{Locks: next.Locks + 1, Until: at.Add(lasts)}
}
