// Package client calls the HTTP API: the command line's way in, and an example
// for a booking backend in Go.
//
// An answer that is an error comes back as *wire.Problem, which has a stable
// code; *Unreachable says that nothing is known of what became of a call. The
// calls that repeat themselves then are those that the API takes twice for
// once.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Bounds of a call.
const (
	defaultTimeout = 20 * time.Second
	defaultTries   = 3
	maxWait        = 5 * time.Second // between tries, whatever the server asks for
	maxAnswer      = 4 << 20         // bytes
)

// Config says where the API is and who calls.
type Config struct {
	BaseURL  string // https://pay.example.org
	APIKey   string // rp_…
	Language string // of problems: zh-CN or en
	HTTP     *http.Client
	// Wait passes the time between tries; nil: a timer.
	Wait func(context.Context, time.Duration) error
	// Tries is how often a call that may be repeated is sent at most; zero:
	// three. One is for those who want to see each answer.
	Tries int
}

// Client calls the API. It is safe for concurrent use.
type Client struct{ c Config }

// New makes a client. It returns an error for an address that is no URL.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("the server's address %q is not an http(s) URL", c.BaseURL)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: defaultTimeout}
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	if c.Tries == 0 {
		c.Tries = defaultTries
	}
	return &Client{c}, nil
}

// Unreachable: the API did not answer, or said that it cannot tell now. The
// call may have been carried out.
type Unreachable struct{ Err error }

func (e *Unreachable) Error() string { return "the API cannot be reached: " + e.Err.Error() }
func (e *Unreachable) Unwrap() error { return e.Err }

// request is one call; repeat says that it may be sent again when nothing is
// known of it.
type request struct {
	method, path string
	body         any
	repeat       bool
}

// call sends a request and reads the answer into a value.
func (c *Client) call(ctx context.Context, r request, into any) (http.Header, error) {
	header, body, err := c.send(ctx, r)
	if err != nil {
		return header, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return header, fmt.Errorf("read the API's answer: %w", err)
	}
	return header, nil
}

// send sends a request, again where that is due, and returns the answer as it
// is.
func (c *Client) send(ctx context.Context, r request) (http.Header, []byte, error) {
	var raw []byte
	if r.body != nil {
		var err error
		if raw, err = json.Marshal(r.body); err != nil {
			return nil, nil, fmt.Errorf("write the request: %w", err)
		}
	}
	for try := 1; ; try++ {
		header, body, err := c.once(ctx, r, raw)
		var gone *Unreachable
		if err == nil || !errors.As(err, &gone) || !r.repeat || try >= c.c.Tries || ctx.Err() != nil {
			return header, body, err
		}
		if c.c.Wait(ctx, pause(header)) != nil {
			return header, nil, err
		}
	}
}

func (c *Client) once(ctx context.Context, r request, raw []byte) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.c.BaseURL+r.path, bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.c.APIKey)
	if c.c.Language != "" {
		req.Header.Set("Accept-Language", c.c.Language)
	}
	if raw != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.c.HTTP.Do(req)
	if err != nil {
		return nil, nil, &Unreachable{err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return res.Header, nil, &Unreachable{err}
	}
	if res.StatusCode >= 300 {
		return res.Header, nil, failed(res, body)
	}
	return res.Header, body, nil
}

// failed makes an error of an answer that is one.
func failed(res *http.Response, body []byte) error {
	p := &wire.Problem{}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		p = &wire.Problem{Status: res.StatusCode, Code: "http_" + strconv.Itoa(res.StatusCode), Detail: res.Status}
	}
	if p.Status == 0 {
		p.Status = res.StatusCode
	}
	if res.StatusCode >= 502 && res.StatusCode <= 504 && p.Code != payment.CodeMaintenance { // which is an answer, and lasts
		return &Unreachable{p}
	}
	return p
}

// pause is how long the server asks to wait, within reason.
func pause(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 1 {
		n = 1
	}
	return min(maxWait, time.Duration(n)*time.Second)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
