package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// request is one that breaks no rule; mixed is 20.00 by WeChat and 30.00 by
// the insurance.
func request(m payment.Method) payment.Request {
	first17 := "11010119900307123"
	r := payment.Request{
		Order: payment.Order{HospitalID: "h-one", OrderNo: "ORDER0001", Amount: money.Fen(5000),
			Slot: payment.Slot{ID: "slot-7", Department: "心内科", Doctor: "李医生", StartsAt: noon.Add(48 * time.Hour)},
			Fees: []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(1000)}, {Code: "CONS", Name: "诊查费", Amount: money.Fen(4000)}},
			Patient: payment.Patient{Name: "王小测", IDType: payment.IDCard, IDNumber: first17 + string(payment.IDCardCheck(first17)),
				Phone: "13812345678", OpenID: "oPENID", PsnNo: "PSN-1"}},
		Choice:      payment.Choice{Method: m},
		CallbackURL: "https://booking.example/paid",
	}
	switch m {
	case payment.ByWeChat:
		r.Choice.Scene = payment.Native
	case payment.ByUnionPay:
		r.Choice.Scene = payment.Front
	case payment.ByInsurance:
		r.Choice.PayAuthNo = "AUTH"
	case payment.ByMixed:
		r.Choice.PayAuthNo, r.Choice.SelfPay, r.Choice.Scene = "AUTH", payment.WeChat, payment.JSAPI
		r.Choice.InsuranceAmount = money.Fen(3000)
	}
	return r
}

// broken is a rule, and a way to break it.
type broken struct {
	name string
	harm func(*payment.Request)
	code string
}

// requireBroken demands that each way to break a rule is found, and nothing
// of the patient is in the words that say so (I10).
func requireBroken(t *testing.T, base payment.Method, cases []broken) {
	t.Helper()
	require.NoError(t, request(base).Check(noon))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := request(base)
			tc.harm(&r)
			err := r.Check(noon)
			require.True(t, payment.HasCode(err, tc.code), "%v", err)
			for _, personal := range []string{"王小测", r.Order.Patient.IDNumber, r.Order.Patient.Phone, "oPENID"} {
				if len(personal) > 3 {
					require.NotContains(t, err.Error(), personal)
				}
			}
		})
	}
}
