package host

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/workflows"
)

func TestAnAnswerIsGivenToAllWhoWait(t *testing.T) {
	var a answers
	one, forgetOne := a.expect("payment/h/1")
	defer forgetOne()
	too, forgetToo := a.expect("payment/h/1")
	defer forgetToo()
	other, forgetOther := a.expect("payment/h/2")
	a.give("payment/h/1", &workflows.Outcome{Answer: workflows.Answer{PaymentID: "pay_1"}})
	require.Equal(t, "pay_1", (<-one).Answer.PaymentID)
	require.Equal(t, "pay_1", (<-too).Answer.PaymentID)
	require.Empty(t, other)
	a.give("payment/h/1", &workflows.Outcome{Answer: workflows.Answer{PaymentID: "pay_1"}}) // once more finds nobody
	a.give("payment/h/2", nil)
	_, ok := <-other
	require.False(t, ok, "Temporal has to be asked")
	forgetOther()
}

func TestWhoDoesNotWaitAnyMoreIsForgotten(t *testing.T) {
	var a answers
	_, forgetOne := a.expect("payment/h/1")
	too, forgetToo := a.expect("payment/h/1")
	forgetOne()
	a.give("payment/h/1", &workflows.Outcome{Answer: workflows.Answer{PaymentID: "pay_1"}})
	require.Equal(t, "pay_1", (<-too).Answer.PaymentID, "the other one still waits")
	forgetToo()
	require.Empty(t, a.open)
	a.give("payment/h/1", &workflows.Outcome{}) // nobody
}
