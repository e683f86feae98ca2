package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
)

// server answers each request with the next of its answers.
type server struct {
	*httptest.Server
	answers []func(http.ResponseWriter)
	seen    []*http.Request
	bodies  []string
	waited  []time.Duration
}

func says(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func start(t *testing.T, answers ...func(http.ResponseWriter)) (*server, *client.Client) {
	s := &server{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(b))
		s.answers[min(len(s.seen), len(s.answers))-1](w)
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{BaseURL: s.URL + "/", APIKey: "rp_x", Language: "en",
		Wait: func(_ context.Context, d time.Duration) error { s.waited = append(s.waited, d); return nil }})
	require.NoError(t, err)
	return s, c
}

const busy = `{"code":"unavailable","status":503,"detail":"later"}`

func TestStartIsRepeatedWhileNothingIsKnown(t *testing.T) {
	s, c := start(t, says(503, busy, "Retry-After", "2"), says(502, "<html>"),
		says(200, `{"payment_id":"pay_1"}`, "Idempotent-Replayed", "true"))
	a, replayed, err := c.Start(t.Context(), wire.Start{})
	require.NoError(t, err)
	require.Equal(t, "pay_1", a.PaymentID)
	require.True(t, replayed)
	require.Len(t, s.seen, 3)
	require.Equal(t, s.bodies[0], s.bodies[2], "the same request")
	require.Equal(t, []time.Duration{2 * time.Second, time.Second}, s.waited)
	require.Equal(t, "Bearer rp_x", s.seen[0].Header.Get("Authorization"))
	require.Equal(t, "en", s.seen[0].Header.Get("Accept-Language"))
}

func TestPatienceEnds(t *testing.T) {
	s, c := start(t, says(503, busy, "Retry-After", "9999"))
	_, err := c.Payment(t.Context(), "pay_1", true)
	var gone *client.Unreachable
	require.ErrorAs(t, err, &gone)
	require.Len(t, s.seen, 3)
	require.Equal(t, 5*time.Second, s.waited[0], "not longer than is reasonable")
}

// What would count twice when it is sent twice is the caller's to repeat.
func TestACallThatWouldCountTwiceIsSentOnce(t *testing.T) {
	for path, call := range map[string]func(context.Context, *client.Client) error{
		"/v1/payments/pay_1/review": func(ctx context.Context, c *client.Client) error {
			_, err := c.Decide(ctx, "pay_1", wire.Decision{})
			return err
		},
		"/v1/payments/pay_1/verification": func(ctx context.Context, c *client.Client) error {
			_, err := c.Verify(ctx, "pay_1", wire.Verification{})
			return err
		},
		"/v1/payments/pay_1/method": func(ctx context.Context, c *client.Client) error {
			_, err := c.ChangeMethod(ctx, "pay_1", wire.Choice{})
			return err
		},
		"/v1/payments/pay_1/cancel": func(ctx context.Context, c *client.Client) error {
			_, err := c.Cancel(ctx, "pay_1", wire.Cancel{})
			return err
		},
	} {
		t.Run(path, func(t *testing.T) {
			s, c := start(t, says(503, busy))
			var gone *client.Unreachable
			require.ErrorAs(t, call(t.Context(), c), &gone)
			require.Len(t, s.seen, 1)
			require.Equal(t, "POST "+path, s.seen[0].Method+" "+s.seen[0].RequestURI)
		})
	}
}

func TestWhoWantsToSeeEachAnswerTriesOnce(t *testing.T) {
	s, _ := start(t, says(503, busy))
	c, err := client.New(client.Config{BaseURL: s.URL, Tries: 1})
	require.NoError(t, err)
	_, _, err = c.Start(t.Context(), wire.Start{})
	var gone *client.Unreachable
	require.ErrorAs(t, err, &gone)
	require.Len(t, s.seen, 1)
}

func TestAPictureIsGivenAsItIs(t *testing.T) {
	s, c := start(t, says(200, "\x89PNG", "Content-Type", "image/png"))
	b, err := c.VoucherPicture(t.Context(), "pay_1", "png")
	require.NoError(t, err)
	require.Equal(t, "\x89PNG", string(b))
	require.Equal(t, "/v1/payments/pay_1/voucher?format=png", s.seen[0].RequestURI)

	_, c = start(t, says(404, `{"code":"no_voucher","status":404}`))
	_, err = c.VoucherPicture(t.Context(), "pay_1", "svg")
	var p *wire.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, "no_voucher", p.Code)
}

func TestWhatIsAskedForIsInTheAddress(t *testing.T) {
	for want, call := range map[string]func(context.Context, *client.Client) error{
		"/v1/payments/pay_1": func(ctx context.Context, c *client.Client) error {
			_, err := c.Payment(ctx, "pay_1", false)
			return err
		},
		"/v1/payments/pay_1?refresh=true": func(ctx context.Context, c *client.Client) error { _, err := c.Payment(ctx, "pay_1", true); return err },
		"/v1/payments/pay_1/timeline":     func(ctx context.Context, c *client.Client) error { _, err := c.Timeline(ctx, "pay_1"); return err },
		"/v1/payments/pay_1/voucher":      func(ctx context.Context, c *client.Client) error { _, err := c.Voucher(ctx, "pay_1"); return err },
		"/v1/payments/pay_1/refunds":      func(ctx context.Context, c *client.Client) error { _, err := c.Refunds(ctx, "pay_1"); return err },
		"/v1/maintenance-windows?hospital_id=h&limit=50&state=active": func(ctx context.Context, c *client.Client) error {
			_, err := c.Maintenance(ctx, "h", "active", "")
			return err
		},
		"/v1/reviews?limit=50": func(ctx context.Context, c *client.Client) error { _, err := c.Reviews(ctx, "", ""); return err },
		"/v1/payments?hospital_id=h&limit=2&order_no=O&status=paid": func(ctx context.Context, c *client.Client) error {
			_, err := c.Payments(ctx, client.Search{Hospital: "h", OrderNo: "O", Status: "paid", Limit: 2})
			return err
		},
	} {
		t.Run(want, func(t *testing.T) {
			s, c := start(t, says(502, ""), says(200, "{}"))
			require.NoError(t, call(t.Context(), c))
			require.Len(t, s.seen, 2, "reading is repeated")
			require.Equal(t, "GET "+want, s.seen[0].Method+" "+s.seen[0].RequestURI)
		})
	}
}

func TestARefundSaysWhetherItsKeyWasUsed(t *testing.T) {
	for header, want := range map[string]bool{"true": true, "": false} {
		_, c := start(t, says(200, `{"items":[]}`, "Idempotent-Replayed", header))
		_, again, err := c.Refund(t.Context(), "pay_1", wire.RefundOrder{Key: "k"})
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
}

func TestAProblemIsGivenBackAndNotRepeated(t *testing.T) {
	s, c := start(t, says(409, `{"code":"order_conflict","status":409,"detail":"used"}`))
	_, _, err := c.Start(t.Context(), wire.Start{})
	var p *wire.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, "order_conflict", p.Code)
	require.Len(t, s.seen, 1)
}

func TestAnAnswerThatIsNoProblem(t *testing.T) {
	_, c := start(t, says(400, "<html>proxy"))
	_, err := c.Payment(t.Context(), "pay_1", false)
	var p *wire.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, "http_400", p.Code)
	_, c = start(t, says(200, "<html>"))
	_, err = c.Payment(t.Context(), "pay_1", false)
	require.Error(t, err)
}

func TestNobodyAnswers(t *testing.T) {
	s, c := start(t, says(200, "{}"))
	s.Close()
	_, err := c.Payment(t.Context(), "pay_1", false)
	var gone *client.Unreachable
	require.True(t, errors.As(err, &gone))
	require.Len(t, s.waited, 2)
}

func TestIDsCannotLeaveTheirPlace(t *testing.T) {
	s, c := start(t, says(200, "{}"))
	_, err := c.Payment(t.Context(), "../keys?x=1", false)
	require.NoError(t, err)
	require.Equal(t, "/v1/payments/..%2Fkeys%3Fx=1", s.seen[0].RequestURI)
}

func TestNewRefusesWhatIsNoAddress(t *testing.T) {
	for _, base := range []string{"", "localhost:8080", "ftp://x", "http://"} {
		_, err := client.New(client.Config{BaseURL: base})
		require.Error(t, err, base)
	}
}

// What is in maintenance is an answer: asking again at once is of no use.
func TestMaintenanceIsToldAndNotRepeated(t *testing.T) {
	s, c := start(t, says(503, `{"code":"maintenance","status":503,"detail":"later","system":"wechat","until":"2027-01-06T15:00:00Z","alternatives":["unionpay"]}`, "Retry-After", "7200"))
	_, _, err := c.Start(t.Context(), wire.Start{})
	var p *wire.Problem
	require.ErrorAs(t, err, &p)
	var gone *client.Unreachable
	require.NotErrorAs(t, err, &gone)
	require.Equal(t, time.Date(2027, 1, 6, 15, 0, 0, 0, time.UTC), p.Until)
	require.Equal(t, "unionpay", string(p.Alternatives[0]))
	require.Len(t, s.seen, 1)
}

func TestMaintenanceIsAnnouncedAndEnded(t *testing.T) {
	s, c := start(t, says(503, busy), says(200, `{"id":"mw_1"}`, "Idempotent-Replayed", "true"))
	w, again, err := c.Announce(t.Context(), wire.Announcement{Key: "k", System: "his"})
	require.NoError(t, err)
	require.True(t, again)
	require.Equal(t, "mw_1", w.ID)
	require.Equal(t, s.bodies[0], s.bodies[1], "the same key, so it is repeated")
	_, err = c.EndMaintenance(t.Context(), "mw/1")
	require.NoError(t, err)
	require.Equal(t, "POST /v1/maintenance-windows/mw%2F1/end", s.seen[2].Method+" "+s.seen[2].RequestURI)
}
