package payment_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func window(system payment.System, from, until time.Duration) payment.Window {
	return payment.Window{HospitalID: "h-one", System: system, From: noon.Add(from), Until: noon.Add(until)}
}

func TestAWindowIsAnnouncedBeforehandAndBounded(t *testing.T) {
	for _, tc := range []struct {
		name  string
		w     payment.Window
		field string // empty: nothing is wrong
		code  string
	}{
		{"later today", window("wechat", time.Hour, 3*time.Hour), "", ""},
		{"from now on", window("his", 0, time.Hour), "", ""},
		{"by a clock that is a little behind", window("his", -30*time.Second, time.Hour), "", ""},
		{"exactly seven days", window("hospital", 0, payment.MaxMaintenance), "", ""},
		{"begun already", window("wechat", -2*time.Minute, time.Hour), "from", payment.CodeWindow},
		{"over already", window("wechat", -50*time.Second, -10*time.Second), "until", payment.CodeWindow},
		{"ends as it begins", window("wechat", time.Hour, time.Hour), "until", payment.CodeWindow},
		{"ends before it begins", window("wechat", time.Hour, time.Minute), "until", payment.CodeWindow},
		{"longer than seven days", window("wechat", 0, payment.MaxMaintenance+time.Second), "until", payment.CodeWindow},
		{"in two years", window("wechat", 2*payment.MaxNotice, 2*payment.MaxNotice+time.Hour), "from", payment.CodeWindow},
		{"no beginning", payment.Window{HospitalID: "h-one", System: "his", Until: noon.Add(time.Hour)}, "from", payment.CodeWindow},
		{"of no system", window("alipay", time.Hour, 2*time.Hour), "system", payment.CodeWindowSystem},
		{"of no hospital", payment.Window{System: "his", From: noon, Until: noon.Add(time.Hour)}, "hospital_id", payment.CodeHospital},
		{"with a book for a note", payment.Window{HospitalID: "h-one", System: "his", From: noon, Until: noon.Add(time.Hour), Note: strings.Repeat("维", 201)}, "note", payment.CodeWindow},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.w.Check(noon)
			if tc.field == "" {
				require.NoError(t, err)
				return
			}
			require.True(t, payment.HasCode(err, tc.code), "%v", err)
			var all payment.Problems
			require.True(t, errors.As(err, &all))
			fields := map[string]bool{}
			for _, p := range all {
				fields[p.Field] = true
			}
			require.True(t, fields[tc.field], "%v", err)
		})
	}
}

func TestAWindowIsOpenFromItsFirstMomentToTheOneBeforeItsEnd(t *testing.T) {
	w := window("wechat", time.Hour, 2*time.Hour)
	for at, want := range map[time.Duration]payment.WindowState{
		0: payment.WindowUpcoming, time.Hour - 1: payment.WindowUpcoming, time.Hour: payment.WindowActive,
		2*time.Hour - 1: payment.WindowActive, 2 * time.Hour: payment.WindowPast,
	} {
		require.Equal(t, want, w.State(noon.Add(at)), at)
		require.Equal(t, want == payment.WindowActive, w.Active(noon.Add(at)), at)
	}
	w.EndedAt = noon.Add(90 * time.Minute)
	require.True(t, w.Active(noon.Add(80*time.Minute)))
	require.False(t, w.Active(noon.Add(90*time.Minute)))
	w.EndedAt = noon.Add(time.Minute)
	require.Equal(t, payment.WindowPast, w.State(noon.Add(time.Minute)), "it never opens")
	require.False(t, w.Active(noon.Add(time.Hour)))
}

func TestTheTimeOfReturnIsOfTheSystemThatComesBackLast(t *testing.T) {
	ws := payment.Windows{window("wechat", 0, time.Hour), window("insurance", 0, 3*time.Hour), window("wechat", 0, 2*time.Hour),
		window("unionpay", 0, 9*time.Hour), window("insurance", 3*time.Hour, 20*time.Hour)}
	m, closed := ws.Closed(noon, request(payment.ByMixed).Choice.Needs(money.Fen(5000))...)
	require.True(t, closed)
	require.Equal(t, payment.System("insurance"), m.System)
	require.Equal(t, noon.Add(3*time.Hour), m.Until)
	m, _ = ws.Closed(noon, "wechat")
	require.Equal(t, noon.Add(2*time.Hour), m.Until)
	_, closed = ws.Closed(noon, "his", "hospital")
	require.False(t, closed)
}

func TestOnlyWhatAChoiceNeedsRefusesIt(t *testing.T) {
	every := func(payment.Channel) bool { return true }
	for _, tc := range []struct {
		method  payment.Method
		system  payment.System
		offers  func(payment.Channel) bool
		refused bool
		others  []payment.Method
	}{
		{payment.ByWeChat, "wechat", every, true, []payment.Method{payment.ByUnionPay, payment.ByInsurance, payment.ByMixed}},
		{payment.ByWeChat, "wechat", func(ch payment.Channel) bool { return ch == payment.WeChat }, true, nil},
		{payment.ByWeChat, "wechat", func(ch payment.Channel) bool { return ch != payment.UnionPay }, true, []payment.Method{payment.ByInsurance}},
		{payment.ByMixed, "wechat", every, true, []payment.Method{payment.ByUnionPay, payment.ByInsurance, payment.ByMixed}},
		{payment.ByMixed, "insurance", every, true, []payment.Method{payment.ByWeChat, payment.ByUnionPay}},
		{payment.ByWeChat, "insurance", every, false, nil},
		{payment.ByInsurance, "unionpay", every, false, nil},
		{payment.ByWeChat, payment.SystemHIS, every, false, nil},
		{payment.ByMixed, payment.SystemHIS, every, false, nil},
		{payment.ByInsurance, payment.SystemHospital, every, true, nil},
	} {
		r := request(tc.method)
		ws := payment.Windows{window(tc.system, -time.Hour, time.Hour)}
		err := ws.Admit(r.Choice, r.Order.Amount, noon, tc.offers)
		require.Equal(t, tc.refused, payment.HasCode(err, payment.CodeMaintenance), "%s in %s: %v", tc.method, tc.system, err)
		var p payment.Problem
		if errors.As(err, &p) {
			require.Equal(t, tc.others, p.Maintenance.Alternatives, "%s in %s", tc.method, tc.system)
		}
		require.NoError(t, ws.Admit(r.Choice, r.Order.Amount, noon.Add(time.Hour), tc.offers), "it is over")
	}
}

// Whatever is announced, no way to pay is offered that would be refused at once.
func TestAnAlternativeIsNeverInMaintenanceItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ws payment.Windows
		for range rapid.IntRange(0, 6).Draw(t, "windows") {
			from := rapid.IntRange(-5, 5).Draw(t, "from")
			long := rapid.IntRange(1, 5).Draw(t, "long")
			ws = append(ws, window(rapid.SampledFrom(payment.Systems()).Draw(t, "system"),
				time.Duration(from)*time.Hour, time.Duration(from+long)*time.Hour))
		}
		every := func(payment.Channel) bool { return true }
		for _, m := range ws.Alternatives(noon, every) {
			admitted := false
			for _, selfPay := range []payment.Channel{payment.WeChat, payment.UnionPay} {
				r := request(m)
				if m == payment.ByMixed {
					r.Choice.SelfPay = selfPay
				}
				admitted = admitted || ws.Admit(r.Choice, r.Order.Amount, noon, every) == nil
			}
			require.True(t, admitted, "%s", m)
		}
	})
}

func TestAWindowsIDIsItsHospitalsAndKeys(t *testing.T) {
	id := payment.WindowID("h-one", "k1")
	require.Regexp(t, "^mw_[a-z2-9]{24}$", id)
	require.Equal(t, id, payment.WindowID("h-one", "k1"))
	require.NotEqual(t, id, payment.WindowID("h-two", "k1"))
	require.NotEqual(t, id, payment.WindowID("h-one", "k2"))
	for key, ok := range map[string]bool{"a": true, "wechat-2027.01_06:1": true, "": false, "-a": false, "a b": false, strings.Repeat("a", 65): false, "a/b": false} {
		require.Equal(t, ok, payment.IsWindowKey(key), key)
	}
}

func TestTheSameAnnouncementIsToldFromAnother(t *testing.T) {
	w := window("wechat", time.Hour, 2*time.Hour)
	same := w
	same.AnnouncedBy, same.From = "somebody else", w.From.In(time.FixedZone("CST", 8*3600))
	require.True(t, w.Same(same))
	same.From = time.Time{}
	require.True(t, w.Same(same), "now is whenever it was")
	for _, harm := range []func(*payment.Window){
		func(w *payment.Window) { w.System = "his" }, func(w *payment.Window) { w.Until = w.Until.Add(1) },
		func(w *payment.Window) { w.From = w.From.Add(1) }, func(w *payment.Window) { w.Note = "x" }, func(w *payment.Window) { w.HospitalID = "h-two" },
	} {
		other := w
		harm(&other)
		require.False(t, w.Same(other))
	}
}
