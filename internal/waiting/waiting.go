// Package waiting shows Prometheus what waits for somebody else: payments that
// are paid and that the HIS does not have yet, and cases that a person has to
// decide. It is the measure of an outage, and what alerts are made of.
//
// Nothing is counted along the way. Each scrape reads the books, by indexes
// that are as small as what waits; so the numbers are right after any crash, and
// whichever process is asked tells the same. Hospitals and reasons without
// anything have no series.
package waiting

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/store"
)

// Books is what is read; *store.Store is one.
type Books interface {
	Unregistered(ctx context.Context) ([]store.Unregistered, error)
	CountOpenCases(ctx context.Context, now time.Time) ([]store.OpenCases, error)
}

// readTimeout is well below the ten seconds that Prometheus waits for a scrape.
const readTimeout = 2 * time.Second

var (
	readable = prometheus.NewDesc("regpay_books_readable",
		"1 when the books could be read for this scrape; without it the numbers of what waits are missing.", nil, nil)
	unregistered = prometheus.NewDesc("regpay_unregistered_payments",
		"Payments that are paid and not registered in the HIS.", []string{"hospital"}, nil)
	oldest = prometheus.NewDesc("regpay_unregistered_oldest_seconds",
		"Time since the oldest of them was paid, in seconds.", []string{"hospital"}, nil)
	open = prometheus.NewDesc("regpay_review_cases",
		"Cases that wait for a person.", []string{"hospital", "reason"}, nil)
	overdue = prometheus.NewDesc("regpay_review_cases_overdue",
		"Those of them whose deadline has passed.", []string{"hospital", "reason"}, nil)
)

// Collector is a prometheus.Collector. It is safe for concurrent use.
type Collector struct {
	books Books
	now   func() time.Time
	log   *zap.Logger
}

// New reads from books at each scrape. A nil now is the system's clock.
func New(books Books, now func() time.Time, log *zap.Logger) *Collector {
	if now == nil {
		now = time.Now
	}
	return &Collector{books: books, now: now, log: log}
}

// Describe and Collect are prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readable, unregistered, oldest, open, overdue} {
		ch <- d
	}
}

// Collect reads the books. When they cannot be read it tells that alone: the
// process's other metrics are worth most just then.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	now := c.now()
	payments, err := c.books.Unregistered(ctx)
	var cases []store.OpenCases
	if err == nil {
		cases, err = c.books.CountOpenCases(ctx, now)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if err != nil {
		c.log.Warn("what waits could not be counted", zap.Error(err))
		gauge(readable, 0)
		return
	}
	gauge(readable, 1)
	for _, p := range payments {
		gauge(unregistered, float64(p.Count), p.HospitalID)
		gauge(oldest, now.Sub(p.Oldest).Seconds(), p.HospitalID)
	}
	for _, k := range cases {
		gauge(open, float64(k.Count), k.HospitalID, k.Reason)
		gauge(overdue, float64(k.Overdue), k.HospitalID, k.Reason)
	}
}
