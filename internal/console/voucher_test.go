package console

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

const voucherPath = "/console/payments/" + somePayment + "/voucher.svg"

func TestThePaymentPageShowsTheVoucher(t *testing.T) {
	d := newDesk(t)
	d.books.file.Payment.Doctor = `<script>alert(1)</script>`
	b := d.signedIn("li")
	require.Contains(t, b.get(paymentPath).body, `src="`+voucherPath+`"`)
	res := b.get(voucherPath)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "image/svg+xml", res.Header.Get("Content-Type"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Contains(t, res.body, voucher.Spaced("S273AAVGZK94"))
	require.Contains(t, res.body, "<path")
	require.NotContains(t, res.body, "<script")
	for dec := xml.NewDecoder(strings.NewReader(res.body)); ; {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Equal(t, http.StatusNotFound, d.signedIn("zhou").get(voucherPath).StatusCode, "another hospital's")
	for _, login := range []string{"qian", "sun"} { // finance and auditors need no entry to the clinic
		other := d.signedIn(login)
		require.NotContains(t, other.get(paymentPath).body, "voucher.svg")
		require.Equal(t, http.StatusForbidden, other.get(voucherPath).StatusCode, login)
	}
	require.Equal(t, http.StatusForbidden, d.signedIn("feng").get(voucherPath).StatusCode, "administrators see no payments")
	require.Equal(t, http.StatusSeeOther, d.browser().get(voucherPath).StatusCode)

	d.books.file.Payment.Voucher = nil
	require.NotContains(t, b.get(paymentPath).body, "voucher.svg")
	require.Equal(t, http.StatusNotFound, b.get(voucherPath).StatusCode)
}

func TestAPictureOfAVoucherIsAViewOnRecord(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	require.Equal(t, http.StatusOK, b.get(voucherPath).StatusCode)
	require.Equal(t, []store.Viewing{{PaymentID: somePayment, By: "local:li", Address: "127.0.0.1"}}, d.books.views)
	require.Equal(t, http.StatusForbidden, d.signedIn("qian").get(voucherPath).StatusCode)
	require.Len(t, d.books.views, 1)
}

func TestAVoucherIsWorthWhatThePaymentIs(t *testing.T) {
	for want, v := range map[voucher.State]store.Standing{
		voucher.Temporary: {Status: payment.Paid, Voucher: &store.Voucher{Temporary: true}},
		voucher.Paid:      {Status: payment.Completed, Voucher: &store.Voucher{}},
		voucher.Void:      {Status: payment.Refunding, Voucher: &store.Voucher{Void: true}},
		voucher.Refunded:  {Status: payment.Refunded, Voucher: &store.Voucher{Void: true}},
	} {
		require.Equal(t, want, voucherState(store.View{Standing: v}))
	}
}
