package payment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestEveryWayToPayIsARequestThatHolds(t *testing.T) {
	for _, m := range []payment.Method{payment.ByWeChat, payment.ByUnionPay, payment.ByInsurance, payment.ByMixed} {
		require.NoError(t, request(m).Check(noon), m)
	}
}

func TestWhatAnOrderHasToBe(t *testing.T) {
	order := func(f func(*payment.Order)) func(*payment.Request) {
		return func(r *payment.Request) { f(&r.Order) }
	}
	requireBroken(t, payment.ByWeChat, []broken{
		{"a hospital's id is lower case", order(func(o *payment.Order) { o.HospitalID = "H One" }), payment.CodeHospital},
		{"a hospital's id is there", order(func(o *payment.Order) { o.HospitalID = "" }), payment.CodeHospital},
		{"an order number has six characters or more", order(func(o *payment.Order) { o.OrderNo = "ORD01" }), payment.CodeOrderNo},
		{"an order number has 24 characters or less", order(func(o *payment.Order) { o.OrderNo = strings.Repeat("1", 25) }), payment.CodeOrderNo},
		{"an order number has no dash, which UnionPay refuses", order(func(o *payment.Order) { o.OrderNo = "ORDER-0001" }), payment.CodeOrderNo},
		{"an order number has no line feed at its end", order(func(o *payment.Order) { o.OrderNo = "ORDER0001\n" }), payment.CodeOrderNo},
		{"an amount is not zero", order(func(o *payment.Order) { o.Amount = money.Fen(0) }), payment.CodeAmount},
		{"an amount is not negative", order(func(o *payment.Order) { o.Amount = money.Fen(-5000) }), payment.CodeAmount},
		{"an amount is not absurd", order(func(o *payment.Order) { o.Amount = money.Fen(payment.MaxAmount + 1) }), payment.CodeAmount},
		{"an amount has a currency", order(func(o *payment.Order) { o.Amount = money.Money{} }), payment.CodeAmount},
		{"an amount is in CNY", order(func(o *payment.Order) { o.Amount = money.Minor(5000, money.HKD) }), payment.CodeAmount},
		{"fees add up to the amount", order(func(o *payment.Order) { o.Fees[0].Amount = money.Fen(999) }), payment.CodeFees},
		{"fees are there", order(func(o *payment.Order) { o.Fees = nil }), payment.CodeFees},
		{"fees are no more than twenty", order(func(o *payment.Order) { o.Fees = make([]payment.Fee, 21) }), payment.CodeFees},
		{"a fee is not negative, even when the sum is right", order(func(o *payment.Order) {
			o.Fees[0].Amount, o.Fees[1].Amount = money.Fen(-1000), money.Fen(6000)
		}), payment.CodeFees},
		{"a fee has a code", order(func(o *payment.Order) { o.Fees[0].Code = "" }), payment.CodeFees},
		{"fees are in one currency", order(func(o *payment.Order) { o.Fees[0].Amount = money.Minor(1000, money.USD) }), payment.CodeFees},
		{"a slot has an id", order(func(o *payment.Order) { o.Slot.ID = "" }), payment.CodeSlot},
		{"a slot has a time", order(func(o *payment.Order) { o.Slot.StartsAt = time.Time{} }), payment.CodeSlot},
		{"a slot that begins now is over", order(func(o *payment.Order) { o.Slot.StartsAt = noon }), payment.CodeSlotPassed},
		{"a slot lies within a year", order(func(o *payment.Order) { o.Slot.StartsAt = noon.AddDate(1, 0, 1) }), payment.CodeSlot},
		{"a name is there", order(func(o *payment.Order) { o.Patient.Name = "" }), payment.CodeName},
		{"a name is not a novel", order(func(o *payment.Order) { o.Patient.Name = strings.Repeat("王", 61) }), payment.CodeName},
		{"an identity card has a right check character", order(func(o *payment.Order) { o.Patient.IDNumber = "110101199003071230" }), payment.CodeIDNumber},
		{"a document is one of two", order(func(o *payment.Order) { o.Patient.IDType = "licence" }), payment.CodeIDType},
		{"a passport has letters and digits", order(func(o *payment.Order) { o.Patient.IDType, o.Patient.IDNumber = payment.Passport, "E-123" }), payment.CodeIDNumber},
		{"a phone is a mobile", order(func(o *payment.Order) { o.Patient.Phone = "12812345678" }), payment.CodePhone},
		{"a phone has no text after it", order(func(o *payment.Order) { o.Patient.Phone = "13812345678 " }), payment.CodePhone},
	})
}

func TestWhatARequestHasToBe(t *testing.T) {
	requireBroken(t, payment.ByWeChat, []broken{
		{"the time to pay is not too short", func(r *payment.Request) { r.Window = payment.MinWindow - 1 }, payment.CodeDeadline},
		{"the time to pay is not too long", func(r *payment.Request) { r.Window = payment.MaxWindow + 1 }, payment.CodeDeadline},
		{"a callback has a host", func(r *payment.Request) { r.CallbackURL = "/paid" }, payment.CodeCallback},
		{"a callback has no password in it", func(r *payment.Request) { r.CallbackURL = "https://u:p@booking.example/" }, payment.CodeCallback},
		{"a callback is http", func(r *payment.Request) { r.CallbackURL = "file:///etc/passwd" }, payment.CodeCallback},
		{"a callback is no book", func(r *payment.Request) { r.CallbackURL = "https://b.example/" + strings.Repeat("x", 500) }, payment.CodeCallback},
	})
	r := request(payment.ByWeChat)
	r.CallbackURL, r.Window = "", payment.MinWindow
	require.NoError(t, r.Check(noon))
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	r := request(payment.ByMixed)
	r.Order.OrderNo, r.Order.Patient.Phone, r.Choice.InsuranceAmount = "x", "1", money.Fen(5000)
	err := r.Check(noon)
	for _, code := range []string{payment.CodeOrderNo, payment.CodePhone, payment.CodeSplit} {
		require.True(t, payment.HasCode(err, code))
	}
	require.False(t, payment.HasCode(err, payment.CodeAmount))
}

func TestAPatientIsNotPrinted(t *testing.T) {
	p := request(payment.ByWeChat).Order.Patient
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%v", p), fmt.Sprintf("%+v", p), fmt.Sprintf("%#v", p), fmt.Sprintf("%q", p),
		fmt.Sprintf("%+v", struct{ P payment.Patient }{p})} {
		require.NotContains(t, text, p.Name)
		require.NotContains(t, text, p.IDNumber)
	}
}

func TestTheTimeToPayEndsWithTheSlotAtTheLatest(t *testing.T) {
	r := request(payment.ByWeChat)
	require.Equal(t, noon.Add(payment.DefaultWindow), r.Deadline(noon))
	r.Window = time.Hour
	require.Equal(t, noon.Add(time.Hour), r.Deadline(noon))
	r.Order.Slot.StartsAt = noon.Add(time.Minute)
	require.Equal(t, noon.Add(time.Minute), r.Deadline(noon))
}

func TestADigestIsOfWhatWasAskedForAlone(t *testing.T) {
	base := request(payment.ByMixed)
	same := base
	same.Choice.PayAuthNo, same.Choice.ECToken = "", "fresh"
	same.Order.Slot.StartsAt = base.Order.Slot.StartsAt.In(time.FixedZone("CST", 8*3600))
	require.Equal(t, base.Digest(), same.Digest(), "the authorisation is fresh at every try, and a time has many zones")
	require.NotEmpty(t, base.Choice.PayAuthNo, "the request itself stays as it is")
	for name, harm := range map[string]func(*payment.Request){
		"amount":   func(r *payment.Request) { r.Order.Amount = money.Fen(5001) },
		"phone":    func(r *payment.Request) { r.Order.Patient.Phone = "13912345678" },
		"split":    func(r *payment.Request) { r.Choice.InsuranceAmount = money.Fen(2999) },
		"callback": func(r *payment.Request) { r.CallbackURL += "?x" },
		"window":   func(r *payment.Request) { r.Window = time.Minute },
		"slot":     func(r *payment.Request) { r.Order.Slot.ID = "slot-8" },
	} {
		other := request(payment.ByMixed)
		harm(&other)
		require.NotEqual(t, base.Digest(), other.Digest(), name)
	}
}
