package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnlyASuccessIsHealthy(t *testing.T) {
	for status, healthy := range map[int]bool{200: true, 204: true, 404: false, 500: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, `{"database":"unreachable"}`)
			}
		}))
		err := probe(t.Context(), server.URL)
		server.Close()
		if healthy {
			require.NoError(t, err, status)
			continue
		}
		require.ErrorContains(t, err, `{"database":"unreachable"}`, status)
	}
}

func TestNobodyThereIsNotHealthy(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	require.Error(t, probe(t.Context(), server.URL))
}

func TestAServerThatDoesNotAnswerIsNotHealthy(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, probe(ctx, server.URL), context.DeadlineExceeded)
}
