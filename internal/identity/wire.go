package identity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// DefaultTimeout bounds one request where a Config says nothing.
const DefaultTimeout = 5 * time.Second

const maxReply = 64 << 10

// caller posts JSON to one service.
type caller struct {
	system string
	base   string
	http   *http.Client
}

func newCaller(system, base string, timeout time.Duration, transport http.RoundTripper) (caller, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return caller{}, errors.New("the base URL is absolute, http(s), and has no query")
	}
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return caller{system: system, base: strings.TrimRight(base, "/"), http: outbound.Client(transport, timeout)}, nil
}

// post sends a body and returns a whole reply, whatever its status.
func (c caller) post(ctx context.Context, op, path string, header http.Header, body []byte) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, c.fail(payment.Retryable, op, "configuration", nil)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, nil, outbound.Unanswered(c.system, op, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(text) > maxReply {
		err = errors.New("the reply is too large")
	}
	if err != nil {
		return 0, nil, nil, outbound.Unanswered(c.system, op, err)
	}
	return resp.StatusCode, resp.Header, text, nil
}

func (c caller) fail(kind payment.Kind, op, code string, err error) *payment.Failure {
	return &payment.Failure{Kind: kind, System: c.system, Op: op, Code: code, Err: err}
}
