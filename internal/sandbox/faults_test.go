package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

// faulty serves a handler behind faults; executed counts what got through.
func faulty(t *testing.T, clock sandbox.Clock) (f *sandbox.Faults, url string, executed *atomic.Int64) {
	t.Helper()
	f, executed = sandbox.NewFaults("wechat", 1, clock), new(atomic.Int64)
	handler := f.Middleware(sandbox.FaultPoint{
		Operation: func(r *http.Request) string {
			body, _ := io.ReadAll(r.Body)
			return string(body) // the operation is in the body, as UnionPay's is
		},
		Error: func(w http.ResponseWriter, _ *http.Request, operation, code string) {
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, operation+" "+code)
		},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		executed.Add(1)
		io.Copy(w, r.Body)
	}))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return f, server.URL, executed
}

func post(t *testing.T, url, body string) (status int, reply string, err error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

func TestAHealthyCounterpartyAnswersWithTheWholeBody(t *testing.T) {
	_, url, executed := faulty(t, sandbox.SystemClock())
	status, reply, err := post(t, url, "prepay")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "prepay", reply, "the body that named the operation is still there to be read")
	require.EqualValues(t, 1, executed.Load())

	status, _, err = post(t, url, strings.Repeat("x", sandbox.MaxRequestBody+1))
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.EqualValues(t, 1, executed.Load())
}

func TestErrorFaultRefusesInTheCounterpartysWords(t *testing.T) {
	f, url, executed := faulty(t, sandbox.SystemClock())
	require.NoError(t, f.Set(sandbox.FaultSpec{Error: sandbox.ErrorFault{Rate: 1, Code: "SYSTEM_ERROR", Operations: []string{"prepay"}}}))
	status, reply, err := post(t, url, "prepay")
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, status)
	require.Equal(t, "prepay SYSTEM_ERROR", reply)
	require.Zero(t, executed.Load(), "a refused request is not executed")
	status, _, err = post(t, url, "query")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "other operations are untouched")
	require.Equal(t, map[string]int64{"error": 1}, f.Status().Injected)
}

func TestReplyLostExecutesAndCutsTheConnection(t *testing.T) {
	f, url, executed := faulty(t, sandbox.SystemClock())
	require.NoError(t, f.Set(sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 1}}))
	_, _, err := post(t, url, "refund")
	require.Error(t, err)
	require.EqualValues(t, 1, executed.Load())
	_, _, err = post(t, url, "")
	require.NoError(t, err, "a request that is no operation keeps its reply")
	require.Equal(t, map[string]int64{"reply_lost": 1}, f.Status().Injected)
}

func TestOutageDropsAndAnswers503ByTurns(t *testing.T) {
	f, url, executed := faulty(t, sandbox.SystemClock())
	require.NoError(t, f.Set(sandbox.FaultSpec{Outage: true}))
	for range 2 {
		_, _, err := post(t, url, "prepay")
		require.Error(t, err)
		status, _, err := post(t, url, "prepay")
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
	}
	require.Zero(t, executed.Load())
	f.Heal()
	status, _, err := post(t, url, "prepay")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]int64{"outage": 4}, f.Status().Injected, "counts outlive healing")
}

func TestLatencyHoldsTheRequestOnTheSandboxesClock(t *testing.T) {
	clock := sandbox.NewManualClock(noon)
	f, url, executed := faulty(t, clock)
	require.NoError(t, f.Set(sandbox.FaultSpec{LatencyMS: sandbox.Latency{P50: 200, P95: 200}}))
	done := make(chan int)
	go func() {
		status, _, _ := post(t, url, "prepay")
		done <- status
	}()
	require.Eventually(t, func() bool { return clock.Sleepers() == 1 }, 5*time.Second, time.Millisecond)
	require.Zero(t, executed.Load())
	clock.Advance(200 * time.Millisecond)
	require.Equal(t, http.StatusOK, <-done)

	// A caller who has gone away gets nothing executed.
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("prepay"))
	require.NoError(t, err)
	go func() {
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err == nil {
			response.Body.Close()
		}
		done <- 0
	}()
	require.Eventually(t, func() bool { return clock.Sleepers() == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	<-done
	require.Eventually(t, func() bool { return clock.Sleepers() == 0 }, 5*time.Second, time.Millisecond)
	require.EqualValues(t, 1, executed.Load())
}

func TestLatencyFollowsItsDistribution(t *testing.T) {
	f := sandbox.NewFaults("wechat", 7, sandbox.SystemClock())
	l := sandbox.Latency{P50: 100, P95: 400, Max: 2000}
	const n = 20000
	var below50, below95 int
	for range n {
		d := f.Delay("latency", l)
		require.LessOrEqual(t, d, 2*time.Second)
		if d <= 100*time.Millisecond {
			below50++
		}
		if d <= 400*time.Millisecond {
			below95++
		}
	}
	require.InDelta(t, 0.50, float64(below50)/n, 0.02)
	require.InDelta(t, 0.95, float64(below95)/n, 0.02)
	require.Zero(t, f.Delay("none", sandbox.Latency{}))
}

func TestChoicesRepeatWithTheSeed(t *testing.T) {
	draw := func(seed uint64) (hits []bool) {
		f := sandbox.NewFaults("his", 1, sandbox.SystemClock())
		require.NoError(t, f.Set(sandbox.FaultSpec{Seed: seed}))
		for range 64 {
			hits = append(hits, f.Hit("slot_gone", 0.5))
			f.Hit("another kind", 0.5) // draws from a stream of its own
		}
		return hits
	}
	require.Equal(t, draw(3), draw(3))
	require.NotEqual(t, draw(3), draw(4))
}

func TestFaultSpecRefusesNonsense(t *testing.T) {
	for name, spec := range map[string]string{
		"a rate above one":        `{"error":{"rate":1.1,"code":"X"}}`,
		"a negative rate":         `{"reply_lost":{"rate":-0.1}}`,
		"an error without a code": `{"error":{"rate":0.5}}`,
		"an unknown field":        `{"latency":{"p50":1}}`,
		"a negative time":         `{"latency_ms":{"p50":-1}}`,
		"an absurd time":          `{"notification":{"delay_ms":99999999999}}`,
		"a clearing and none":     `{"insurance":{"settles_in_call":true,"clearing_ms":{"p50":200}}}`,
		"not JSON":                `{`,
	} {
		_, err := sandbox.ParseFaultSpec(strings.NewReader(spec))
		require.Error(t, err, name)
	}
	spec, err := sandbox.ParseFaultSpec(strings.NewReader(`{"seed":1,"latency_ms":{"p50":0,"p95":0,"max":0},"outage":false,
		"error":{"rate":0.1,"code":"SYSTEM_ERROR","operations":["prepay"]},"reply_lost":{"rate":0.1,"operations":["prepay","refund"]},
		"notification":{"delay_ms":0,"missing_rate":0,"repeat":1,"reorder_rate":0,"forged_rate":0},
		"insurance":{"clearing_ms":{"p50":200,"p95":500},"fail_rate":0,"unknown_rate":0,"split_off_rate":0},"his":{"slot_gone_rate":0}}`))
	require.NoError(t, err)
	require.Equal(t, "SYSTEM_ERROR", spec.Error.Code)
	require.False(t, spec.Insurance.SettlesInCall)
	spec, err = sandbox.ParseFaultSpec(strings.NewReader(`{"insurance":{"settles_in_call":true,"fail_rate":0.5}}`))
	require.NoError(t, err)
	require.True(t, spec.Insurance.SettlesInCall)
}

func FuzzParseFaultSpec(f *testing.F) {
	f.Add([]byte(`{"error":{"rate":0.1,"code":"X"},"outage":true}`))
	f.Add([]byte(`{"latency_ms":{"p50":1e3}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := sandbox.ParseFaultSpec(bytes.NewReader(data))
		if err == nil {
			require.NoError(t, sandbox.NewFaults("x", 1, sandbox.SystemClock()).Set(spec))
		}
	})
}
