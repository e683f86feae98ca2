package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ReadyHTTP is a Process.Ready that wants a 2xx answer from url.
func ReadyHTTP(url string) func(ctx context.Context) error {
	// Own transport, no idle connections: a stopped stack leaves no goroutine.
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask %s: %w", url, err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("ask %s: %w", url, err)
		}
		defer func() { _ = resp.Body.Close() }()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		if resp.StatusCode/100 != 2 {
			return fmt.Errorf("ask %s: status %d", url, resp.StatusCode)
		}
		return nil
	}
}
