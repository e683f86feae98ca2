package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// Steps inside a workflow task are on record only with the task. When it is
// lost, the books are ahead of the workflow, which then may hear something that
// it had not heard before. It has to follow the books, and never stands still
// with somebody's money.

// ahead puts the books where a task that was lost had brought them.
func (w *world) ahead(d time.Duration, s payment.Status) {
	w.after(d, func() {
		w.books.mu.Lock()
		defer w.books.mu.Unlock()
		w.books.ahead, w.books.status = true, s
	})
}

func TestMoneyThatComesToBooksThatHaveClosedThePaymentGoesBack(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.ahead(time.Minute, payment.Closed)
	w.paysAt(2*time.Minute, payment.WeChat, 1)
	w.ends(payment.Closed, "overtaken")
	require.Zero(t, w.channels[payment.WeChat].held())
	require.Empty(t, w.asked("his"))
}

func TestTheSecondTenderOfAPaymentThatIsBeingReturnedGoesBackToo(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	w.verified()
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.ahead(20*time.Second, payment.Refunding)
	w.paysAt(30*time.Second, payment.Insurance, 2)
	w.ends(payment.Refunded, "overtaken")
	require.Zero(t, w.channels[payment.WeChat].held())
	require.Zero(t, w.channels[payment.Insurance].held())
}

func TestARegistrationOfAPaymentThatIsBeingReturnedIsTakenBack(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.his.down = outage("his", "register")
	w.paysAt(10*time.Second, payment.WeChat, 1)
	w.ahead(time.Minute, payment.Refunding)
	w.after(time.Hour, func() { w.his.set(func() { w.his.down = nil }) })
	w.ends(payment.Refunded, "overtaken")
	require.False(t, w.his.has)
	require.Zero(t, w.channels[payment.WeChat].held())
}

func TestAProofForAPaymentThatTheBooksHaveClosedIsRefused(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.ahead(time.Minute, payment.Closed)
	proof := w.at(2*time.Minute, workflows.UpdateVerify, rightCode)
	w.ends(payment.Closed, "not_verified")
	require.Equal(t, payment.CodeState, proof.problem(t))
	require.Empty(t, w.asked("insurance"))
}

func TestAnotherMethodForAPaymentThatTheBooksHaveClosedIsRefused(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	w.ahead(time.Minute, payment.Closed)
	changed := w.at(2*time.Minute, workflows.UpdateChangeMethod, choice(payment.ByUnionPay))
	_, err := w.pay()
	require.NoError(t, err)
	require.Equal(t, payment.CodeState, changed.problem(t))
	require.Empty(t, w.asked("unionpay"))
	require.Equal(t, payment.Closed, w.books.status)
}
