package waiting_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/waiting"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

type books struct {
	payments []store.Unregistered
	cases    []store.OpenCases
	err      error
	now      time.Time
}

func (b *books) Unregistered(context.Context) ([]store.Unregistered, error) { return b.payments, b.err }
func (b *books) CountOpenCases(_ context.Context, now time.Time) ([]store.OpenCases, error) {
	b.now = now
	return b.cases, b.err
}

// scrape is the samples that Prometheus reads.
func scrape(t *testing.T, b *books) []string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(waiting.New(b, func() time.Time { return noon }, zap.NewNop()))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, w.Code, w.Body)
	return regexp.MustCompile(`(?m)^regpay_.*$`).FindAllString(w.Body.String(), -1)
}

func TestWhatWaitsIsReadAtEachScrape(t *testing.T) {
	b := &books{
		payments: []store.Unregistered{{HospitalID: "an-kang", Count: 1, Oldest: noon.Add(-time.Second)}, {HospitalID: "ren-he", Count: 312, Oldest: noon.Add(-2 * time.Hour)}},
		cases:    []store.OpenCases{{HospitalID: "ren-he", Reason: "clearing_unknown", Count: 3, Overdue: 1}, {HospitalID: "ren-he", Reason: "his_delayed", Count: 2}},
	}
	require.Equal(t, []string{
		`regpay_books_readable 1`,
		`regpay_review_cases{hospital="ren-he",reason="clearing_unknown"} 3`,
		`regpay_review_cases{hospital="ren-he",reason="his_delayed"} 2`,
		`regpay_review_cases_overdue{hospital="ren-he",reason="clearing_unknown"} 1`,
		`regpay_review_cases_overdue{hospital="ren-he",reason="his_delayed"} 0`,
		`regpay_unregistered_oldest_seconds{hospital="an-kang"} 1`,
		`regpay_unregistered_oldest_seconds{hospital="ren-he"} 7200`,
		`regpay_unregistered_payments{hospital="an-kang"} 1`,
		`regpay_unregistered_payments{hospital="ren-he"} 312`,
	}, scrape(t, b))
	require.Equal(t, noon, b.now, "overdue by the same clock")
}

func TestNothingWaits(t *testing.T) {
	require.Equal(t, []string{`regpay_books_readable 1`}, scrape(t, &books{}))
}

func TestBooksThatCannotBeReadCostNoOtherMetric(t *testing.T) {
	b := &books{payments: []store.Unregistered{{HospitalID: "ren-he", Count: 1}}, err: errors.New("connection refused")}
	require.Equal(t, []string{`regpay_books_readable 0`}, scrape(t, b))
}
