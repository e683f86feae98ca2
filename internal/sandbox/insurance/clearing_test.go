package insurance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

func TestWhatThePatientDoesDecidesTheClearing(t *testing.T) {
	p := open(t)
	failing := p.uploaded("REG1")
	p.instruct("REG1", sandbox.Fail)
	p.call("pay_order", failing)
	p.clear()
	p.eventually(func() bool { return p.status(failing) == "15" })
	assert.Equal(t, sandbox.ChargeFailed, p.books().Charges[0].State)
	p.call("revoke_order", p.identified(failing))

	leaving := p.uploaded("REG2")
	p.instruct("REG2", sandbox.Abandon)
	assert.Equal(t, "1", p.call("pay_order", leaving)["ordStas"])
	p.clock.Advance(time.Hour)
	assert.Equal(t, "1", p.status(leaving))
	p.instruct("REG2", sandbox.Pay)
	p.clear()
	p.eventually(func() bool { return p.status(leaving) == "6" })
	p.eventually(func() bool { return len(p.notes.list()) == 1 })
}

func TestClearingFaults(t *testing.T) {
	t.Run("a failure", func(t *testing.T) {
		p := open(t)
		require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{FailRate: 1}}))
		order := p.uploaded("REG1")
		p.call("pay_order", order)
		p.clear()
		p.eventually(func() bool { return p.status(order) == "15" })
		assert.Empty(t, p.notes.list())
	})
	t.Run("another split than uploaded", func(t *testing.T) {
		p := open(t)
		require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{SplitOffRate: 1}}))
		out := p.call("pay_order", p.uploaded("REG1"))
		assert.Equal(t, "10.01", out["ownPayAmt"])
		assert.Equal(t, "27.99", out["fundPay"])
		p.clear()
		p.eventually(func() bool { return len(p.notes.list()) == 1 })
		assert.EqualValues(t, 1001, p.books().Charges[0].OwnFen)
	})
	t.Run("a clearing time", func(t *testing.T) {
		p := open(t)
		require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{
			Insurance: sandbox.InsuranceFault{ClearingMS: sandbox.Latency{P50: 3600_000}}}))
		order := p.uploaded("REG1")
		p.call("pay_order", order)
		p.clear()
		assert.Equal(t, "2", p.status(order))
		p.clock.Advance(time.Hour)
		p.eventually(func() bool { return p.status(order) == "6" })
	})
}

func TestWhatThePatientDoesDecidesInTheCallToo(t *testing.T) {
	p := open(t)
	p.settlesInCall(sandbox.InsuranceFault{})
	failing := p.uploaded("REG1")
	p.instruct("REG1", sandbox.Fail)
	assert.Equal(t, "15", p.call("pay_order", failing)["ordStas"])
	assert.Equal(t, "15", p.status(failing))
	assert.Equal(t, sandbox.ChargeFailed, p.books().Charges[0].State)

	leaving := p.uploaded("REG2")
	p.instruct("REG2", sandbox.Abandon)
	assert.Equal(t, "1", p.call("pay_order", leaving)["ordStas"])
	assert.Equal(t, "1", p.status(leaving))
	p.call("revoke_order", p.identified(leaving))

	require.NoError(t, p.env.Patients.SetDefault(sandbox.Default{Channel: "insurance", Behaviour: sandbox.Pay, AfterMSP50: 3000, AfterMSP95: 3000}))
	slow := p.uploaded("REG3")
	assert.Equal(t, "1", p.call("pay_order", slow)["ordStas"], "the reply waits for nobody")
	p.eventually(func() bool { return p.clock.Sleepers() == 1 })
	assert.Equal(t, "1", p.status(slow))
	assert.Empty(t, p.notes.list())
	p.clock.Advance(3 * time.Second)
	p.eventually(func() bool { return p.status(slow) == "6" && len(p.notes.list()) == 1 })
	assert.Zero(t, p.clock.Sleepers(), "and then there is nothing to clear")
}

func TestClearingFaultsHoldInTheCall(t *testing.T) {
	t.Run("a failure", func(t *testing.T) {
		p := open(t)
		p.settlesInCall(sandbox.InsuranceFault{FailRate: 1})
		out := p.call("pay_order", p.uploaded("REG1"))
		assert.Equal(t, "15", out["ordStas"])
		assert.NotContains(t, out, "revsToken")
		assert.Equal(t, sandbox.ChargeFailed, p.books().Charges[0].State)
		p.env.Background.Close() // whatever was started has ended
		assert.Empty(t, p.notes.list())
	})
	t.Run("an unclear end", func(t *testing.T) {
		p := open(t)
		p.settlesInCall(sandbox.InsuranceFault{UnknownRate: 1})
		order := p.uploaded("REG1")
		assert.Equal(t, "17", p.call("pay_order", order)["ordStas"])
		assert.Equal(t, sandbox.ChargeClearing, p.books().Charges[0].State)
		status, _ := p.adminDo("PUT", "/insurance/orders/REG1", object{"ordStas": 6})
		assert.Equal(t, 200, status)
		assert.Equal(t, "6", p.status(order))
	})
	t.Run("another split than uploaded", func(t *testing.T) {
		p := open(t)
		p.settlesInCall(sandbox.InsuranceFault{SplitOffRate: 1})
		out := p.call("pay_order", p.uploaded("REG1"))
		assert.Equal(t, "6", out["ordStas"])
		assert.Equal(t, "10.01", out["ownPayAmt"])
		assert.Equal(t, "27.99", out["fundPay"])
		assert.EqualValues(t, 1001, p.books().Charges[0].OwnFen)
	})
	t.Run("a share of them", func(t *testing.T) {
		p := open(t)
		p.settlesInCall(sandbox.InsuranceFault{FailRate: 0.5})
		ends := map[any]int{}
		for _, no := range []string{"REG1", "REG2", "REG3", "REG4", "REG5", "REG6", "REG7", "REG8"} {
			ends[p.call("pay_order", p.uploaded(no))["ordStas"]]++
		}
		assert.Len(t, ends, 2)
		assert.Equal(t, 8, ends["6"]+ends["15"])
		assert.EqualValues(t, ends["15"], p.server.Faults().Status().Injected["clearing_fail"])
	})
	t.Run("a lost reply", func(t *testing.T) {
		p := open(t)
		require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{SettlesInCall: true},
			ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: []string{"pay_order"}}}))
		order := p.uploaded("REG1")
		_, err := p.send("pay_order", p.seal(order))
		require.Error(t, err)
		assert.Equal(t, "6", p.status(order))
	})
}

func TestAnUnclearOrderIsSettledByHand(t *testing.T) {
	p := open(t)
	require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{UnknownRate: 1}}))
	order := p.uploaded("REG1")
	p.call("pay_order", order)
	p.clear()
	p.eventually(func() bool { return p.status(order) == "17" })
	assert.Equal(t, sandbox.ChargeClearing, p.books().Charges[0].State)
	code, _ := p.code("revoke_order", p.identified(order))
	assert.Equal(t, "3003", code)
	assert.Empty(t, p.notes.list())

	status, _ := p.adminDo("PUT", "/insurance/orders/REG1", object{"ordStas": 3})
	assert.Equal(t, 400, status)
	status, _ = p.adminDo("PUT", "/insurance/orders/REG9", object{"ordStas": 6})
	assert.Equal(t, 404, status)
	status, _ = p.adminDo("PUT", "/insurance/orders/REG1", object{"ordStas": 6})
	assert.Equal(t, 200, status)
	assert.Equal(t, "6", p.status(order))
	p.eventually(func() bool { return len(p.notes.list()) == 1 })
	status, _ = p.adminDo("PUT", "/insurance/orders/REG1", object{"ordStas": 15})
	assert.Equal(t, 409, status, "what is settled is settled")

	second := p.uploaded("REG2")
	p.call("pay_order", second)
	p.clear()
	p.eventually(func() bool { return p.status(second) == "18" })
	status, _ = p.adminDo("PUT", "/insurance/orders/REG2", object{"ordStas": 15})
	assert.Equal(t, 200, status)
	assert.Equal(t, sandbox.ChargeFailed, p.books().Charges[1].State)
}

func TestNoticesRepeatUntilAnsweredWithSuccess(t *testing.T) {
	p := open(t)
	p.notes.answers = []string{"", `{"success":false}`, `{"success":"true"}`}
	p.settled("REG1")
	for i, wait := range []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second} {
		p.eventually(func() bool { return len(p.notes.list()) == i+1 && p.clock.Sleepers() == 1 })
		p.clock.Advance(wait - time.Second)
		assert.Equal(t, 1, p.clock.Sleepers(), "not before its time")
		p.clock.Advance(time.Second)
	}
	p.eventually(func() bool { return len(p.notes.list()) == 4 && p.clock.Sleepers() == 0 })
	for _, raw := range p.notes.list() {
		_, note, ok := p.unseal(raw)
		assert.True(t, ok)
		assert.Equal(t, "6", note["ordStas"])
	}
}

func TestForgedNoticesDoNotVerify(t *testing.T) {
	p := open(t)
	require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{Notification: sandbox.NotificationFault{ForgedRate: 1}}))
	for i, no := range []string{"REG1", "REG2"} {
		p.settled(no)
		p.eventually(func() bool { return len(p.notes.list()) == 2*i+2 })
	}
	for i, want := range []bool{false, true, false, true} {
		_, note, ok := p.unseal(p.notes.list()[i])
		assert.Equal(t, want, ok, i)
		assert.NotEmpty(t, note["payOrdId"], "a forgery looks like a notice")
	}
}

func TestALostReplyOfAnUploadIsRepairedByRepeating(t *testing.T) {
	p := open(t)
	fee := p.fee("REG1", p.authorised("h-renmin"))
	require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: []string{"upload"}}}))
	_, err := p.send("uldFeeInfo", p.seal(fee))
	require.Error(t, err)
	p.server.Faults().Heal()
	assert.NotEmpty(t, p.call("uldFeeInfo", fee)["payToken"])
	assert.Len(t, p.books().Charges, 1)
}

func TestInjectedErrorsAreSignedAndExecuteNothing(t *testing.T) {
	p := open(t)
	fee := p.fee("REG1", p.authorised("h-renmin"))
	require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{
		Error: sandbox.ErrorFault{Rate: 1, Code: "SYSTEM_ERROR", Operations: []string{"upload"}}}))
	code, _ := p.code("uldFeeInfo", fee)
	assert.Equal(t, "9001", code)
	assert.Empty(t, p.books().Charges)
}
