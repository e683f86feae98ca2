package risk_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/risk"
)

func TestRules(t *testing.T) {
	rules := risk.Rules{ReviewAfter: 3, RefuseAfter: 5, ReviewAmount: money.Fen(100_000), ReviewNoShows: 2, RefuseNoShows: 4}
	small := money.Fen(5000)
	for _, c := range []struct {
		name  string
		facts risk.Facts
		want  risk.Assessment
	}{
		{"nothing to say", risk.Facts{Amount: small, Started: 3, NoShows: 1}, risk.Assessment{Verdict: risk.Pass}},
		{"one payment more than is usual", risk.Facts{Amount: small, Started: 4}, risk.Assessment{Verdict: risk.Review, Rule: "velocity"}},
		{"at the limit of refusal it is still a review", risk.Facts{Amount: small, Started: 5}, risk.Assessment{Verdict: risk.Review, Rule: "velocity"}},
		{"beyond it", risk.Facts{Amount: small, Started: 6}, risk.Assessment{Verdict: risk.Refuse, Rule: "velocity"}},
		{"an amount at the limit", risk.Facts{Amount: money.Fen(100_000), Started: 1}, risk.Assessment{Verdict: risk.Review, Rule: "amount"}},
		{"an amount just below", risk.Facts{Amount: money.Fen(99_999), Started: 1}, risk.Assessment{Verdict: risk.Pass}},
		{"missed twice", risk.Facts{Amount: small, NoShows: 2}, risk.Assessment{Verdict: risk.Review, Rule: "no_shows"}},
		{"missed four times", risk.Facts{Amount: small, NoShows: 4}, risk.Assessment{Verdict: risk.Refuse, Rule: "no_shows"}},
		{"blocked, whatever else", risk.Facts{Amount: small, Blocked: true, Started: 9}, risk.Assessment{Verdict: risk.Refuse, Rule: "block_list"}},
		{"the harder verdict wins", risk.Facts{Amount: money.Fen(100_000), NoShows: 4}, risk.Assessment{Verdict: risk.Refuse, Rule: "no_shows"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, rules.Assess(c.facts)) })
	}
}

func TestWithoutLimitsOnlyTheBlockListRefuses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := risk.Facts{Amount: money.Fen(rapid.Int64Range(1, 5_000_000).Draw(rt, "fen")), Started: rapid.IntRange(0, 1000).Draw(rt, "started"),
			NoShows: rapid.IntRange(0, 1000).Draw(rt, "no-shows")}
		require.Equal(rt, risk.Assessment{Verdict: risk.Pass}, risk.Rules{}.Assess(f))
		f.Blocked = true
		require.Equal(rt, risk.Refuse, risk.Rules{}.Assess(f).Verdict)
	})
}

func TestWorseFactsNeverMakeAMilderVerdict(t *testing.T) {
	hardness := map[risk.Verdict]int{risk.Pass: 0, risk.Review: 1, risk.Refuse: 2}
	rapid.Check(t, func(rt *rapid.T) {
		n := func(name string) int { return rapid.IntRange(0, 6).Draw(rt, name) }
		rules := risk.Rules{ReviewAfter: n("review after"), RefuseAfter: n("refuse after"), ReviewNoShows: n("review no-shows"),
			RefuseNoShows: n("refuse no-shows"), ReviewAmount: money.Fen(int64(n("amount")) * 1000)}
		f := risk.Facts{Amount: money.Fen(int64(n("fen")) * 1000), Started: n("started"), NoShows: n("no-shows")}
		worse := f
		switch n("which") % 4 {
		case 0:
			worse.Started++
		case 1:
			worse.NoShows++
		case 2:
			worse.Amount = money.Fen(f.Amount.Minor() + 1000)
		default:
			worse.Blocked = true
		}
		require.GreaterOrEqual(rt, hardness[rules.Assess(worse).Verdict], hardness[rules.Assess(f).Verdict])
		if v := rules.Assess(f); (v.Rule == "") != (v.Verdict == risk.Pass) {
			rt.Fatalf("a verdict names its rule: %+v", v)
		}
	})
}
