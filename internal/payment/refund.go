package payment

import (
	"slices"

	"github.com/regpay/regpay/internal/money"
)

// RefundWorkingDays is within how many working days after its request a refund
// is expected to be back: channels say three to seven, cards are the slowest.
const RefundWorkingDays = 7

// Refundable is one captured tender, as far as a refund cares.
type Refundable struct {
	Attempt int
	Channel Channel
	// Left is what was captured less what was returned or is on its way.
	Left money.Money
}

// RefundPart is the share of a refund that goes back through one tender.
type RefundPart struct {
	Attempt int
	Amount  money.Money
}

// PlanRefund splits an amount over the tenders that can still return money,
// newest first: the reverse of the order in which they were charged. A tender
// of the insurance goes back whole or not at all, since the platform reverses
// a settlement and not a sum. Among several ways to do so, the one that
// returns the newest insurance tender wins.
//
// It returns Problems of CodeRefundAmount when the amount is not above zero,
// is in another currency, or can only be reached by splitting an insurance
// tender, and CodeRefundExceeds when less than the amount is left.
func PlanRefund(amount money.Money, tenders []Refundable) ([]RefundPart, error) {
	var ps Problems
	if amount.Currency() != money.CNY || !amount.IsPositive() {
		ps.add("amount", CodeRefundAmount, "a refund is above zero and in CNY")
		return nil, ps
	}
	var whole, free []Refundable
	var left, freeLeft int64
	for _, t := range newestFirst(tenders) {
		n := t.Left.Minor()
		if t.Left.Currency() != money.CNY || n <= 0 {
			continue
		}
		left += n
		if t.Channel == Insurance {
			whole = append(whole, t)
			continue
		}
		free = append(free, t)
		freeLeft += n
	}
	want := amount.Minor()
	if want > left {
		ps.add("amount", CodeRefundExceeds, "%s can still be returned", money.Fen(left))
		return nil, ps
	}
	chosen, ok := chooseWhole(whole, want, freeLeft, map[searchPoint]bool{})
	if !ok {
		ps.add("amount", CodeRefundAmount, "the insurance's part goes back whole or not at all")
		return nil, ps
	}
	parts := make([]RefundPart, 0, len(chosen)+len(free))
	for _, t := range chosen {
		parts = append(parts, RefundPart{Attempt: t.Attempt, Amount: t.Left})
		want -= t.Left.Minor()
	}
	for _, t := range free {
		if take := min(want, t.Left.Minor()); take > 0 {
			parts = append(parts, RefundPart{Attempt: t.Attempt, Amount: money.Fen(take)})
			want -= take
		}
	}
	slices.SortFunc(parts, func(a, b RefundPart) int { return b.Attempt - a.Attempt })
	return parts, nil
}

// searchPoint is a point of the search in chooseWhole that led nowhere.
type searchPoint struct {
	tenders int
	want    int64
}

// chooseWhole picks the tenders that go back whole so that what remains of
// want fits into the divisible ones. Points that failed are remembered, so the
// work is bounded by tenders × amounts and not by 2^tenders.
func chooseWhole(tenders []Refundable, want, free int64, failed map[searchPoint]bool) ([]Refundable, bool) {
	if len(tenders) == 0 {
		return nil, want <= free
	}
	here := searchPoint{len(tenders), want}
	if failed[here] {
		return nil, false
	}
	first, rest := tenders[0], tenders[1:]
	if n := first.Left.Minor(); n <= want {
		if more, ok := chooseWhole(rest, want-n, free, failed); ok {
			return append([]Refundable{first}, more...), true
		}
	}
	if more, ok := chooseWhole(rest, want, free, failed); ok {
		return more, true
	}
	failed[here] = true
	return nil, false
}

func newestFirst(tenders []Refundable) []Refundable {
	sorted := slices.Clone(tenders)
	slices.SortFunc(sorted, func(a, b Refundable) int { return b.Attempt - a.Attempt })
	return sorted
}
