package insurance

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
)

func posted(t testing.TB, env map[string]any) channel.Notification {
	body, err := json.Marshal(env)
	require.NoError(t, err)
	return channel.Notification{Method: http.MethodPost, URL: "/v1/webhooks/insurance/h1", Body: body}
}

func TestNoticeOfASettlement(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		rule, stas string
		want       channel.State
	}{
		{"without a state it is one", "", channel.Captured},
		{"settled", "6", channel.Captured},
		{"failed", "15", channel.Declined},
		{"revoked", "12", channel.Closed},
		{"under way", "2", channel.InClearing},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			d := settledReply(tc.stas)
			if tc.stas == "" {
				delete(d, "ordStas")
			}
			ev, err := w.client.ParseNotification(context.Background(), posted(t, w.envelope(nil, d, false)))
			require.NoError(t, err)
			require.Nil(t, ev.Refund)
			require.Equal(t, tc.want, ev.Charge.State)
			require.Equal(t, "ORD20260302A02", ev.Charge.MerchantNo)
			require.Equal(t, "ORD110000202603021200001", ev.Charge.ChannelNo)
			if tc.want == channel.Captured {
				require.True(t, money.Fen(2000).Equal(ev.Charge.Captured))
				require.NotNil(t, ev.Charge.Split)
			}
		})
	}
}

func TestARepeatedNoticeHasTheSameIDAndAnotherHasNot(t *testing.T) {
	w := newWorld(t)
	id := func(d map[string]any) string {
		ev, err := w.client.ParseNotification(context.Background(), posted(t, w.envelope(nil, d, false)))
		require.NoError(t, err)
		return ev.ID
	}
	first := id(settledReply("6"))
	w.clock = noon.Add(time.Hour) // and a new envelope
	require.Equal(t, first, id(settledReply("6")))
	require.NotEqual(t, first, id(settledReply("5")))
}

func TestNoticesThatAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	for rule, tc := range map[string]struct {
		data func(d map[string]any)
		head map[string]any
		env  func(env map[string]any)
		now  time.Time
		get  bool
	}{
		"another kind":             {data: func(d map[string]any) { d["callType"] = "01" }},
		"no kind":                  {data: func(d map[string]any) { delete(d, "callType") }},
		"no number of ours":        {data: func(d map[string]any) { d["medOrgOrd"] = "" }},
		"no number of theirs":      {data: func(d map[string]any) { d["payOrdId"] = "" }},
		"another hospital":         {data: func(d map[string]any) { d["orgCodg"] = "H2" }},
		"a split that does not":    {data: func(d map[string]any) { d["ownPayAmt"] = "5.49" }},
		"another app":              {head: map[string]any{"appId": "43AF047BBA47FC8A1AE8EFB232BDBBCC"}},
		"no app":                   {head: map[string]any{"appId": nil}},
		"no time":                  {head: map[string]any{"timestamp": "now"}},
		"stale":                    {now: noon.Add(DefaultFreshness + time.Second)},
		"from the future":          {now: noon.Add(-DefaultFreshness - time.Second)},
		"changed":                  {env: func(env map[string]any) { env["version"] = "9" }},
		"unsigned":                 {env: func(env map[string]any) { delete(env, "signData") }},
		"not encrypted, not there": {env: func(env map[string]any) { delete(env, "encData") }},
		"a GET":                    {get: true},
	} {
		t.Run(rule, func(t *testing.T) {
			w.clock = noon
			d := settledReply("6")
			if tc.data != nil {
				tc.data(d)
			}
			maps.DeleteFunc(d, func(_ string, v any) bool { return v == "" })
			env := w.envelope(tc.head, d, false)
			if tc.env != nil {
				tc.env(env)
			}
			n := posted(t, env)
			if tc.get {
				n.Method = http.MethodGet
			}
			if !tc.now.IsZero() {
				w.clock = tc.now
			}
			ev, err := w.client.ParseNotification(context.Background(), n)
			require.ErrorContains(t, err, "insurance notification")
			require.Equal(t, channel.Event{}, ev)
		})
	}
}

func TestAcknowledge(t *testing.T) {
	w := newWorld(t)
	good := w.client.Acknowledge(nil)
	require.Equal(t, http.StatusOK, good.Status)
	require.JSONEq(t, `{"success":true,"message":"ok"}`, string(good.Body))
	bad := w.client.Acknowledge(errors.New("the signature does not match"))
	require.Equal(t, http.StatusBadRequest, bad.Status)
	require.JSONEq(t, `{"success":false,"message":"refused"}`, string(bad.Body))
}

func FuzzParseNotification(f *testing.F) {
	w := newWorld(f)
	f.Add(posted(f, w.envelope(nil, settledReply("6"), false)).Body)
	f.Add([]byte(`{"appId":"` + testApp + `","encData":"00","signData":"AA=="}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := w.client.ParseNotification(context.Background(), channel.Notification{Method: http.MethodPost, Body: body})
		if err != nil {
			require.Equal(t, channel.Event{}, ev)
			return
		}
		require.True(t, money.Fen(2000).Equal(ev.Charge.Captured))
	})
}
