package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// mostMetrics bounds what is read of one process.
const mostMetrics = 32 << 20

// Metrics are what regpay's process at a base URL shows to Prometheus, in its
// text format.
func Metrics(ctx context.Context, base string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return "", err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, mostMetrics))
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("metrics of %s: %s", base, reply.Status)
	}
	return string(text), err
}
