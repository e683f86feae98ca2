package api_test

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/voucher"
)

func TestAVoucherIsReadWithItsToken(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	got := as[wire.Voucher](t, s.do("GET", "/v1/payments/"+v.ID+"/voucher", backend, nil), 200)
	require.Equal(t, wire.VoucherPaid, got.State)
	signer, err := voucher.NewSigner(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	claim, err := voucher.Verify(signer.HospitalKey("ren-he"), got.Token)
	require.NoError(t, err)
	require.Equal(t, got.Code, claim.Code)
	require.Equal(t, v.OrderNo, claim.OrderNo)
}

func TestAVouchersStateFollowsThePayment(t *testing.T) {
	for _, tc := range []struct {
		status payment.Status
		void   bool
		state  wire.VoucherState
		mark   string
	}{
		{payment.Paid, false, wire.VoucherTemporary, "临时凭证"}, {payment.Completed, false, wire.VoucherPaid, "已支付"},
		{payment.Refunded, true, wire.VoucherRefunded, "已退款"}, {payment.Rejected, true, wire.VoucherVoid, "作废"},
	} {
		s := newStack(t)
		v := view("ren-he", "R20260105000001", payment.Paid)
		v.Status, v.Voucher.Void, v.Voucher.Temporary = tc.status, tc.void, tc.status == payment.Paid
		s.put(v)
		path := "/v1/payments/" + v.ID + "/voucher"
		require.Equal(t, tc.state, as[wire.Voucher](t, s.do("GET", path, backend, nil), 200).State)
		r := s.do("GET", path+"?format=svg", backend, nil)
		require.Equal(t, "image/svg+xml", r.Header.Get("Content-Type"))
		require.Contains(t, string(r.body), tc.mark)
		r = s.do("GET", path+"?format=png", backend, nil, "Accept-Language", "en")
		require.Equal(t, "image/png", r.Header.Get("Content-Type"))
		_, err := png.Decode(bytes.NewReader(r.body))
		require.NoError(t, err)
	}
}

func TestNoVoucherYet(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	problem(t, s.do("GET", "/v1/payments/"+v.ID+"/voucher", backend, nil), 404, api.CodeNoVoucher)
	problem(t, s.do("GET", "/v1/payments/"+v.ID+"/voucher?format=gif", backend, nil), 422, api.CodeInvalid)
}
