package unionpay_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/unionpay"
)

func TestRefundsNeverExceedThePayment(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")

	first := g.call("backTransReq", g.refund("RF20260001", "400", paid["queryId"]))
	require.Equal(t, "00", first["respCode"])
	assert.Equal(t, "36", g.call("backTransReq", g.refund("RF20260002", "601", paid["queryId"]))["respCode"])
	assert.Equal(t, "00", g.call("backTransReq", g.refund("RF20260003", "600", paid["queryId"]))["respCode"])
	assert.Equal(t, "36", g.call("backTransReq", g.refund("RF20260004", "1", paid["queryId"]))["respCode"])

	asked := g.query("RF20260001", g.stamp(0))
	assert.Equal(t, "00", asked["origRespCode"])
	assert.Equal(t, "04", asked["txnType"])
	assert.Equal(t, first["queryId"], asked["queryId"])
	assert.Equal(t, "34", g.query("RF20260002", g.stamp(0))["respCode"], "a refused refund leaves nothing")

	original := g.query("REG20260001", paid["txnTime"])
	assert.Equal(t, "00", original["origRespCode"], "the original does not change")
	books := g.books()
	assert.EqualValues(t, 1000, books.Charges[0].RefundedFen)
	require.Len(t, books.Refunds, 2)
	assert.Equal(t, "RF20260001", books.Refunds[0].RefundNo)
	assert.Equal(t, sandbox.RefundSuccess, books.Refunds[0].State)

	g.eventually(func() bool { return len(g.notes.list()) == 3 })
	for _, n := range g.notes.list() {
		assert.True(t, g.verified(n))
	}
}

func TestARefundSentTwiceIs12AndMovesNothing(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	refund := g.refund("RF20260001", "400", paid["queryId"])
	require.Equal(t, "00", g.call("backTransReq", refund)["respCode"])
	assert.Equal(t, "12", g.call("backTransReq", refund)["respCode"])
	assert.Equal(t, "12", g.call("backTransReq", refund.with("txnAmt", "100"))["respCode"])
	assert.Len(t, g.books().Refunds, 1)
}

func TestRefundsOfWhatCannotBeRefunded(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	assert.Equal(t, "35", g.call("backTransReq", g.refund("RF20260001", "400", "202603021000000000000"))["respCode"])
	refund := g.call("backTransReq", g.refund("RF20260002", "400", paid["queryId"]))
	assert.Equal(t, "35", g.call("backTransReq", g.refund("RF20260003", "400", refund["queryId"]))["respCode"], "a refund of a refund")
	assert.Equal(t, "13", g.call("backTransReq", g.refund("RF20260004", "400", ""))["respCode"])

	g.clock.Advance(90*24*time.Hour + time.Second)
	assert.Equal(t, "39", g.call("backTransReq", g.refund("RF20260005", "400", paid["queryId"]))["respCode"])
}

func TestAnotherMerchantsPaymentCannotBeRefunded(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	part, err := g.server.Onboard(t.Context(), sandbox.Hospital{ID: "h-xiehe", Index: 1})
	require.NoError(t, err)
	other := *g
	other.on = part.(unionpay.Onboarding)
	other.key = readKey(t, other.on.MerchantKey)
	assert.Equal(t, "35", other.call("backTransReq", other.refund("RF20260001", "400", paid["queryId"]))["respCode"])
	assert.Equal(t, "34", other.query("REG20260001", paid["txnTime"])["respCode"])
}

func TestARevokeTakesTheWholePaymentOnItsClearingDay(t *testing.T) {
	g := open(t)
	revoke := func(no, amount, query string) string {
		return g.call("backTransReq", g.refund(no, amount, query).with("txnType", "31"))["respCode"]
	}
	paid := g.paid("REG20260001", "1000")
	assert.Equal(t, "36", revoke("RV20260001", "999", paid["queryId"]))
	assert.Equal(t, "00", revoke("RV20260002", "1000", paid["queryId"]))
	assert.Equal(t, "45", revoke("RV20260003", "1000", paid["queryId"]))
	assert.Equal(t, "45", g.call("backTransReq", g.refund("RF20260001", "1", paid["queryId"]))["respCode"])
	assert.EqualValues(t, 1000, g.books().Charges[0].RefundedFen)

	partly := g.paid("REG20260002", "1000")
	require.Equal(t, "00", g.call("backTransReq", g.refund("RF20260002", "1", partly["queryId"]))["respCode"])
	assert.Equal(t, "45", revoke("RV20260004", "1000", partly["queryId"]))

	late := g.paid("REG20260003", "1000")
	g.clock.Advance(13 * time.Hour) // 10:00 to 23:00: the next clearing day begins
	assert.Equal(t, "39", revoke("RV20260005", "1000", late["queryId"]))
	evening := g.paid("REG20260004", "1000")
	assert.Equal(t, "0303", evening["settleDate"])
	g.clock.Advance(20 * time.Hour) // 19:00 on the next day, the same clearing day
	assert.Equal(t, "00", revoke("RV20260006", "1000", evening["queryId"]))
}

func TestNotificationsRepeatUntil200(t *testing.T) {
	g := open(t)
	g.notes.answer(500, 302, 204)
	order := g.payment("REG20260001", "100")
	g.front(order)
	g.patient("REG20260001", sandbox.Pay)
	waits := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute}
	for i, wait := range waits {
		g.eventually(func() bool { return len(g.notes.list()) == i+1 && g.clock.Sleepers() == 1 })
		g.clock.Advance(wait - time.Second)
		assert.Equal(t, 1, g.clock.Sleepers(), "not before its time")
		g.clock.Advance(time.Second)
	}
	g.eventually(func() bool { return len(g.notes.list()) == 4 && g.clock.Sleepers() == 0 })
	for _, n := range g.notes.list() {
		assert.Equal(t, g.notes.list()[0], n)
	}
}

func TestForgedNotificationsDoNotVerify(t *testing.T) {
	g := open(t)
	require.NoError(t, g.server.Faults().Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{ForgedRate: 1}}))
	g.notes.answer(401, 200, 401, 200)
	for i := range 2 {
		no := fmt.Sprintf("REG2026000%d", i)
		g.front(g.payment(no, "100"))
		g.patient(no, sandbox.Pay)
		g.eventually(func() bool { return len(g.notes.list()) == 2*i+2 })
	}
	notes := g.notes.list()
	assert.False(t, g.verified(notes[0]), "a chain of its own")
	assert.True(t, g.verified(notes[1]))
	assert.False(t, g.verified(notes[2]), "the right certificate over another text")
	assert.True(t, g.verified(notes[3]))
}

func TestALostReplyWasExecuted(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	refund := g.refund("RF20260001", "400", paid["queryId"])
	require.NoError(t, g.server.Faults().Set(sandbox.FaultSpec{
		ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: []string{"refund"}}}))
	_, _, err := g.post("/gateway/api/backTransReq.do", encode(g.signed(refund)))
	require.Error(t, err)
	asked := g.query("RF20260001", refund["txnTime"])
	assert.Equal(t, "00", asked["origRespCode"], "asking first finds it")
	g.server.Faults().Heal()
	assert.Equal(t, "12", g.call("backTransReq", refund)["respCode"])
	assert.Len(t, g.books().Refunds, 1)
}

func TestInjectedErrorsAreInTheGatewaysWords(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	for code, want := range map[string]string{"04": "04", "SYSTEM_ERROR": "06"} {
		require.NoError(t, g.server.Faults().Set(sandbox.FaultSpec{
			Error: sandbox.ErrorFault{Rate: 1, Code: code, Operations: []string{"refund"}}}))
		assert.Equal(t, want, g.call("backTransReq", g.refund("RF20260001", "400", paid["queryId"]))["respCode"])
		assert.Equal(t, "00", g.query("REG20260001", paid["txnTime"])["respCode"], "queries are not meant")
	}
	require.NoError(t, g.server.Faults().Set(sandbox.FaultSpec{
		Error: sandbox.ErrorFault{Rate: 1, Code: "06", Operations: []string{"prepay"}}}))
	status, page := g.front(g.payment("REG20260009", "100"))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.True(t, strings.Contains(page, `data-resp-code="06"`))
	assert.Empty(t, g.books().Refunds)
}

func TestQueriesOfRefundsAreAnOperationOfTheirOwn(t *testing.T) {
	g := open(t)
	paid := g.paid("REG20260001", "1000")
	require.Equal(t, "00", g.call("backTransReq", g.refund("RF20260001", "400", paid["queryId"]))["respCode"])
	require.NoError(t, g.server.Faults().Set(sandbox.FaultSpec{
		Error: sandbox.ErrorFault{Rate: 1, Code: "06", Operations: []string{"query_refund"}}}))
	assert.Equal(t, "06", g.query("RF20260001", g.stamp(0))["respCode"])
	assert.Equal(t, "00", g.query("REG20260001", paid["txnTime"])["respCode"])
}

func TestARestartFindsTheSameKeys(t *testing.T) {
	g := open(t)
	again := open(t)
	assert.Equal(t, g.on, again.on)
}
