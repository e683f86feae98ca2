package api_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/client"
)

// The command line reads lists through this client, in whole pages.
func TestOurOwnClientAsksForWhatTheAPITakes(t *testing.T) {
	server := httptest.NewServer(newStack(t).handler)
	defer server.Close()
	c, err := client.New(client.Config{BaseURL: server.URL, APIKey: staff})
	require.NoError(t, err)
	_, err = c.Reviews(t.Context(), "", "")
	require.NoError(t, err)
	_, err = c.Maintenance(t.Context(), "", "", "")
	require.NoError(t, err)
}
