package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is what the program printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func parse(t *testing.T, args ...string) options {
	t.Helper()
	var o options
	parser, err := kong.New(&o)
	require.NoError(t, err)
	_, err = parser.Parse(args)
	require.NoError(t, err)
	return o
}

func TestTheSandboxRunsAllFiveCounterpartiesAndEndsCleanly(t *testing.T) {
	dir := t.TempDir()
	o := parse(t, "--dir", dir, "--hospital", "h-renmin", "--hospital", "h-xiehe", "--admin", "127.0.0.1:0", "--wechat", "127.0.0.1:0",
		"--unionpay", "127.0.0.1:0", "--insurance", "127.0.0.1:0", "--his", "127.0.0.1:0", "--identity", "127.0.0.1:0")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout output
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, o, &stdout, io.Discard) }()
	manifest := filepath.Join(dir, "onboarding.json")
	require.Eventually(t, func() bool {
		_, err := os.Stat(manifest)
		return err == nil
	}, 60*time.Second, 10*time.Millisecond)

	content, err := os.ReadFile(manifest)
	require.NoError(t, err)
	var m struct {
		Endpoints map[string]string
		Hospitals map[string]map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(content, &m))
	names := []string{"wechat", "unionpay", "insurance", "his", "identity"}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, name := range names {
		require.Contains(t, m.Hospitals["h-renmin"], name)
		require.Contains(t, m.Hospitals["h-xiehe"], name)
		response, err := client.Get(m.Endpoints[name])
		require.NoError(t, err, name)
		response.Body.Close()
		require.GreaterOrEqual(t, response.StatusCode, 400, "%s lets a stranger in", name)
	}
	require.Equal(t, "public_key", m.Hospitals["h-renmin"]["wechat"]["verify_mode"])
	require.Equal(t, "certificate", m.Hospitals["h-xiehe"]["wechat"]["verify_mode"])
	requireFiles(t, dir, m.Hospitals)

	response, err := client.Get(m.Endpoints["admin"] + "/books")
	require.NoError(t, err)
	defer response.Body.Close()
	var books map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&books))
	for _, name := range names {
		require.Contains(t, books, name)
	}
	require.Eventually(t, func() bool { return bytes.Contains([]byte(stdout.String()), []byte("/books")) }, 10*time.Second, time.Millisecond)

	stop()
	require.NoError(t, <-ended)
}

// requireFiles checks that every file that the manifest names is there, for the
// owner's eyes alone.
func requireFiles(t *testing.T, dir string, hospitals map[string]map[string]map[string]any) {
	t.Helper()
	checked := 0
	for _, parts := range hospitals {
		for _, fragment := range parts {
			for field, value := range fragment {
				path, ok := value.(string)
				if !ok || filepath.Ext(path) == "" || !filepath.IsLocal(path) {
					continue
				}
				info, err := os.Stat(filepath.Join(dir, path))
				require.NoError(t, err, field)
				require.Equal(t, os.FileMode(0o600), info.Mode(), path)
				checked++
			}
		}
	}
	require.GreaterOrEqual(t, checked, 20)
}

func TestFlagsHaveTheDocumentedDefaults(t *testing.T) {
	o := parse(t)
	require.Equal(t, []string{"h-renmin"}, o.Hospital)
	require.Equal(t, []string{"127.0.0.1:9100", "127.0.0.1:9101", "127.0.0.1:9102", "127.0.0.1:9103", "127.0.0.1:9104", "127.0.0.1:9105"},
		[]string{o.Admin, o.WeChat, o.UnionPay, o.Insurance, o.HIS, o.Identity})
	require.False(t, o.AllowRemote)
	require.EqualValues(t, 1, o.NotifyScale)
	require.Error(t, run(t.Context(), options{NotifyScale: 0}, io.Discard, io.Discard))
}
