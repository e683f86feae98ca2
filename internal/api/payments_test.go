package api_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestAPaymentIsReadMasked(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	p := as[wire.Payment](t, s.do("GET", "/v1/payments/"+v.ID, backend, nil), 200)
	require.Equal(t, int64(5000), p.CapturedFen)
	require.Equal(t, "张*", p.Patient.Name)
	require.Equal(t, wire.VoucherPaid, p.Voucher.State)
	require.Equal(t, channel.Captured, p.Tenders[0].State)
}

func TestPaymentsArePagedWithinTheKeysHospitals(t *testing.T) {
	s := newStack(t)
	for i := range 5 {
		v := view("ren-he", fmt.Sprintf("R2026010500000%d", i), payment.Completed)
		v.CreatedAt = now().Add(time.Duration(i) * time.Second)
		s.put(v)
	}
	s.put(view("other", "R20260105000009", payment.Completed))
	seen := map[string]bool{}
	path := "/v1/payments?limit=2"
	pages := 0
	for path != "" {
		page := as[wire.Page](t, s.do("GET", path, backend, nil), 200)
		for _, p := range page.Items {
			require.Equal(t, "ren-he", p.HospitalID)
			require.False(t, seen[p.OrderNo])
			seen[p.OrderNo] = true
		}
		if path = ""; page.Next != "" {
			path = "/v1/payments?limit=2&cursor=" + page.Next
		}
		pages++
	}
	require.Len(t, seen, 5)
	require.Equal(t, 3, pages)
}

func TestPaymentsAreFound(t *testing.T) {
	s := newStack(t)
	s.put(view("ren-he", "R20260105000001", payment.Completed))
	s.put(view("ren-he", "R20260105000002", payment.Closed))
	s.put(view("other", "R20260105000003", payment.Closed))
	for path, want := range map[string]int{
		"?order_no=R20260105000001": 1, "?status=closed": 1, "?order_no=R20260105000003": 0, "?hospital_id=other": 0,
		"?hospital_id=ren-he": 2, "?order_no=R20260105000001&status=closed": 0,
	} {
		require.Len(t, as[wire.Page](t, s.do("GET", "/v1/payments"+path, backend, nil), 200).Items, want, path)
	}
	require.Len(t, as[wire.Page](t, s.do("GET", "/v1/payments", all, nil), 200).Items, 3)
	require.Equal(t, []string{store.AllHospitals}, s.books.filter.Hospitals)
}

func TestPaymentsAreNotFoundByBadQueries(t *testing.T) {
	s := newStack(t)
	for path, code := range map[string]string{
		"?cursor=x": api.CodeCursor, "?cursor=MS5wYXlfADE": api.CodeCursor, "?status=done": api.CodeInvalid,
		"?limit=0": api.CodeInvalid, "?limit=9999": api.CodeInvalid, "?limit=x": api.CodeInvalid, "?order_no=%00": api.CodeInvalid,
		"?hospital_id=*": api.CodeInvalid,
	} {
		problem(t, s.do("GET", "/v1/payments"+path, all, nil), 422, code)
	}
}

func TestTimeline(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	l := as[wire.Timeline](t, s.do("GET", "/v1/payments/"+v.ID+"/timeline", backend, nil), 200)
	require.Equal(t, "opened", l.Items[0].Action)
}

// waiting is a payment that the patient says to have paid.
func waiting(s *stack) store.View {
	v := s.put(view("ren-he", "R20260105000001", payment.AwaitingPayment))
	s.books.attempts = []store.Attempt{{State: channel.Open, Charge: channel.Charge{HospitalID: "ren-he", PaymentID: v.ID, Attempt: 1,
		OrderNo: v.OrderNo, MerchantNo: payment.MerchantNo(v.OrderNo, 1), Channel: payment.WeChat, Amount: money.Fen(5000)}}}
	s.wechat.report = channel.Report{MerchantNo: payment.MerchantNo(v.OrderNo, 1), State: channel.Captured, ChannelNo: "wx1", Captured: money.Fen(5000)}
	return v
}

func TestAPollTellsTheEngineWhatTheChannelSays(t *testing.T) {
	s := newStack(t)
	v := waiting(s)
	path := "/v1/payments/" + v.ID + "?refresh=true"
	as[wire.Payment](t, s.do("GET", path, backend, nil), 200)
	require.Len(t, s.engine.told, 1)
	require.Equal(t, "wx1", s.engine.told[0].Charge.ChannelNo)

	as[wire.Payment](t, s.do("GET", path, backend, nil), 200)
	require.Equal(t, 1, s.wechat.queries, "at most once in three seconds")
	s.clock = s.clock.Add(4 * time.Second)
	s.do("GET", path, backend, nil)
	require.Equal(t, 2, s.wechat.queries)
}

func TestAPollAsksOnlyWhatIsNotKnown(t *testing.T) {
	for name, change := range map[string]func(*stack, store.View){
		"not asked to":        nil,
		"the payment is over": func(s *stack, v store.View) { v.Status = payment.Closed; s.put(v) },
		"the charge is known": func(s *stack, v store.View) { v.Tenders[0].State = channel.Captured; s.put(v) },
	} {
		s := newStack(t)
		v := waiting(s)
		path := "/v1/payments/" + v.ID
		if change != nil {
			change(s, v)
			path += "?refresh=true"
		}
		s.do("GET", path, backend, nil)
		require.Zero(t, s.wechat.queries, name)
	}
}

func TestTroubleOfAPollIsNoneOfTheCallers(t *testing.T) {
	for name, change := range map[string]func(*stack){
		"the channel":       func(s *stack) { s.wechat.queryErr = errors.New("timeout") },
		"the engine":        func(s *stack) { s.engine.err = errors.New("down") },
		"nothing was paid":  func(s *stack) { s.wechat.report.State = channel.Open },
		"no such attempt":   func(s *stack) { s.books.attempts = nil },
		"no such a channel": func(s *stack) { s.books.attempts[0].Charge.Channel = payment.UnionPay },
	} {
		s := newStack(t)
		v := waiting(s)
		change(s)
		p := as[wire.Payment](t, s.do("GET", "/v1/payments/"+v.ID+"?refresh=true", backend, nil), 200)
		require.Equal(t, payment.AwaitingPayment, p.Status, name)
		require.Empty(t, s.engine.told, name)
	}
}
