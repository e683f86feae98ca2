package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const maxReply = 64 << 20 // bytes: the books of a long run

// newHTTP has connections of its own, enough of them for many payments at once.
func newHTTP() *http.Client {
	return &http.Client{
		Timeout:   callTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second},
	}
}

// call sends in as JSON, unless it is nil, and reads the reply into out, unless
// that is nil.
func (s *Sandbox) call(ctx context.Context, method, path string, in, out any) error {
	if err := s.exchange(ctx, method, path, in, out); err != nil {
		return fmt.Errorf("the sandbox: %s %s: %w", method, path, err)
	}
	return nil
}

func (s *Sandbox) exchange(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.admin+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	reply, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(io.LimitReader(reply.Body, maxReply))
	if err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	if reply.StatusCode/100 != 2 {
		const shown = 300
		return &StatusError{Status: reply.StatusCode, Body: string(b[:min(len(b), shown)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	return nil
}

// StatusError is a refusal of the sandbox.
type StatusError struct {
	Status int
	Body   string // its beginning
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }
