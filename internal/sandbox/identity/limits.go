package identity

import (
	"slices"
	"time"
)

// limit allows most texts in any window of that length.
type limit struct {
	window time.Duration
	most   int
}

// numberLimits is what carriers allow a number to receive of verification codes.
func numberLimits() []limit {
	return []limit{{time.Minute, 1}, {time.Hour, 5}, {24 * time.Hour, 10}}
}

// wait returns how long a number that received texts at the times sent (oldest first)
// must wait until it may receive one more, zero for not at all.
func wait(limits []limit, sent []time.Time, now time.Time) time.Duration {
	var longest time.Duration
	for _, l := range limits {
		if len(sent) < l.most {
			continue
		}
		// The window is free again when the text that is most back from the newest leaves it.
		free := sent[len(sent)-l.most].Add(l.window)
		longest = max(longest, free.Sub(now))
	}
	return longest
}

// forget drops the times that no limit looks at any more.
func forget(limits []limit, sent []time.Time, now time.Time) []time.Time {
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.window)
	}
	return slices.DeleteFunc(sent, func(at time.Time) bool { return !at.Add(longest).After(now) })
}
