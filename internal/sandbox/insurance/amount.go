package insurance

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxFen bounds one amount: 100 million yuan. It keeps sums far from overflow.
const maxFen = 10_000_000_000

// amount reads a field of yuan with at most two decimals as fen. Public
// integrations send amounts as JSON strings and as JSON numbers; both are
// read, by text, never through a float. Missing means zero when optional.
func amount(data map[string]any, name string, optional bool) (int64, error) {
	var s string
	switch v := data[name].(type) {
	case nil:
	case string:
		s = v
	case json.Number:
		s = v.String()
	default:
		return 0, fmt.Errorf("%s is not an amount", name)
	}
	if s == "" {
		if optional {
			return 0, nil
		}
		return 0, fmt.Errorf("%s is missing", name)
	}
	fen, ok := parseYuan(s)
	if !ok {
		return 0, fmt.Errorf("%s is not an amount of yuan with at most 2 decimals", name)
	}
	return fen, nil
}

// parseYuan reads 12, 12.3 or 12.34 as fen. No sign, no exponent, no blanks.
func parseYuan(s string) (int64, bool) {
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" || len(whole) > 9 || (hasPoint && (fraction == "" || len(fraction) > 2)) {
		return 0, false
	}
	fraction += strings.Repeat("0", 2-len(fraction))
	var fen int64
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return 0, false
		}
		fen = fen*10 + int64(c-'0')
	}
	return fen, fen <= maxFen
}

// yuan writes fen as yuan with two decimals.
func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// splits is how the platform divides a fee, in fen.
type splits struct {
	total   int64 // feeSumamt
	own     int64 // ownPayAmt: the patient's cash
	account int64 // psnAcctPay: the personal account
	fund    int64 // fundPay: the pooled fund
}

// insured is what the platform itself pays.
func (s splits) insured() int64 { return s.account + s.fund }

// settle divides a fee: what is not covered, and what the patient bears first,
// is cash; of what the insurance covers the fund pays 70 %, rounded half up to
// fen, and the personal account the rest, so nothing is lost to rounding. A
// patient who does not use the account pays that rest in cash.
func settle(total, uncovered, borneFirst int64, useAccount bool) splits {
	scope := total - uncovered - borneFirst
	fund := (scope*70 + 50) / 100
	s := splits{total: total, own: uncovered + borneFirst, account: scope - fund, fund: fund}
	if !useAccount {
		s.own, s.account = s.own+s.account, 0
	}
	return s
}

// shifted moves one fen from what the insurance pays to the patient's cash, or
// the other way where it pays nothing: the answer of a platform whose own rules
// gave another result than the hospital's.
func (s splits) shifted() splits {
	switch {
	case s.fund > 0:
		s.fund, s.own = s.fund-1, s.own+1
	case s.account > 0:
		s.account, s.own = s.account-1, s.own+1
	case s.own > 0:
		s.own, s.account = s.own-1, s.account+1
	}
	return s
}

func (s splits) fields() map[string]any {
	return map[string]any{
		"feeSumamt":  yuan(s.total),
		"ownPayAmt":  yuan(s.own),
		"psnAcctPay": yuan(s.account),
		"fundPay":    yuan(s.fund),
	}
}
