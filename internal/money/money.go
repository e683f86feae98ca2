// Package money is amounts with their currency. An amount is a decimal number
// of major units (yuan, dollars) in the domain and a whole number of minor
// units (fen, cents) on every wire: JSON, database, channel. There is no float
// anywhere, and no way to make an amount finer than its currency's minor unit.
package money

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// Currency is an ISO 4217 code.
type Currency string

// The currencies that a registration is priced or paid in.
const (
	CNY Currency = "CNY"
	HKD Currency = "HKD"
	USD Currency = "USD"
	EUR Currency = "EUR"
	JPY Currency = "JPY"
)

var digits = map[Currency]int32{CNY: 2, HKD: 2, USD: 2, EUR: 2, JPY: 0}

// Digits is how many decimal places the currency's minor unit has. The second
// result is false for a currency that is not known.
func (c Currency) Digits() (int32, bool) {
	d, ok := digits[c]
	return d, ok
}

// MaxMinor bounds an amount in minor units, so that no sum of amounts that a
// hospital could see overflows an int64 in a database or on a wire.
const MaxMinor int64 = 1_000_000_000_000_000

// Errors that constructors and arithmetic return, to be matched by errors.Is.
var (
	ErrCurrency  = errors.New("unknown currency")
	ErrPrecision = errors.New("finer than the currency's minor unit")
	ErrRange     = errors.New("amount out of range")
	ErrMixed     = errors.New("amounts of different currencies")
	ErrSyntax    = errors.New("not a decimal number")
)

// Money is an amount of one currency. The zero value is no money of no
// currency; it can be added to any amount. Values are immutable and safe to
// share.
type Money struct {
	amount   decimal.Decimal
	currency Currency
}

// New makes an amount of major units (yuan). It returns ErrCurrency,
// ErrPrecision or ErrRange.
func New(amount decimal.Decimal, c Currency) (Money, error) {
	d, ok := c.Digits()
	if !ok {
		return Money{}, fmt.Errorf("money in %q: %w", string(c), ErrCurrency)
	}
	if !amount.Equal(amount.Truncate(d)) {
		return Money{}, fmt.Errorf("money %s %s: %w", amount, c, ErrPrecision)
	}
	if amount.Abs().Shift(d).GreaterThan(decimal.NewFromInt(MaxMinor)) {
		return Money{}, fmt.Errorf("money in %s: %w", c, ErrRange)
	}
	return Money{amount: amount, currency: c}, nil
}

// Parse reads major units such as "12.50". It accepts plain decimals alone: no
// exponent, sign other than a leading minus, grouping or space. It returns
// ErrSyntax and what New returns.
func Parse(s string, c Currency) (Money, error) {
	if !plainDecimal(s) {
		return Money{}, fmt.Errorf("money %.20q: %w", s, ErrSyntax)
	}
	amount, err := decimal.NewFromString(s)
	if err != nil {
		return Money{}, fmt.Errorf("money %.20q: %w", s, ErrSyntax)
	}
	return New(amount, c)
}

// plainDecimal keeps exponents out: "1e999999999" is a valid decimal that
// would cost gigabytes to print.
func plainDecimal(s string) bool {
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 24 || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	dots := 0
	for _, r := range s {
		switch {
		case r == '.':
			dots++
		case r < '0' || r > '9':
			return false
		}
	}
	return dots <= 1
}

// Fen is n minor units of CNY.
func Fen(n int64) Money { return Minor(n, CNY) }

// Minor is n minor units (fen, cents) of c, which has to be a known currency:
// the result of an unknown one has no currency and fails Valid.
func Minor(n int64, c Currency) Money {
	d, ok := c.Digits()
	if !ok {
		return Money{}
	}
	return Money{amount: decimal.New(n, -d), currency: c}
}

// Valid says whether m has a known currency.
func (m Money) Valid() bool {
	_, ok := m.currency.Digits()
	return ok
}

// Minor is the amount in whole minor units (fen for CNY).
func (m Money) Minor() int64 {
	d, _ := m.currency.Digits()
	return m.amount.Shift(d).IntPart()
}

// Decimal is the amount in major units (yuan).
func (m Money) Decimal() decimal.Decimal { return m.amount }

// Currency is the amount's currency, "" for the zero value.
func (m Money) Currency() Currency { return m.currency }

// Yuan prints major units with all the decimals of the currency and without
// its name, as channels that count in yuan want it: "12.50".
func (m Money) Yuan() string {
	d, _ := m.currency.Digits()
	return m.amount.StringFixed(d)
}

// String is for people: "12.50 CNY".
func (m Money) String() string { return m.Yuan() + " " + string(m.currency) }

// IsZero, IsPositive and IsNegative look at the sign.
func (m Money) IsZero() bool     { return m.amount.IsZero() }
func (m Money) IsPositive() bool { return m.amount.IsPositive() }
func (m Money) IsNegative() bool { return m.amount.IsNegative() }

// Add is m + n, or ErrMixed.
func (m Money) Add(n Money) (Money, error) {
	c, err := same(m, n)
	if err != nil {
		return Money{}, err
	}
	return Money{amount: m.amount.Add(n.amount), currency: c}, nil
}

// Sub is m - n, or ErrMixed.
func (m Money) Sub(n Money) (Money, error) {
	c, err := same(m, n)
	if err != nil {
		return Money{}, err
	}
	return Money{amount: m.amount.Sub(n.amount), currency: c}, nil
}

// Cmp is -1, 0 or 1 as m is below, equal to or above n, or ErrMixed.
func (m Money) Cmp(n Money) (int, error) {
	if _, err := same(m, n); err != nil {
		return 0, err
	}
	return m.amount.Cmp(n.amount), nil
}

// Equal says whether both are the same amount of the same currency.
func (m Money) Equal(n Money) bool {
	return m.currency == n.currency && m.amount.Equal(n.amount)
}

// Sum adds amounts of one currency; the sum of none is the zero value.
func Sum(all ...Money) (Money, error) {
	var total Money
	var err error
	for _, m := range all {
		if total, err = total.Add(m); err != nil {
			return Money{}, err
		}
	}
	return total, nil
}

// Times is m multiplied by a rate (0.006 for 0.6 %), rounded half away from
// zero to the minor unit, as acquirers round a fee.
func (m Money) Times(rate decimal.Decimal) Money {
	d, _ := m.currency.Digits()
	return Money{amount: m.amount.Mul(rate).Round(d), currency: m.currency}
}

func same(m, n Money) (Currency, error) {
	switch {
	case m.currency == n.currency, n.currency == "" && n.amount.IsZero():
		return m.currency, nil
	case m.currency == "" && m.amount.IsZero():
		return n.currency, nil
	}
	return "", fmt.Errorf("%s with %s: %w", m.currency, n.currency, ErrMixed)
}

// wire is how money travels: whole minor units.
type wire struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"minor":1250,"currency":"CNY"}.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{Minor: m.Minor(), Currency: m.currency})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown currencies
// and amounts out of range.
func (m *Money) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read money: %w", err)
	}
	if w == (wire{}) {
		*m = Money{}
		return nil
	}
	d, ok := w.Currency.Digits()
	if !ok {
		return fmt.Errorf("read money in %q: %w", string(w.Currency), ErrCurrency)
	}
	if w.Minor > MaxMinor || w.Minor < -MaxMinor {
		return fmt.Errorf("read money in %s: %w", w.Currency, ErrRange)
	}
	*m = Money{amount: decimal.New(w.Minor, -d), currency: w.Currency}
	return nil
}
