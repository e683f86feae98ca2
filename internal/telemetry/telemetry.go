// Package telemetry is how a process speaks of itself: structured logs and
// Prometheus metrics. Neither ever holds personal data (rule I10).
package telemetry

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLogger writes JSON lines to standard error.
func NewLogger(level string) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(l)
	c.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return c.Build()
}

// TemporalLogger lets Temporal's SDK log through l.
func TemporalLogger(l *zap.Logger) log.Logger { return sdkLogger{l.Sugar()} }

type sdkLogger struct{ l *zap.SugaredLogger }

func (s sdkLogger) Debug(msg string, kv ...any) { s.l.Debugw(msg, kv...) }
func (s sdkLogger) Info(msg string, kv ...any)  { s.l.Infow(msg, kv...) }
func (s sdkLogger) Warn(msg string, kv ...any)  { s.l.Warnw(msg, kv...) }
func (s sdkLogger) Error(msg string, kv ...any) { s.l.Errorw(msg, kv...) }

// NewRegistry has the metrics of the process and the Go runtime.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Server serves /metrics and /healthz for a process that has no other face.
func Server(addr string, r *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
}
