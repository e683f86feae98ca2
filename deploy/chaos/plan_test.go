package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

func usual() options {
	return options{Seed: 1, Payments: 1000, Stream: 4 * time.Minute, Pace: 6 * time.Second, Window: 90 * time.Second}
}

func TestASeedIsAPlan(t *testing.T) {
	o := usual()
	require.Equal(t, draw(o), draw(o))
	require.Equal(t, draw(o).fingerprint(), draw(o).fingerprint())
	other := o
	other.Seed = 2
	require.NotEqual(t, draw(o).fingerprint(), draw(other).fingerprint())
	more := o
	more.Payments = 2000
	require.Equal(t, draw(o).Faults, draw(more).Faults, "the faults do not depend on how many pay")
}

func TestAPlanHasPaymentsOfEveryWayAndConduct(t *testing.T) {
	ways, conducts, orders := map[way]int{}, map[conduct]int{}, map[string]bool{}
	for _, g := range draw(usual()).Payments {
		ways[g.Way]++
		conducts[g.Conduct]++
		orders[g.Order] = true
		require.True(t, payment.ValidIDCard(g.Person.IDNumber))
		require.Less(t, g.At, usual().Stream)
		require.Positive(t, g.Back)
		require.LessOrEqual(t, g.Back, g.Fen)
		if g.Way.Method == payment.ByMixed {
			require.Positive(t, g.Insured)
			require.Less(t, g.Insured, g.Fen)
		}
		if g.Conduct == settlesDoubt || g.Conduct == settlesFail {
			require.True(t, g.Way.insured())
		}
	}
	require.Len(t, orders, 1000)
	require.Len(t, ways, 7)
	require.Len(t, conducts, 15)
	require.LessOrEqual(t, conducts[settlesDoubt], 3, "what only a person can decide is rare")
}

func TestALongPlanHasEveryFaultAndAShortOneTheEssentials(t *testing.T) {
	has := func(all []fault, want fault) bool {
		for _, f := range all {
			if f.name() == want.name() {
				return true
			}
		}
		return false
	}
	long, o := draw(usual()).Faults, short()
	for _, f := range append(append(essentials(), breakages()...), moods()...) {
		require.True(t, has(long, f), f.name())
	}
	for _, f := range essentials() {
		require.True(t, has(draw(o).Faults, f), f.name())
	}
	for i, f := range long {
		require.Positive(t, f.For)
		require.Less(t, f.At, usual().Stream)
		require.True(t, i == 0 || f.At >= long[i-1].At, "in the order of their times")
		require.NoError(t, f.Spec.Validate())
	}
}

func TestAFaultTouchesWhoUsesWhatItBreaks(t *testing.T) {
	wechat := registration{Way: way{Method: payment.ByWeChat}}
	mixed := registration{Way: way{Method: payment.ByMixed, SelfPay: payment.UnionPay}}
	for _, c := range []struct {
		fault  fault
		who    registration
		met    bool
		reason string
	}{
		{fault{Kind: kill, Target: postgres}, wechat, true, "everybody stands on the books"},
		{fault{Kind: cut, Target: "unionpay"}, wechat, false, "they do not pay there"},
		{fault{Kind: cut, Target: "unionpay"}, mixed, true, "they do"},
		{fault{Kind: weather, Target: "insurance"}, mixed, true, "they are insured"},
		{fault{Kind: weather, Target: "identity"}, wechat, false, "nobody asks who they are"},
		{fault{Kind: crashPoint, Target: "unionpay"}, wechat, true, "the workers died"},
		{fault{Kind: weather, Target: "his"}, wechat, true, "everybody is registered"},
	} {
		require.Equal(t, c.met, touches(c.fault, c.who), c.reason)
	}
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	done := []window{{fault{Kind: kill, Target: "api"}, at(10), at(12)}, {fault{Kind: kill, Target: "api"}, at(14), at(15)}, {fault{Kind: kill, Target: "api"}, at(40), at(41)}}
	last, met := lastFault(done, wechat, at(11), at(20))
	require.True(t, met)
	require.Equal(t, at(15), last)
	_, met = lastFault(done, wechat, at(20), at(30))
	require.False(t, met)
}
