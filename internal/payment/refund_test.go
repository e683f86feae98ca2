package payment_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func tender(attempt int, ch payment.Channel, fen int64) payment.Refundable {
	return payment.Refundable{Attempt: attempt, Channel: ch, Left: money.Fen(fen)}
}

func part(attempt int, fen int64) payment.RefundPart {
	return payment.RefundPart{Attempt: attempt, Amount: money.Fen(fen)}
}

func TestPlanRefund(t *testing.T) {
	mixed := []payment.Refundable{tender(1, payment.WeChat, 2000), tender(2, payment.Insurance, 3000)}
	for _, tc := range []struct {
		name    string
		amount  money.Money
		tenders []payment.Refundable
		want    []payment.RefundPart
		code    string
	}{
		{"everything goes back newest first", money.Fen(5000), mixed, []payment.RefundPart{part(2, 3000), part(1, 2000)}, ""},
		{"a part below the insurance's comes from self-pay", money.Fen(1500), mixed, []payment.RefundPart{part(1, 1500)}, ""},
		{"the insurance goes back whole and self-pay in part", money.Fen(3500), mixed, []payment.RefundPart{part(2, 3000), part(1, 500)}, ""},
		{"an amount that would split the insurance is refused", money.Fen(2500), mixed, nil, payment.CodeRefundAmount},
		{"more than is left is refused", money.Fen(5001), mixed, nil, payment.CodeRefundExceeds},
		{"nothing captured, nothing to return", money.Fen(1), nil, nil, payment.CodeRefundExceeds},
		{"zero is refused", money.Fen(0), mixed, nil, payment.CodeRefundAmount},
		{"a negative amount is refused", money.Fen(-5), mixed, nil, payment.CodeRefundAmount},
		{"another currency is refused", money.Minor(100, money.USD), mixed, nil, payment.CodeRefundAmount},
		{"an exhausted tender is passed over", money.Fen(100),
			[]payment.Refundable{tender(1, payment.WeChat, 100), tender(2, payment.WeChat, 0)}, []payment.RefundPart{part(1, 100)}, ""},
		{"self-pay tenders split newest first", money.Fen(150),
			[]payment.Refundable{tender(1, payment.WeChat, 100), tender(3, payment.UnionPay, 100)},
			[]payment.RefundPart{part(3, 100), part(1, 50)}, ""},
		{"an older insurance tender is used when the newest does not fit", money.Fen(3000),
			[]payment.Refundable{tender(1, payment.Insurance, 3000), tender(2, payment.Insurance, 2000), tender(3, payment.WeChat, 500)},
			[]payment.RefundPart{part(1, 3000)}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := payment.PlanRefund(tc.amount, tc.tenders)
			if tc.code != "" {
				require.True(t, payment.HasCode(err, tc.code), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, len(tc.want), len(got))
			for i := range got {
				require.Equal(t, tc.want[i].Attempt, got[i].Attempt)
				require.True(t, tc.want[i].Amount.Equal(got[i].Amount), "%s", got[i].Amount)
			}
		})
	}
}

// A plan returns exactly the amount, never more than a tender holds, the
// insurance whole, newest first; and it exists whenever one is possible.
func TestPlanRefundProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 7).Draw(t, "tenders")
		var tenders []payment.Refundable
		byAttempt := map[int]payment.Refundable{}
		for i := range n {
			ch := rapid.SampledFrom(payment.Channels()).Draw(t, "channel")
			r := tender(i+1, ch, rapid.Int64Range(0, 12).Draw(t, "left"))
			tenders = append(tenders, r)
			byAttempt[r.Attempt] = r
		}
		amount := money.Fen(rapid.Int64Range(-2, 60).Draw(t, "amount"))
		parts, err := payment.PlanRefund(amount, tenders)
		require.Equal(t, possible(tenders, amount.Minor()), err == nil)
		if err != nil {
			return
		}
		var sum int64
		last := n + 1
		for _, p := range parts {
			from := byAttempt[p.Attempt]
			require.True(t, p.Amount.IsPositive())
			require.LessOrEqual(t, p.Amount.Minor(), from.Left.Minor())
			if from.Channel == payment.Insurance {
				require.True(t, p.Amount.Equal(from.Left))
			}
			require.Less(t, p.Attempt, last, "newest first")
			last = p.Attempt
			sum += p.Amount.Minor()
		}
		require.Equal(t, amount.Minor(), sum)
	})
}

// possible tries every set of insurance tenders.
func possible(tenders []payment.Refundable, want int64) bool {
	if want <= 0 {
		return false
	}
	for set := range 1 << len(tenders) {
		var whole, free int64
		for i, t := range tenders {
			switch {
			case t.Channel != payment.Insurance:
				free += t.Left.Minor()
			case set&(1<<i) != 0:
				whole += t.Left.Minor()
			}
		}
		if whole <= want && want-whole <= free {
			return true
		}
	}
	return false
}
