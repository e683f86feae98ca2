package payment_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestWhatAChoiceHasToBe(t *testing.T) {
	choice := func(f func(*payment.Choice)) func(*payment.Request) {
		return func(r *payment.Request) { f(&r.Choice) }
	}
	requireBroken(t, payment.ByWeChat, []broken{
		{"a method is one of four", choice(func(c *payment.Choice) { c.Method = "cash" }), payment.CodeMethod},
		{"wechat takes no scene of unionpay", choice(func(c *payment.Choice) { c.Scene = payment.Front }), payment.CodeScene},
		{"wechat has a scene", choice(func(c *payment.Choice) { c.Scene = "" }), payment.CodeScene},
		{"jsapi needs an openid", func(r *payment.Request) { r.Choice.Scene, r.Order.Patient.OpenID = payment.JSAPI, "" }, payment.CodeOpenID},
		{"only mixed names the insurance's amount", choice(func(c *payment.Choice) { c.InsuranceAmount = money.Fen(1) }), payment.CodeSplit},
	})
	requireBroken(t, payment.ByUnionPay, []broken{
		{"unionpay takes no scene of wechat", choice(func(c *payment.Choice) { c.Scene = payment.Native }), payment.CodeScene},
	})
	requireBroken(t, payment.ByInsurance, []broken{
		{"insurance has no scene", choice(func(c *payment.Choice) { c.Scene = payment.Native }), payment.CodeScene},
		{"insurance needs an authorisation", choice(func(c *payment.Choice) { c.PayAuthNo = "" }), payment.CodeInsuranceAuth},
		{"insurance needs one authorisation and not two", choice(func(c *payment.Choice) { c.ECToken = "EC" }), payment.CodeInsuranceAuth},
		{"insurance takes no passport", func(r *payment.Request) {
			r.Order.Patient.IDType, r.Order.Patient.IDNumber = payment.Passport, "E12345678"
		}, payment.CodeIDType},
	})
	requireBroken(t, payment.ByMixed, []broken{
		{"the self-pay channel is no insurance", choice(func(c *payment.Choice) { c.SelfPay = payment.Insurance }), payment.CodeChannel},
		{"the self-pay channel is there", choice(func(c *payment.Choice) { c.SelfPay = "" }), payment.CodeChannel},
		{"the insurance pays something", choice(func(c *payment.Choice) { c.InsuranceAmount = money.Fen(0) }), payment.CodeSplit},
		{"the insurance pays nothing back", choice(func(c *payment.Choice) { c.InsuranceAmount = money.Fen(-1) }), payment.CodeSplit},
		{"the insurance leaves something to pay", choice(func(c *payment.Choice) { c.InsuranceAmount = money.Fen(5000) }), payment.CodeSplit},
		{"the split is in the order's currency", choice(func(c *payment.Choice) { c.InsuranceAmount = money.Minor(3000, money.USD) }), payment.CodeSplit},
	})
}

func TestAPassportPaysByASelfPayChannel(t *testing.T) {
	r := request(payment.ByUnionPay)
	r.Order.Patient.IDType, r.Order.Patient.IDNumber, r.Order.Patient.Phone = payment.Passport, "E12345678", "+447700900123"
	require.NoError(t, r.Check(noon))
}

// The tenders of any choice that holds sum to the total, self-pay first and
// the insurance last.
func TestTendersSumToTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(2, payment.MaxAmount).Draw(t, "total")
		m := rapid.SampledFrom([]payment.Method{payment.ByWeChat, payment.ByUnionPay, payment.ByInsurance, payment.ByMixed}).Draw(t, "method")
		r := request(m)
		r.Order.Amount = money.Fen(total)
		r.Order.Fees = []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(total)}}
		if m == payment.ByMixed {
			r.Choice.InsuranceAmount = money.Fen(rapid.Int64Range(1, total-1).Draw(t, "insurance"))
			if rapid.Bool().Draw(t, "unionpay") {
				r.Choice.SelfPay, r.Choice.Scene = payment.UnionPay, payment.App
			}
		}
		require.NoError(t, r.Check(noon))
		var sum int64
		tenders := r.Choice.Tenders(r.Order.Amount)
		for i, tender := range tenders {
			require.True(t, tender.Amount.IsPositive())
			require.Equal(t, i == len(tenders)-1 && r.Choice.UsesInsurance(), tender.Channel == payment.Insurance, "the insurance is the last")
			sum += tender.Amount.Minor()
		}
		require.Equal(t, total, sum)
	})
}

func TestAChoiceThatIsNoneHasNoTenders(t *testing.T) {
	require.Empty(t, payment.Choice{Method: "cash"}.Tenders(money.Fen(100)))
	require.Empty(t, payment.Choice{Method: payment.ByMixed, InsuranceAmount: money.Minor(1, money.USD)}.Tenders(money.Fen(100)))
}
