package breaker_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/breaker"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// platform answers as a test wants, after a while of the bubble's own time.
type platform struct {
	sent  atomic.Int64
	takes time.Duration
	err   error
}

func (p *platform) answer(ctx context.Context) error {
	p.sent.Add(1)
	select {
	case <-time.After(p.takes):
		return p.err
	case <-ctx.Done():
		return failure(payment.Uncertain, "timeout", ctx.Err())
	}
}

func failure(kind payment.Kind, code string, err error) error {
	return &payment.Failure{Kind: kind, System: "insurance", Op: "x", Code: code, Err: err}
}

type client struct{ *platform }

func (c client) Prepay(ctx context.Context, _ channel.Charge) (channel.Prepaid, error) {
	return channel.Prepaid{Handle: "h"}, c.answer(ctx)
}
func (c client) Query(ctx context.Context, _ channel.Charge) (channel.Report, error) {
	return channel.Report{State: channel.Open}, c.answer(ctx)
}
func (c client) Close(ctx context.Context, _ channel.Charge) (channel.Report, error) {
	return channel.Report{State: channel.Closed}, c.answer(ctx)
}
func (c client) Refund(ctx context.Context, _ channel.Charge, _ channel.Refund) (channel.RefundReport, error) {
	return channel.RefundReport{State: channel.RefundProcessing}, c.answer(ctx)
}
func (c client) QueryRefund(ctx context.Context, _ channel.Charge, _ channel.Refund) (channel.RefundReport, error) {
	return channel.RefundReport{State: channel.RefundAbsent}, c.answer(ctx)
}
func (c client) ParseNotification(context.Context, channel.Notification) (channel.Event, error) {
	c.sent.Add(1)
	return channel.Event{ID: "e"}, nil
}
func (c client) Acknowledge(error) channel.Reply { c.sent.Add(1); return channel.Reply{Status: 204} }

type gateway struct{ *platform }

func (g gateway) Register(ctx context.Context, _ his.Registration) (his.Registered, error) {
	return his.Registered{AppointmentID: "A"}, g.answer(ctx)
}
func (g gateway) Cancel(ctx context.Context, _ his.Registration) error { return g.answer(ctx) }

// guarded is a platform behind a guard.
type guarded struct {
	*platform
	channel.Client
	metrics *breaker.Metrics
}

func guard(s breaker.Settings) *guarded {
	p, m := &platform{}, breaker.NewMetrics()
	return &guarded{platform: p, metrics: m, Client: breaker.New("ren-he", "insurance", s, m).Channel(client{p})}
}

// ask queries n times with a deadline and returns the last error.
func (g *guarded) ask(t *testing.T, n int, within time.Duration) (err error) {
	t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		_, err = g.Query(ctx, channel.Charge{})
		cancel()
	}
	return err
}

// requireNotSent demands the failure of a call that was turned away.
func requireNotSent(t *testing.T, err error, code string) {
	t.Helper()
	var f *payment.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, []any{payment.Retryable, code, "insurance"}, []any{f.Kind, f.Code, f.System})
}

func passes(d time.Duration) { <-time.After(d) }

func TestASystemThatGivesNoAnswerIsNotAskedForAWhile(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		err   error
	}{
		"nothing before the deadline": {takes: time.Hour},
		"connection refused":          {err: failure(payment.Retryable, "unreachable", errors.New("refused"))},
		"connection lost":             {err: failure(payment.Uncertain, "no_answer", errors.New("EOF"))},
		"a proxy's page":              {err: failure(payment.Uncertain, "http_502", nil)},
		"nothing readable":            {err: failure(payment.Uncertain, "unusable_reply", nil)},
		"too busy":                    {err: failure(payment.Retryable, "FREQUENCY_LIMITED", nil)},
		"an error of no client":       {err: context.DeadlineExceeded},
		"answers, but too late":       {takes: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := guard(breaker.Settings{Window: 5 * time.Minute})
				g.takes, g.err = tc.takes, tc.err
				_ = g.ask(t, 10, 15*time.Second)
				require.EqualValues(t, 10, g.sent.Load())
				start := time.Now()
				requireNotSent(t, g.ask(t, 5, 15*time.Second), breaker.CodeOpen)
				require.EqualValues(t, 10, g.sent.Load(), "nothing is sent")
				require.Equal(t, start, time.Now(), "and nobody waits")
			})
		})
	}
}

func TestAnAnswerIsNoFailureWhateverItSays(t *testing.T) {
	for name, err := range map[string]error{
		"yes":                         nil,
		"refused":                     failure(payment.Final, "ORDER_CLOSED", nil),
		"refused, and still in doubt": failure(payment.Uncertain, "NOT_ENOUGH", nil),
		"money that does not add up":  failure(payment.Uncertain, "split", errors.New("own + fund")),
		"unconfirmed registration":    failure(payment.Retryable, "registration_pending", nil),
		"our own configuration":       failure(payment.Retryable, "configuration", errors.New("address")),
	} {
		t.Run(name, func(t *testing.T) {
			g := guard(breaker.Settings{})
			g.err = err
			for range 50 {
				_, got := g.Query(t.Context(), channel.Charge{})
				require.Equal(t, err, got, "it is told as it came")
			}
			require.EqualValues(t, 50, g.sent.Load())
		})
	}
}

func TestACallThatItsCallerEndedTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{})
		g.takes = time.Hour
		_ = g.ask(t, 50, 900*time.Millisecond) // too short to judge by
		for range 50 {
			called, cancel := context.WithCancel(t.Context())
			time.AfterFunc(5*time.Second, cancel)
			_, err := g.Query(called, channel.Charge{})
			require.Equal(t, payment.Uncertain, payment.KindOf(err), "what was sent stays unknown (I3)")
			cancel()
		}
		require.EqualValues(t, 100, g.sent.Load())
	})
}

// A system that needs 4 s fails every first try, which has 3 s, and answers
// every second one.
func TestASystemThatAnswersEverySecondTryIsStillAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{Window: time.Hour})
		g.takes = 4 * time.Second
		for range 30 {
			_ = g.ask(t, 1, 3*time.Second)
			require.NoError(t, g.ask(t, 1, 15*time.Second))
		}
	})
}

func TestAfterAWhileAFewCallsFindOutWhetherItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{})
		g.err = failure(payment.Retryable, "unreachable", nil)
		_ = g.ask(t, 10, time.Minute)
		passes(10*time.Second - 1)
		requireNotSent(t, g.ask(t, 1, time.Minute), breaker.CodeOpen)
		passes(1)

		// Three may go at a time, and it is still down.
		g.takes = 2 * time.Second
		done := make(chan error)
		for range 3 {
			go func() { done <- g.ask(t, 1, time.Minute) }()
		}
		synctest.Wait()
		require.EqualValues(t, 13, g.sent.Load())
		requireNotSent(t, g.ask(t, 1, time.Minute), breaker.CodeOpen)
		for range 3 {
			require.Equal(t, "unreachable", payment.CodeOf(<-done))
		}
		requireNotSent(t, g.ask(t, 1, time.Minute), breaker.CodeOpen)

		// It is back: two answers, and everybody may.
		passes(10 * time.Second)
		g.err, g.takes = nil, 0
		require.NoError(t, g.ask(t, 200, time.Minute))
		require.EqualValues(t, 213, g.sent.Load())
	})
}

// The results of calls that were sent before the circuit opened come in when
// it is half open: they tell of the past.
func TestLateResultsOfEarlierCallsDoNotDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{OpenFor: 5 * time.Second})
		g.takes = time.Hour
		var late []chan struct{}
		for range 20 {
			done := make(chan struct{})
			late = append(late, done)
			go func() { _ = g.ask(t, 1, 7*time.Second); close(done) }()
		}
		synctest.Wait()
		g.takes, g.err = 0, failure(payment.Retryable, "unreachable", nil)
		_ = g.ask(t, 10, time.Minute) // open
		passes(5 * time.Second)
		g.err = nil
		require.NoError(t, g.ask(t, 1, time.Minute), "half open")
		passes(3 * time.Second)
		for _, done := range late {
			<-done
		}
		require.NoError(t, g.ask(t, 1, time.Minute))
	})
}

func TestAProbeThatTellsNothingGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{})
		g.err = failure(payment.Retryable, "unreachable", nil)
		_ = g.ask(t, 10, time.Minute)
		passes(10 * time.Second)
		g.err = failure(payment.Retryable, "not_sent", nil)
		for range 3 {
			_ = g.ask(t, 1, time.Minute)
			passes(10 * time.Second)
		}
		g.err = nil
		require.NoError(t, g.ask(t, 10, time.Minute), "no place was lost for good")
	})
}

func TestNoMoreCallsThanWereAgreedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{CallsPerSecond: 5})
		require.NoError(t, g.ask(t, 5, time.Minute))
		requireNotSent(t, g.ask(t, 20, time.Minute), breaker.CodeLimited)
		require.EqualValues(t, 5, g.sent.Load())
		passes(time.Second)
		require.NoError(t, g.ask(t, 5, time.Minute))
		require.EqualValues(t, 10, g.sent.Load())
	})
}

// More callers than the limit lets pass are no outage.
func TestCallsBeyondTheLimitDoNotOpenTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard(breaker.Settings{CallsPerSecond: 1})
		for range 40 {
			requireNotSent(t, g.ask(t, 3, time.Minute), breaker.CodeLimited)
			passes(time.Second)
		}
		require.EqualValues(t, 40, g.sent.Load())
	})
}

func TestNotificationsAreNeverTurnedAway(t *testing.T) {
	g := guard(breaker.Settings{CallsPerSecond: 1})
	g.err = failure(payment.Retryable, "unreachable", nil)
	for range 30 {
		_, _ = g.Query(t.Context(), channel.Charge{})
	}
	before := g.sent.Load()
	for range 30 {
		event, err := g.ParseNotification(t.Context(), channel.Notification{})
		require.NoError(t, err)
		require.Equal(t, "e", event.ID)
		require.Equal(t, 204, g.Acknowledge(nil).Status)
	}
	require.Equal(t, before+60, g.sent.Load())
}

func TestEveryCallIsGuardedAndGivesItsAnswer(t *testing.T) {
	for op, send := range map[string]func(context.Context, channel.Client, his.Gateway) (string, error){
		"prepay": func(ctx context.Context, c channel.Client, _ his.Gateway) (string, error) {
			p, err := c.Prepay(ctx, channel.Charge{})
			return p.Handle, err
		},
		"query": func(ctx context.Context, c channel.Client, _ his.Gateway) (string, error) {
			r, err := c.Query(ctx, channel.Charge{})
			return string(r.State), err
		},
		"close": func(ctx context.Context, c channel.Client, _ his.Gateway) (string, error) {
			r, err := c.Close(ctx, channel.Charge{})
			return string(r.State), err
		},
		"refund": func(ctx context.Context, c channel.Client, _ his.Gateway) (string, error) {
			r, err := c.Refund(ctx, channel.Charge{}, channel.Refund{})
			return string(r.State), err
		},
		"query_refund": func(ctx context.Context, c channel.Client, _ his.Gateway) (string, error) {
			r, err := c.QueryRefund(ctx, channel.Charge{}, channel.Refund{})
			return string(r.State), err
		},
		"register": func(ctx context.Context, _ channel.Client, w his.Gateway) (string, error) {
			r, err := w.Register(ctx, his.Registration{})
			return r.AppointmentID, err
		},
		"cancel": func(ctx context.Context, _ channel.Client, w his.Gateway) (string, error) {
			return "done", w.Cancel(ctx, his.Registration{})
		},
	} {
		t.Run(op, func(t *testing.T) {
			p, m := &platform{}, breaker.NewMetrics()
			g := breaker.New("ren-he", "insurance", breaker.Settings{}, m)
			c, w := g.Channel(client{p}), g.HIS(gateway{p})
			got, err := send(t.Context(), c, w)
			require.NoError(t, err)
			require.NotEmpty(t, got)
			p.err = failure(payment.Uncertain, "no_answer", nil)
			for range 30 {
				_, _ = send(t.Context(), c, w)
			}
			_, err = send(t.Context(), c, w)
			requireNotSent(t, err, breaker.CodeOpen)
			require.Less(t, p.sent.Load(), int64(15))
			var f *payment.Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, op, f.Op)
		})
	}
}

func TestAGuardKnowsOfNoOther(t *testing.T) {
	m := breaker.NewMetrics()
	down, well := &platform{err: failure(payment.Retryable, "unreachable", nil)}, &platform{}
	insurance := breaker.New("ren-he", "insurance", breaker.Settings{}, m).Channel(client{down})
	wechat := breaker.New("ren-he", "wechat", breaker.Settings{}, m).Channel(client{well})
	other := breaker.New("an-kang", "insurance", breaker.Settings{}, m).Channel(client{well})
	for range 30 {
		_, _ = insurance.Prepay(t.Context(), channel.Charge{})
	}
	require.EqualValues(t, 10, down.sent.Load())
	for _, c := range []channel.Client{wechat, other} {
		_, err := c.Prepay(t.Context(), channel.Charge{})
		require.NoError(t, err)
	}
	shown := scrape(t, m)
	for _, line := range []string{
		`regpay_calls_total{hospital="an-kang",op="prepay",outcome="answered",system="insurance"} 1`,
		`regpay_calls_total{hospital="ren-he",op="prepay",outcome="answered",system="wechat"} 1`,
		`regpay_calls_total{hospital="ren-he",op="prepay",outcome="circuit_open",system="insurance"} 20`,
		`regpay_calls_total{hospital="ren-he",op="prepay",outcome="retryable",system="insurance"} 10`,
		`regpay_circuit_state{hospital="an-kang",state="closed",system="insurance"} 1`,
		`regpay_circuit_state{hospital="ren-he",state="closed",system="insurance"} 0`,
		`regpay_circuit_state{hospital="ren-he",state="open",system="insurance"} 1`,
		`regpay_circuit_state{hospital="ren-he",state="half_open",system="insurance"} 0`,
		`regpay_circuit_state{hospital="ren-he",state="closed",system="wechat"} 1`,
		`regpay_call_seconds_count{hospital="ren-he",system="insurance"} 10`,
	} {
		require.Contains(t, shown, line+"\n")
	}
}

// scrape is what Prometheus reads.
func scrape(t *testing.T, m *breaker.Metrics) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(m))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}
