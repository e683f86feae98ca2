package integration

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// Budgets of history events for a payment without trouble.
const (
	selfPayEvents = 20
	mixedEvents   = 32
)

// TestEveryWayToPayCompletes plays each way from start to end and looks at it
// from all sides: the API, the voucher, the backend, the channels, the HIS,
// and Temporal's history.
func TestEveryWayToPayCompletes(t *testing.T) {
	for _, way := range []struct {
		name     string
		hospital string
		choose   func(*world, *testing.T) func(scenario.Person) wire.Choice
		verify   func(*visit)
		pays     map[payment.Channel]int64
		events   int
	}{
		{"wechat in the app, public key", renmin, always(wechatJSAPI), nil, map[payment.Channel]int64{payment.WeChat: 5000}, selfPayEvents},
		{"wechat in the app, certificates", xiehe, always(wechatJSAPI), nil, map[payment.Channel]int64{payment.WeChat: 5000}, selfPayEvents},
		{"wechat by QR code", renmin, always(wechatNative), nil, map[payment.Channel]int64{payment.WeChat: 5000}, selfPayEvents},
		{"unionpay in the browser", renmin, always(unionpayFront), nil, map[payment.Channel]int64{payment.UnionPay: 5000}, selfPayEvents},
		{"unionpay in the app", xiehe, always(unionpayApp), nil, map[payment.Channel]int64{payment.UnionPay: 5000}, selfPayEvents},
		{"insurance by SMS", renmin, insuranceAt(renmin), (*visit).prove, map[payment.Channel]int64{payment.Insurance: 5000}, mixedEvents},
		{"insurance by face", xiehe, insuranceAt(xiehe), (*visit).proveByFace, map[payment.Channel]int64{payment.Insurance: 5000}, mixedEvents},
		{"mixed with wechat", renmin, mixedWith(renmin, payment.WeChat, payment.Native), (*visit).prove,
			map[payment.Channel]int64{payment.WeChat: 1500, payment.Insurance: 3500}, mixedEvents},
		{"mixed with unionpay", xiehe, mixedWith(xiehe, payment.UnionPay, payment.App), (*visit).prove,
			map[payment.Channel]int64{payment.UnionPay: 1500, payment.Insurance: 3500}, mixedEvents},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := hold(t)
			v := w.begin(t, way.hospital, way.choose(w, t))
			if way.verify != nil {
				require.Equal(t, payment.Verifying, v.answer.Status)
				require.ElementsMatch(t, []payment.VerifyKind{payment.BySMS, payment.ByFace}, v.answer.Verify)
				way.verify(v)
			}
			if v.answer.Method != payment.ByInsurance {
				require.Equal(t, payment.AwaitingPayment, v.answer.Status)
				v.pay()
			}
			p := v.until(payment.Completed)
			assert.Equal(t, scenario.Fee, p.CapturedFen)
			assert.Zero(t, p.RefundedFen)

			for ch, fen := range way.pays {
				charges := v.charges(ch)
				require.Len(t, charges, 1, "%s was charged once", ch)
				assert.Equal(t, sandbox.ChargeCaptured, charges[0].State)
				if ch == payment.Insurance {
					assert.Equal(t, fen, charges[0].AccountFen+charges[0].FundFen)
				} else {
					assert.Equal(t, fen, charges[0].CapturedFen)
				}
			}
			v.isRegisteredOnce(p)
			v.isTold(payment.Completed)
			v.hasVoucher(wire.VoucherPaid)
			v.tellsItsLife(len(way.pays))
			w.keepsTheBudget(t, v, way.events)
			w.keepsSecrets(t, v)
		})
	}
}

func always(choose func(scenario.Person) wire.Choice) func(*world, *testing.T) func(scenario.Person) wire.Choice {
	return func(*world, *testing.T) func(scenario.Person) wire.Choice { return choose }
}

func insuranceAt(hospital string) func(*world, *testing.T) func(scenario.Person) wire.Choice {
	return func(w *world, t *testing.T) func(scenario.Person) wire.Choice { return w.insured(t, hospital) }
}

func mixedWith(hospital string, ch payment.Channel, s payment.Scene) func(*world, *testing.T) func(scenario.Person) wire.Choice {
	return func(w *world, t *testing.T) func(scenario.Person) wire.Choice { return w.mixed(t, hospital, ch, s) }
}

func (v *visit) proveByFace() {
	v.t.Helper()
	out, err := v.w.in.AnswerFace(v.t.Context(), v.id(), "success")
	require.NoError(v.t, err)
	require.NotNil(v.t, out.Payment)
	v.answer = *out.Payment
}

// isRegisteredOnce: the HIS has the order once, paid in full.
func (v *visit) isRegisteredOnce(p wire.Payment) {
	v.t.Helper()
	all := v.appointments()
	require.Len(v.t, all, 1)
	assert.Equal(v.t, p.AppointmentID, all[0].ID)
	assert.Equal(v.t, p.AmountFen, all[0].AmountFen)
	assert.Equal(v.t, v.start.Order.Slot.ID, all[0].Slot)
}

// isTold: the backend was told the end, once, and believes it. Where the HIS had
// to be waited for, which a test that has just broken it can leave others with,
// it was told of the temporary voucher before.
func (v *visit) isTold(states ...payment.Status) {
	v.t.Helper()
	if !slices.Contains(states, payment.Paid) && v.waitedForTheHIS() {
		before := 0
		if states[0] == payment.AwaitingPayment {
			before = 1
		}
		states = slices.Insert(states, before, payment.Paid)
	}
	v.eventually("the backend is told", func() bool { return len(v.w.backend.states(v.order())) >= len(states) })
	require.Equal(v.t, states, v.w.backend.states(v.order()))
	last := v.w.backend.messages(v.order())[len(states)-1]
	p := v.look()
	assert.Equal(v.t, "payment."+string(last.Data.Status), last.Type)
	assert.Equal(v.t, p.CapturedFen, last.Data.CapturedFen)
	assert.Equal(v.t, p.RefundedFen, last.Data.RefundedFen)
	assert.Equal(v.t, p.AppointmentID, last.Data.AppointmentID)
}

func (v *visit) waitedForTheHIS() bool {
	v.t.Helper()
	events, err := v.w.events(v.t.Context(), v.workflow())
	require.NoError(v.t, err)
	return slices.ContainsFunc(events, func(e *historypb.HistoryEvent) bool {
		return e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "Register"
	})
}

// hasVoucher: the voucher is there as JSON and as both pictures.
func (v *visit) hasVoucher(state wire.VoucherState) {
	v.t.Helper()
	voucher, err := v.w.in.API.Voucher(v.t.Context(), v.id())
	require.NoError(v.t, err)
	assert.Equal(v.t, state, voucher.State)
	assert.NotEmpty(v.t, voucher.Code)
	assert.NotEmpty(v.t, voucher.Token)
	picture, err := v.w.in.API.VoucherPicture(v.t.Context(), v.id(), "png")
	require.NoError(v.t, err)
	card, err := png.Decode(bytes.NewReader(picture))
	require.NoError(v.t, err)
	assert.Greater(v.t, card.Bounds().Dx(), 100)
	picture, err = v.w.in.API.VoucherPicture(v.t.Context(), v.id(), "svg")
	require.NoError(v.t, err)
	assert.True(v.t, wellFormed(picture), "the SVG is XML")
	assert.True(v.t, bytes.Contains(bytes.ReplaceAll(picture, []byte("-"), nil), []byte(voucher.Code)), "the code is written on it")
}

func wellFormed(text []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// tellsItsLife: the timeline has the steps of a payment without trouble.
func (v *visit) tellsItsLife(tenders int) {
	v.t.Helper()
	v.eventually("the timeline ends with the completion", func() bool {
		return slices.Contains(v.happened(), "completed")
	})
	line := v.happened()
	assert.Equal(v.t, "opened", line[0])
	count := map[string]int{}
	for _, action := range line {
		count[action]++
	}
	assert.Equal(v.t, tenders, count["captured"], "%v", line)
	assert.Equal(v.t, 1, count["registered"], "%v", line)
}

func (w *world) keepsTheBudget(t *testing.T, v *visit, budget int) {
	t.Helper()
	events := w.history(t, v.workflow())
	assert.LessOrEqual(t, len(events), budget, "events: %v", kinds(events))
}
