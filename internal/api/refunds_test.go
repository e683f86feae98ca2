package api_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// mixed is a completed payment of 20 yuan by WeChat Pay and 30 by insurance.
func mixed(s *stack) store.View {
	v := view("ren-he", "R20260105000001", payment.Completed)
	v.Method = payment.ByMixed
	v.Tenders[0].Captured = money.Fen(2000)
	v.Tenders = append(v.Tenders, store.TenderView{Attempt: 2, Channel: payment.Insurance, State: channel.Captured, Captured: money.Fen(3000)})
	return s.put(v)
}

func body(key string, fen int) map[string]any { return map[string]any{"key": key, "amount_fen": fen} }

func TestARefundIsSplitOverTendersNewestFirst(t *testing.T) {
	s := newStack(t)
	v := mixed(s)
	got := as[wire.Refunds](t, s.do("POST", "/v1/payments/"+v.ID+"/refunds", backend, body("k", 3500)), 202)
	require.Len(t, got.Items, 2)
	require.Equal(t, []int64{3000, 500}, []int64{got.Items[0].AmountFen, got.Items[1].AmountFen})
	require.Equal(t, "k", got.Items[0].Key)
	require.Equal(t, "api:k1", got.Items[0].Actor)
	require.Len(t, s.engine.refunded, 2)
	list := as[wire.Refunds](t, s.do("GET", "/v1/payments/"+v.ID+"/refunds", backend, nil), 200)
	require.Equal(t, got, list)
}

func TestARefundRepeatedIsTheSame(t *testing.T) {
	s := newStack(t)
	v := mixed(s)
	path := "/v1/payments/" + v.ID + "/refunds"
	first := as[wire.Refunds](t, s.do("POST", path, backend, body("k", 3500)), 202)
	r := s.do("POST", path, backend, body("k", 3500))
	require.Equal(t, first, as[wire.Refunds](t, r, 202))
	require.Equal(t, "true", r.Header.Get("Idempotent-Replayed"))
	problem(t, s.do("POST", path, backend, body("k", 3499)), 409, payment.CodeRefundConflict)
	require.Len(t, s.books.refunds, 2)
}

// A version before reserved part by part, and died after the first.
func TestARefundCutShortIsContinuedByItsRepeat(t *testing.T) {
	s := newStack(t)
	v := mixed(s)
	path := "/v1/payments/" + v.ID + "/refunds"
	_, err := s.books.ReserveRefunds(t.Context(), []store.RefundOrder{{PaymentID: v.ID, Key: "k/3500/2", Attempt: 2, Amount: money.Fen(3000)}})
	require.NoError(t, err)
	got := as[wire.Refunds](t, s.do("POST", path, backend, body("k", 3500)), 202)
	require.Len(t, got.Items, 2)
	require.Len(t, s.books.refunds, 2)
	require.Len(t, s.engine.refunded, 2)
}

// The books cannot be reached, or somebody else took the rest between the plan
// and the reservation.
func TestARefundIsReservedWholeOrNotAtAll(t *testing.T) {
	for code, cause := range map[string]error{
		api.CodeUnavailable: errors.New("connection reset"), payment.CodeRefundExceeds: payment.Problem{Code: payment.CodeRefundExceeds},
	} {
		s := newStack(t)
		v := mixed(s)
		path := "/v1/payments/" + v.ID + "/refunds"
		s.books.reserve = func(o store.RefundOrder) error {
			if o.Attempt == 1 {
				return cause
			}
			return nil
		}
		status := map[string]int{api.CodeUnavailable: 503, payment.CodeRefundExceeds: 409}[code]
		problem(t, s.do("POST", path, backend, body("k", 3500)), status, code)
		require.Empty(t, s.books.refunds, "the other part is not set aside for nobody")
		require.Empty(t, s.engine.refunded, "nothing leaves before everything is reserved")
		s.books.reserve = nil
		as[wire.Refunds](t, s.do("POST", path, backend, body("k", 3500)), 202)
		require.Len(t, s.engine.refunded, 2)
	}
}

// A refund in the middle of a payment is refused clearly and changes nothing;
// the same answer whatever the payment waits for.
func TestARefundAskedWhileThePaymentIsUnderWayIsRefused(t *testing.T) {
	for _, status := range payment.Statuses() {
		s := newStack(t)
		v := mixed(s)
		v.Status = status
		s.put(v)
		r := s.do("POST", "/v1/payments/"+v.ID+"/refunds", backend, body("k", 3500))
		switch status {
		case payment.Registered, payment.Completed, payment.Refunding:
			require.Equal(t, 202, r.StatusCode, status)
			continue
		}
		problem(t, r, 409, payment.CodeState)
		require.Empty(t, s.books.refunds)
		require.Empty(t, s.engine.refunded)
	}
}

func TestARefundTellsByWhenAndEveryStep(t *testing.T) {
	s := newStack(t)
	v := mixed(s)
	path := "/v1/payments/" + v.ID + "/refunds"
	first := as[wire.Refunds](t, s.do("POST", path, backend, body("k", 500)), 202)
	require.Equal(t, now().AddDate(0, 0, 9), first.Items[0].ExpectedBy)
	require.Empty(t, first.Items[0].History)
	line := func(action string, pairs ...string) {
		h := store.Happening{At: now(), Actor: "workflow", Action: action, Detail: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			h.Detail[pairs[i]] = pairs[i+1]
		}
		s.books.log = append(s.books.log, h)
	}
	id := v.ID + "-R01-C1"
	line("refund_reserved", "refund", "1")
	line("refund_reserved", "refund", "2")
	line("refund_sent", "refund", "1")
	line("refund_processing", "refund", "1")
	line("refund_abnormal", "refund", "1", "code", "ABNORMAL")
	line("case_opened", "case", id, "code", "ABNORMAL")
	line("case_opened", "case", v.ID+"-C1")
	line("case_overdue", "case", id)
	line("case_decided", "case", id, "decision", "retry_refund")
	line("refund_retried", "refund", "1")
	line("case_decided", "case", v.ID+"-R11-C1", "decision", "retry_refund")
	line("refund_succeeded", "refund", "1")
	line("refund_offline", "refund", "1")
	got := as[wire.Refunds](t, s.do("GET", path, backend, nil), 200).Items[0].History
	var steps []wire.RefundStepName
	for _, h := range got {
		steps = append(steps, h.Step)
	}
	require.Equal(t, []wire.RefundStepName{"requested", "sent", "processing", "abnormal", "in_review", "overdue", "decided", "retried", "succeeded", "handed_over"}, steps)
	require.Equal(t, "ABNORMAL", got[3].Code)
	require.Equal(t, payment.RetryRefund, got[6].Decision)
}

func TestARefundIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status payment.Status
		body   any
		want   int
		code   string
	}{
		{"above the capture", payment.Completed, body("k", 5001), 409, payment.CodeRefundExceeds},
		{"that would split the insurance", payment.Completed, body("k", 2500), 422, payment.CodeRefundAmount},
		{"of zero", payment.Completed, body("k", 0), 422, payment.CodeAmount},
		{"below zero", payment.Completed, body("k", -5), 422, payment.CodeAmount},
		{"of parts of a fen", payment.Completed, map[string]any{"key": "k", "amount_fen": 1.5}, 422, payment.CodeAmount},
		{"without a key", payment.Completed, map[string]any{"amount_fen": 1}, 422, api.CodeInvalid},
		{"with a key of other characters", payment.Completed, body("a/b", 1), 422, api.CodeInvalid},
		{"before the payment is registered", payment.Paid, body("k", 1), 409, payment.CodeState},
		{"of an ended payment", payment.Refunded, body("k", 1), 409, payment.CodeState},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStack(t)
			v := mixed(s)
			v.Status = tc.status
			s.put(v)
			problem(t, s.do("POST", "/v1/payments/"+v.ID+"/refunds", backend, tc.body), tc.want, tc.code)
			require.Empty(t, s.books.refunds)
			require.Empty(t, s.engine.refunded)
		})
	}
}

func TestAReservedRefundWaitsForTheEngine(t *testing.T) {
	s := newStack(t)
	v := mixed(s)
	path := "/v1/payments/" + v.ID + "/refunds"
	s.engine.err = errors.New("down")
	problem(t, s.do("POST", path, backend, body("k", 3000)), 503, api.CodeUnavailable)
	require.Len(t, s.books.refunds, 1)
	s.engine.err = nil
	as[wire.Refunds](t, s.do("POST", path, backend, body("k", 3000)), 202)
	require.Len(t, s.books.refunds, 1, "the repeat starts what was reserved")
	require.Len(t, s.engine.refunded, 1)
}

func TestTwoRefundsAtOnceNeverExceedTheCapture(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	var both sync.WaitGroup
	codes := make([]int, 2)
	for i := range codes {
		both.Go(func() {
			codes[i] = s.do("POST", "/v1/payments/"+v.ID+"/refunds", backend, body(string(rune('a'+i)), 3000)).StatusCode
		})
	}
	both.Wait()
	require.ElementsMatch(t, []int{202, 409}, codes)
	require.Len(t, s.books.refunds, 1)
}

// Its money is set aside until a person decides how it goes back; another
// refund of it would return it twice.
func TestAFailedRefundKeepsItsMoney(t *testing.T) {
	s := newStack(t)
	v := s.put(view("ren-he", "R20260105000001", payment.Completed))
	path := "/v1/payments/" + v.ID + "/refunds"
	as[wire.Refunds](t, s.do("POST", path, backend, body("a", 5000)), 202)
	s.books.refunds[0].State = channel.RefundFailed
	s.books.reserve = func(o store.RefundOrder) error {
		t.Errorf("%s is planned of money that is set aside", o.Amount)
		return nil
	}
	problem(t, s.do("POST", path, backend, body("b", 5000)), 409, payment.CodeRefundExceeds)
	got := as[wire.Refunds](t, s.do("POST", path, backend, body("a", 5000)), 202)
	require.Equal(t, channel.RefundFailed, got.Items[0].State)
	require.Len(t, s.engine.refunded, 1)
}

func TestASecondRefundTakesWhatTheFirstLeft(t *testing.T) {
	s := newStack(t)
	v := view("ren-he", "R20260105000001", payment.Completed)
	v.Tenders[0].Captured = money.Fen(2000)
	v.Tenders = append(v.Tenders, store.TenderView{Attempt: 2, Channel: payment.WeChat, State: channel.Captured, Captured: money.Fen(3000)})
	s.put(v)
	path := "/v1/payments/" + v.ID + "/refunds"
	first := as[wire.Refunds](t, s.do("POST", path, backend, body("a", 3000)), 202)
	require.Equal(t, 2, first.Items[0].Attempt)
	second := as[wire.Refunds](t, s.do("POST", path, backend, body("b", 2000)), 202)
	require.Equal(t, 1, second.Items[0].Attempt, "the newest tender is spoken for")
}
