package integration

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// TestARepeatedStartIsTheSamePayment: before, while and after it is paid.
func TestARepeatedStartIsTheSamePayment(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	again, replayed, err := w.in.API.Start(t.Context(), v.start)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, v.answer, again, "with what the patient needs in order to pay")

	for rule, change := range map[string]func(*wire.Start){
		"another amount":   costs(5001),
		"another patient":  func(s *wire.Start) { s.Order.Patient.Phone = "13900000001" },
		"another slot":     func(s *wire.Start) { s.Order.Slot.StartsAt = s.Order.Slot.StartsAt.Add(time.Hour) },
		"another method":   func(s *wire.Start) { s.Choice = unionpayApp(v.person) },
		"another callback": func(s *wire.Start) { s.CallbackURL += "/other" },
		"another deadline": window(601 * time.Second),
	} {
		other := v.start
		change(&other)
		_, _, err := w.in.API.Start(t.Context(), other)
		assert.Equal(t, payment.CodeOrderConflict, code(err), rule)
		assert.Equal(t, http.StatusConflict, status(err), rule)
	}

	v.pay()
	done := v.until(payment.Completed)
	again, replayed, err = w.in.API.Start(t.Context(), v.start)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, payment.Completed, again.Status)
	assert.Nil(t, again.Tender, "nothing is left to pay")
	assert.Equal(t, v.id(), again.PaymentID)
	_, _, err = w.in.API.Start(t.Context(), func() wire.Start { s := v.start; costs(5001)(&s); return s }())
	assert.Equal(t, payment.CodeOrderConflict, code(err))
	assert.Len(t, v.charges(payment.WeChat), 1)
	assert.Equal(t, done, v.look(), "repeats change nothing")
}

// TestStartsAtOnceAreOnePayment sends the same start eight times in parallel.
func TestStartsAtOnceAreOnePayment(t *testing.T) {
	w := hold(t)
	for name, choose := range ways() {
		t.Run(name, func(t *testing.T) {
			v := w.arrange(t, renmin, choose)
			const callers = 8
			answers, fresh := make([]wire.Answer, callers), make([]bool, callers)
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					answer, replayed, err := w.in.API.Start(t.Context(), v.start)
					assert.NoError(t, err)
					answers[i], fresh[i] = answer, !replayed
				})
			}
			all.Wait()
			for _, a := range answers {
				assert.Equal(t, answers[0], a, "everybody gets the same answer")
			}
			v.answer = answers[0]
			v.pay()
			v.until(payment.Completed)
			require.Len(t, v.charges(v.answer.Tender.Channel), 1)
			assert.Len(t, v.appointments(), 1)
		})
	}
}

// TestStartsAtOnceWithOtherContentConflict: of two different requests for one
// order one wins, the other one is a conflict.
func TestStartsAtOnceWithOtherContentConflict(t *testing.T) {
	w := hold(t)
	v := w.arrange(t, xiehe, wechatNative)
	other := v.start
	costs(6000)(&other)
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, s := range []wire.Start{v.start, other} {
		both.Go(func() { _, _, errs[i] = w.in.API.Start(t.Context(), s) })
	}
	both.Wait()
	assert.ElementsMatch(t, []string{"", payment.CodeOrderConflict}, []string{code(errs[0]), code(errs[1])})
	assert.Len(t, v.charges(payment.WeChat), 1)
}
