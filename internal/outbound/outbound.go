// Package outbound is how a request leaves for another system over HTTP, and
// how a request that got no reply is sorted.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// idle is how many connections to one host stay open between requests: what a
// busy morning needs, since a client here talks to one host alone.
const idle = 64

// Client makes an HTTP client that follows no redirect, since a redirected
// POST would arrive elsewhere, as something else. A nil transport means one
// with a connection pool of its own. The context bounds a call as well.
func Client(transport http.RoundTripper, timeout time.Duration) *http.Client {
	if transport == nil {
		transport = Pool()
	}
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Pool is a transport with idle connections for one busy host.
func Pool() http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t := base.Clone()
	t.MaxIdleConnsPerHost = idle
	t.IdleConnTimeout = time.Minute
	return t
}

// Unsent says whether a request cannot have reached anybody: no connection was
// made, or its other end was not who it should be.
func Unsent(err error) bool {
	var dial *net.OpError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &cert)
}

// TimedOut says whether waiting for the reply ended before it came.
func TimedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &n) && n.Timeout()
}

// Unanswered is the Failure of a request without a reply. Only a connection
// that was never made proves that nothing happened (rule I3). The URL is taken
// off the error: it may carry a token.
func Unanswered(system, op string, err error) *payment.Failure {
	f := &payment.Failure{Kind: payment.Uncertain, System: system, Op: op, Code: "no_answer", Err: err}
	switch {
	case Unsent(err):
		f.Kind, f.Code = payment.Retryable, "unreachable"
	case TimedOut(err):
		f.Code = "timeout"
	}
	var u *url.Error
	if errors.As(err, &u) {
		f.Err = u.Err
	}
	return f
}
