package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

const hook = "/v1/webhooks/wechat/ren-he"

// notified is a payment that WeChat Pay says to be captured.
func notified(t *testing.T) (*stack, store.View) {
	s := newStack(t)
	v := waiting(s)
	report := s.wechat.report
	s.wechat.event = channel.Event{ID: "e1", Charge: &report}
	return s, v
}

func (s *stack) outcomes() []string {
	var all []string
	for _, w := range s.books.webhooks {
		all = append(all, w.Outcome)
	}
	return all
}

func TestANotificationIsKeptTheEngineToldAndAnswered(t *testing.T) {
	s, v := notified(t)
	r := s.do("POST", hook+"?x=1", "", `{"raw":"bytes"}`, "Wechatpay-Signature", "sig", "Cookie", "no")
	require.Equal(t, 204, r.StatusCode)
	require.Len(t, s.books.webhooks, 1)
	w := s.books.webhooks[0]
	require.Equal(t, `{"raw":"bytes"}`, string(w.Body))
	require.JSONEq(t, `{"Content-Type":["application/json"],"Wechatpay-Signature":["sig"]}`, string(w.Header))
	require.Equal(t, "accepted", w.Outcome)
	require.Equal(t, v.ID, w.PaymentID)
	require.Equal(t, "e1", w.EventID)
	require.Len(t, s.engine.told, 1)
	require.Equal(t, hook+"?x=1", s.wechat.seen[0].URL)
	require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `regpay_webhooks_total{channel="wechat",outcome="accepted"} 1`)
}

func TestANotificationOfWhatIsKnownChangesNothing(t *testing.T) {
	s, _ := notified(t)
	s.books.attempts[0].State = channel.Captured
	s.books.attempts[0].Capture.ChannelNo = "wx1"
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Empty(t, s.engine.told)
}

func TestASecondPaymentOfTheSameNumberIsTold(t *testing.T) {
	s, _ := notified(t)
	s.books.attempts[0].State = channel.Captured
	s.books.attempts[0].Capture.ChannelNo = "wx0"
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.engine.told, 1, "its money has to go back")
}

// The first one was kept, but the engine could not be told: the channel sends
// it again, and then it counts.
func TestARepeatIsTakenWhenTheEngineHasNotHeard(t *testing.T) {
	s, _ := notified(t)
	s.engine.err = errors.New("down")
	require.Equal(t, 503, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.books.webhooks, 1, "kept before it was answered")
	s.engine.err = nil
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.books.webhooks, 1)
	require.Len(t, s.engine.told, 1)
}

func TestANotificationIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*stack)
		outcome string
	}{
		{"when it is forged, stale or another merchant's", func(s *stack) { s.wechat.parseErr = errors.New("bad signature") }, "not_verified"},
		{"when nobody knows its number", func(s *stack) { s.books.attempts = nil }, "unknown_number"},
		{"when its amount differs", func(s *stack) { s.wechat.event.Charge.Captured = money.Fen(4999) }, "amount_differs"},
		{"when its currency differs", func(s *stack) { s.wechat.event.Charge.Captured = money.Minor(5000, money.USD) }, "amount_differs"},
		{"when it tells nothing", func(s *stack) { s.wechat.event = channel.Event{ID: "e"} }, "nothing_told"},
		{"when nobody knows its refund", func(s *stack) {
			s.wechat.event = channel.Event{ID: "e", Refund: &channel.RefundReport{RefundNo: "R20260105000001R01"}}
		}, "unknown_number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := notified(t)
			tc.change(s)
			require.Equal(t, 500, s.do("POST", hook, "", `{}`).StatusCode)
			require.Empty(t, s.engine.told)
			require.Equal(t, []string{tc.outcome}, s.outcomes(), "kept as evidence")
			require.NotEqual(t, s.wechat.event.ID, s.books.webhooks[0].EventID, "its event may still come to count")
			require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `outcome="`+tc.outcome+`"} 1`)
		})
	}
}

// Money that nobody here asked for: the channel has it, the books do not know
// the number. It is kept raw, counted and repeated, and nothing is returned.
func TestAVerifiedNotificationOfAnUnknownNumberIsKeptOnceAndNeverActedUpon(t *testing.T) {
	s, _ := notified(t)
	known := s.books.attempts
	s.books.attempts = nil
	for range 400 {
		require.Equal(t, 500, s.do("POST", hook, "", `{"raw":"bytes"}`, "Wechatpay-Signature", "sig").StatusCode, "so that the channel repeats it")
	}
	require.Len(t, s.books.webhooks, 1)
	require.Equal(t, `{"raw":"bytes"}`, string(s.books.webhooks[0].Body))
	require.Contains(t, string(s.books.webhooks[0].Header), "Wechatpay-Signature")
	require.Empty(t, s.books.webhooks[0].PaymentID)
	require.Empty(t, s.engine.told)
	require.Empty(t, s.engine.refunded)
	require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `outcome="unknown_number"} 400`)

	// Forged ones do not crowd it out.
	other := s.wechat.event
	other.ID = "e2"
	s.wechat.parseErr = errors.New("bad signature")
	for range 400 {
		require.Equal(t, 500, s.do("POST", hook, "", `{}`).StatusCode)
	}
	s.wechat.parseErr, s.wechat.event = nil, other
	require.Equal(t, 500, s.do("POST", hook, "", `{}`).StatusCode)
	require.Equal(t, "unknown_number", s.books.webhooks[len(s.books.webhooks)-1].Outcome)

	// The books know the number again: the next repeat counts.
	s.books.attempts = known
	require.Equal(t, 204, s.do("POST", hook, "", `{"raw":"bytes"}`).StatusCode)
	require.Len(t, s.engine.told, 1)
	require.Equal(t, "accepted", s.books.webhooks[len(s.books.webhooks)-1].Outcome)
}

func TestANotificationThatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	s, _ := notified(t)
	s.books.err = errors.New("connection refused")
	require.Equal(t, 503, s.do("POST", hook, "", `{}`).StatusCode)
	require.Empty(t, s.engine.told)
}

func TestANotificationForNobodyIsNotKept(t *testing.T) {
	s, _ := notified(t)
	for _, path := range []string{"/v1/webhooks/wechat/nowhere", "/v1/webhooks/unionpay/ren-he", "/v1/webhooks/cash/ren-he"} {
		problem(t, s.do("POST", path, "", `{}`), 404, api.CodeNoRoute)
	}
	require.Empty(t, s.books.webhooks)
	require.NotContains(t, string(s.do("GET", "/metrics", "", nil).body), "cash", "no label from outside")
}

func TestAnOversizedNotificationIsNotRead(t *testing.T) {
	s, _ := notified(t)
	problem(t, s.do("POST", hook, "", strings.Repeat("x", api.MaxBody+1)), 413, api.CodeTooLarge)
	require.Empty(t, s.wechat.seen)
	require.Equal(t, 204, s.do("POST", hook, "", strings.Repeat("x", api.MaxBody)).StatusCode)
}

func TestForgedNotificationsDoNotFillTheBooks(t *testing.T) {
	s, _ := notified(t)
	s.wechat.parseErr = errors.New("bad signature")
	for range 400 {
		require.Equal(t, 500, s.do("POST", hook, "", `{}`).StatusCode)
	}
	require.Len(t, s.books.webhooks, 300)
	require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `outcome="not_verified"} 400`)
}

func TestARefundsNotification(t *testing.T) {
	s, v := notified(t)
	no := payment.RefundNo(v.OrderNo, 1)
	s.books.refunds = []store.RefundRow{{PaymentID: v.ID, N: 1, State: channel.RefundProcessing, Refund: channel.Refund{No: no, Amount: money.Fen(100)}}}
	s.wechat.event = channel.Event{ID: "r1", Refund: &channel.RefundReport{RefundNo: no, State: channel.RefundSucceeded, Amount: money.Fen(100)}}
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.engine.told, 1)

	s.books.refunds[0].State = channel.RefundSucceeded
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.engine.told, 1, "known: nothing is done")

	s.wechat.event.Refund.Amount = money.Fen(99)
	require.Equal(t, 500, s.do("POST", hook, "", `{}`).StatusCode)
	require.Contains(t, s.outcomes(), "amount_differs")
}

// Staff handed the money over on site, and the channel made the refund after
// all: nothing can be done by itself, and nobody else would notice.
func TestARefundThatWasHandedOverAndComesFromTheChannelTooIsTold(t *testing.T) {
	s, v := notified(t)
	no := payment.RefundNo(v.OrderNo, 1)
	s.books.refunds = []store.RefundRow{{PaymentID: v.ID, N: 1, State: channel.RefundSucceeded, Code: store.CodeOffline,
		Refund: channel.Refund{No: no, Amount: money.Fen(100)}}}
	s.wechat.event = channel.Event{ID: "r1", Refund: &channel.RefundReport{RefundNo: no, State: channel.RefundSucceeded, Amount: money.Fen(100)}}
	for range 2 {
		require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode, "a repeat is of no use")
	}
	require.Empty(t, s.engine.told)
	require.Equal(t, []string{"returned_twice"}, s.outcomes())
	require.Equal(t, v.ID, s.books.webhooks[0].PaymentID)
	require.Contains(t, string(s.do("GET", "/metrics", "", nil).body), `outcome="returned_twice"} 2`)
	s.wechat.event.Refund.State = channel.RefundAbnormal
	require.Equal(t, 204, s.do("POST", hook, "", `{}`).StatusCode)
	require.Len(t, s.books.webhooks, 2, "an ordinary late word")
}
