package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// noticed is after how long every process knows what one was told.
const noticed = 1100 * time.Millisecond

// announce puts a system of a hospital into maintenance from now on, which all
// processes know when it returns. It is ended with the test, before anybody else
// gets the system.
func (w *world) announce(t *testing.T, hospital string, system payment.System, until time.Time) wire.Window {
	t.Helper()
	a := wire.Announcement{Key: string(system) + "-" + time.Now().Format("150405.000000"), HospitalID: hospital, System: system, Until: until, Note: "integration"}
	m, again, err := w.in.Staff.Announce(t.Context(), a)
	require.NoError(t, err)
	require.False(t, again)
	t.Cleanup(func() {
		if _, err := w.in.Staff.EndMaintenance(background(), m.ID); err != nil {
			t.Errorf("end maintenance of %s: %v", system, err)
		}
		w.everybodyKnows(t)
	})
	repeated, again, err := w.in.Staff.Announce(t.Context(), a)
	require.NoError(t, err)
	require.True(t, again)
	require.Equal(t, m.ID, repeated.ID)
	require.Equal(t, payment.WindowActive, repeated.State)
	w.everybodyKnows(t)
	return m
}

// everybodyKnows waits until every process has noticed what has just been told.
func (w *world) everybodyKnows(t *testing.T) {
	told := time.Now()
	err := scenario.Wait(background(), func() (bool, error) { return time.Since(told) > noticed, nil })
	assert.NoError(t, err) // also in a cleanup, when the test's own context has ended
}

// TestMaintenanceOfTheInsuranceRefusesNewPaymentsAndSuspendsRunningOnes, which
// go on by themselves at the announced time.
func TestMaintenanceOfTheInsuranceRefusesNewPaymentsAndSuspendsRunningOnes(t *testing.T) {
	w := hold(t, insurance)
	running := w.begin(t, renmin, w.mixed(t, renmin, payment.WeChat, payment.Native))
	running.prove()
	until := time.Now().Add(20 * time.Second).Truncate(time.Second)
	m := w.announce(t, renmin, "insurance", until)

	refused := w.arrange(t, renmin, w.insured(t, renmin))
	_, _, err := w.in.API.Start(t.Context(), refused.start)
	var p *wire.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, payment.CodeMaintenance, p.Code)
	assert.Equal(t, 503, p.Status)
	assert.True(t, until.Equal(p.Until), "%s", p.Until)
	assert.Equal(t, []payment.Method{payment.ByWeChat, payment.ByUnionPay}, p.Alternatives)
	_, err = w.in.API.Payment(t.Context(), refused.id(), false)
	assert.Equal(t, payment.CodeNotFound, code(err), "nothing is opened")
	byWorkflow := w.arrange(t, renmin, w.insured(t, renmin))
	_, err = workflows.Begin(t.Context(), w.trusted(t), byWorkflow.start.Request())
	problem, ok := activities.AsProblem(err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, payment.CodeMaintenance, problem.Code)
	assert.Equal(t, p.Alternatives, problem.Maintenance.Alternatives)

	selfPay := w.begin(t, renmin, wechatNative)
	_, err = w.in.API.ChangeMethod(t.Context(), selfPay.id(), w.insured(t, renmin)(selfPay.person))
	assert.Equal(t, payment.CodeMaintenance, code(err))

	running.pay()
	suspended := running.until(payment.Suspended)
	assert.Equal(t, payment.ReasonMaintenance, suspended.Reason)
	assert.Empty(t, running.charges(payment.Insurance), "nothing is sent")
	done := running.within(slowly, payment.Completed)
	assert.False(t, time.Now().Before(until))
	running.isRegisteredOnce(done)
	require.Len(t, running.charges(payment.Insurance), 1)
	assert.Contains(t, running.happened(), "moved")

	_, _, err = w.in.API.Start(t.Context(), refused.start)
	require.NoError(t, err, "the refused order is started again after the maintenance")
	list, err := w.in.API.Maintenance(t.Context(), renmin, payment.WindowPast, "")
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, one := range list.Items {
		ids[one.ID] = true
	}
	assert.True(t, ids[m.ID])
}

// TestMaintenanceOfTheHISLeavesATemporaryVoucher, and what waited goes on when
// the maintenance is ended before its time, on the command line.
func TestMaintenanceOfTheHISLeavesATemporaryVoucher(t *testing.T) {
	w := hold(t, his)
	m := w.announce(t, xiehe, payment.SystemHIS, time.Now().Add(time.Hour))
	stays, leaves := w.begin(t, xiehe, wechatNative), w.begin(t, xiehe, unionpayApp)
	for _, v := range []*visit{stays, leaves} {
		v.pay()
	}
	for _, v := range []*visit{stays, leaves} {
		v.until(payment.Suspended)
		v.hasVoucher(wire.VoucherTemporary)
		v.isToldOfAVoucher()
		assert.Empty(t, v.appointments())
	}
	assert.Equal(t, payment.Refunding, leaves.cancel().Status, "maintenance keeps nobody's money")
	assert.Equal(t, scenario.Fee, leaves.until(payment.Refunded).RefundedFen)

	code, _, errs := w.starter(t, w.in.APIKey, nil, "maintenance", "end", m.ID)
	assert.Equal(t, failed, code, errs)
	assert.Contains(t, errs, "forbidden", "a booking backend's key does not do")
	var ended wire.Window
	w.prints(t, w.in.StaffKey, nil, &ended, "maintenance", "end", m.ID)
	assert.Equal(t, payment.WindowPast, ended.State)
	done := stays.within(slowly, payment.Completed)
	stays.isRegisteredOnce(done)
	stays.hasVoucher(wire.VoucherPaid)
	stays.isTold(payment.Paid, payment.Completed)
}

// isToldOfAVoucher waits until the backend knows of the temporary voucher.
func (v *visit) isToldOfAVoucher() {
	v.t.Helper()
	v.eventually("the backend knows of the temporary voucher", func() bool { return len(v.w.backend.messages(v.order())) == 1 })
	m := v.w.backend.messages(v.order())[0]
	assert.Equal(v.t, payment.Paid, m.Data.Status)
	assert.True(v.t, m.Data.Temporary)
}
