package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
)

// request sends bytes as they are, with a key unless it is empty, and reads
// the reply.
func (w *world) request(t *testing.T, method, url, key string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply, text
}

// post sends a body to the API and returns the problem that it is refused with.
func (w *world) post(t *testing.T, path, key string, body []byte, headers ...string) (*http.Response, wire.Problem) {
	t.Helper()
	reply, text := w.request(t, http.MethodPost, w.in.APIBase+path, key, body, headers...)
	var p wire.Problem
	if reply.StatusCode >= http.StatusBadRequest {
		require.Equal(t, "application/problem+json", reply.Header.Get("Content-Type"), "%s", text)
		require.NoError(t, json.Unmarshal(text, &p))
	}
	return reply, p
}
