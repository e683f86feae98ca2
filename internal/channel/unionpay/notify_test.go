package unionpay

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
)

func paidNotice() map[string]string {
	return map[string]string{
		"txnType": "01", "txnSubType": "01", "bizType": "000201", "accessType": "0", "merId": testMer,
		"orderId": "ORD20260302A01", "txnTime": "20260302115500", "txnAmt": "2550", "currencyCode": "156",
		"queryId": "242603021155001", "respCode": "00", "respMsg": "成功[0000000]", "settleAmt": "2550",
		"settleCurrencyCode": "156", "settleDate": "0302", "traceNo": "115500", "traceTime": "0302115830",
	}
}

func posted(m map[string]string) channel.Notification {
	return channel.Notification{
		Method: http.MethodPost, URL: "/v1/webhooks/unionpay/h1",
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}},
		Body:   []byte(encoded(m)),
	}
}

func TestNotificationOfAPayment(t *testing.T) {
	w := newWorld(t)
	ev, err := w.client.ParseNotification(context.Background(), posted(w.up.seal(paidNotice())))
	require.NoError(t, err)
	require.Nil(t, ev.Refund)
	require.Equal(t, "242603021155001-01-00", ev.ID)
	require.Equal(t, channel.Captured, ev.Charge.State)
	require.Equal(t, "ORD20260302A01", ev.Charge.MerchantNo)
	require.Equal(t, "242603021155001", ev.Charge.ChannelNo)
	require.True(t, money.Fen(2550).Equal(ev.Charge.Captured))
	require.True(t, ev.Charge.CapturedAt.Equal(noon.Add(-90*time.Second)), ev.Charge.CapturedAt)

	part := paidNotice()
	part["respCode"], part["settleAmt"] = "A6", "1000"
	ev, err = w.client.ParseNotification(context.Background(), posted(w.up.seal(part)))
	require.NoError(t, err)
	require.True(t, money.Fen(1000).Equal(ev.Charge.Captured))

	failed := paidNotice()
	failed["respCode"] = "64"
	ev, err = w.client.ParseNotification(context.Background(), posted(w.up.seal(failed)))
	require.NoError(t, err)
	require.Equal(t, channel.Open, ev.Charge.State, "a failed attempt is not the end of the order")
}

func TestNotificationOfARefundOrRevoke(t *testing.T) {
	for _, kind := range []string{"04", "31"} {
		w := newWorld(t)
		m := paidNotice()
		m["txnType"], m["orderId"], m["queryId"], m["origQryId"], m["txnAmt"] = kind, "ORD20260302R01", "rq1", "242603021155001", "1000"
		ev, err := w.client.ParseNotification(context.Background(), posted(w.up.seal(m)))
		require.NoError(t, err)
		require.Nil(t, ev.Charge)
		require.Equal(t, "rq1-"+kind+"-00", ev.ID)
		require.Equal(t, channel.RefundSucceeded, ev.Refund.State)
		require.Equal(t, "ORD20260302R01", ev.Refund.RefundNo)
		require.True(t, money.Fen(1000).Equal(ev.Refund.Amount))
	}
}

func TestNotificationsThatAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	for rule, tc := range map[string]struct {
		change func(m map[string]string)
		after  func(n *channel.Notification)
		now    time.Time
	}{
		"another merchant's":          {change: func(m map[string]string) { m["merId"] = "777290058110049" }},
		"another currency":            {change: func(m map[string]string) { m["currencyCode"] = "344" }},
		"another kind":                {change: func(m map[string]string) { m["txnType"] = "02" }},
		"no order":                    {change: func(m map[string]string) { m["orderId"] = "" }},
		"no queryId":                  {change: func(m map[string]string) { m["queryId"] = "" }},
		"no amount":                   {change: func(m map[string]string) { m["txnAmt"], m["settleAmt"] = "", "" }},
		"no time":                     {change: func(m map[string]string) { m["txnTime"] = "" }},
		"of the future":               {change: func(m map[string]string) { m["txnTime"], m["traceTime"] = "20260302121500", "0302121500" }},
		"traced in the future":        {change: func(m map[string]string) { m["traceTime"] = "0302121500" }},
		"a day late":                  {now: noon.Add(24 * time.Hour)},
		"a year later, to the minute": {now: noon.AddDate(1, 0, 0)},
		"changed after signing": {after: func(n *channel.Notification) {
			m := w.up.seal(paidNotice())
			m["txnAmt"] = "1"
			n.Body = []byte(encoded(m))
		}},
		"unsigned":          {after: func(n *channel.Notification) { n.Body = []byte(encoded(paidNotice())) }},
		"a GET":             {after: func(n *channel.Notification) { n.Method = http.MethodGet }},
		"JSON":              {after: func(n *channel.Notification) { n.Header = http.Header{"Content-Type": {"application/json"}} }},
		"a field twice":     {after: func(n *channel.Notification) { n.Body = append(n.Body, "&txnAmt=1"...) }},
		"signed by another": {after: func(n *channel.Notification) { n.Body = []byte(encoded(newAuthority(t).unionpay().seal(paidNotice()))) }},
	} {
		t.Run(rule, func(t *testing.T) {
			w.now = noon
			if !tc.now.IsZero() {
				w.now = tc.now
			}
			m := paidNotice()
			if tc.change != nil {
				tc.change(m)
			}
			n := posted(w.up.seal(m))
			if tc.after != nil {
				tc.after(&n)
			}
			ev, err := w.client.ParseNotification(context.Background(), n)
			require.ErrorContains(t, err, "unionpay notification")
			require.Equal(t, channel.Event{}, ev)
		})
	}
}

func TestARepeatHasTheSameID(t *testing.T) {
	w := newWorld(t)
	first, err := w.client.ParseNotification(context.Background(), posted(w.up.seal(paidNotice())))
	require.NoError(t, err)
	w.now = noon.Add(12 * time.Minute)
	again, err := w.client.ParseNotification(context.Background(), posted(w.ca.unionpay().seal(paidNotice())))
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestAcknowledge(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, http.StatusOK, w.client.Acknowledge(nil).Status)
	bad := w.client.Acknowledge(errors.New("the signature does not match"))
	require.Equal(t, http.StatusBadRequest, bad.Status)
	require.Equal(t, "fail", string(bad.Body))
}

func FuzzParseNotification(f *testing.F) {
	w := newWorld(f)
	good := w.up.seal(paidNotice())
	f.Add([]byte(encoded(good)))
	bad := maps.Clone(good)
	bad["txnAmt"] = "1"
	f.Add([]byte(encoded(bad)))
	f.Add([]byte("signature=x&signMethod=01&signPubKeyCert=-----BEGIN CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, body []byte) {
		n := posted(nil)
		n.Body = body
		ev, err := w.client.ParseNotification(context.Background(), n)
		if err != nil {
			require.Equal(t, channel.Event{}, ev)
			return
		}
		// Nobody without the key gets anything but the one signed message in.
		require.Equal(t, "242603021155001-01-00", ev.ID)
		require.True(t, money.Fen(2550).Equal(ev.Charge.Captured))
	})
}
