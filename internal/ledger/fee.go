package ledger

import (
	"github.com/shopspring/decimal"

	"github.com/regpay/regpay/internal/money"
)

// Fee is what a channel charges for a capture at a rate (0.006 for 0.6 %),
// rounded half away from zero to the minor unit and never above the amount.
func Fee(captured money.Money, rate decimal.Decimal) money.Money {
	if !rate.IsPositive() || !captured.IsPositive() {
		return money.Minor(0, captured.Currency())
	}
	fee := captured.Times(rate)
	if fee.Minor() > captured.Minor() {
		return captured
	}
	return fee
}

// FeeBack is the part of a fee that a channel gives back when refunded has been
// returned in all, of which given was given back before: in proportion, so that
// a capture returned completely, in however many parts, gives back its fee to
// the fen. All amounts are of one currency.
func FeeBack(fee, captured, refunded, given money.Money) money.Money {
	c := fee.Currency()
	if !fee.IsPositive() || !captured.IsPositive() {
		return money.Minor(0, c)
	}
	due := decimal.NewFromInt(fee.Minor()).
		Mul(decimal.NewFromInt(refunded.Minor())).
		DivRound(decimal.NewFromInt(captured.Minor()), 0).IntPart()
	return money.Minor(max(0, min(due, fee.Minor())-given.Minor()), c)
}
