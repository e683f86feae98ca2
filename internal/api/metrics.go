package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/regpay/regpay/internal/payment"
)

// metrics are what the API counts. Labels are templates, codes and channels:
// few values, none of them personal.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	webhooks *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regpay_http_requests_total", Help: "Requests answered, by route template and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "regpay_http_request_seconds", Help: "Time to answer a request, in seconds.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regpay_webhooks_total", Help: "Notifications of channels, by what came of them.",
		}, []string{"channel", "outcome"}),
	}
	r.MustRegister(m.requests, m.seconds, m.webhooks)
	return m
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

func (m *metrics) webhook(ch payment.Channel, outcome string) {
	m.webhooks.WithLabelValues(string(ch), outcome).Inc()
}
