package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

// shop is the smallest counterparty.
type shop struct {
	env    *sandbox.Env
	book   *sandbox.Book
	faults *sandbox.Faults
}

func newShop(env *sandbox.Env) *shop {
	s := &shop{env: env, book: sandbox.NewBook(), faults: env.NewFaults("shop")}
	env.Patients.Join("shop", &till{}, sandbox.Default{})
	return s
}

func (s *shop) Name() string            { return "shop" }
func (s *shop) PathPrefix() string      { return "/till" }
func (s *shop) Books() any              { return s.book.Snapshot() }
func (s *shop) Faults() *sandbox.Faults { return s.faults }
func (s *shop) Handler() http.Handler   { return http.NotFoundHandler() }
func (s *shop) AdminRoutes(m *http.ServeMux) {
	m.HandleFunc("GET /shop/hours", func(w http.ResponseWriter, _ *http.Request) { sandbox.WriteJSON(w, 200, "always") })
}

func (s *shop) Onboard(_ context.Context, h sandbox.Hospital) (any, error) {
	secret, err := s.env.Files.Secret(h.ID+"/shop/secret.txt", 16)
	return map[string]any{"secret": secret, "url": h.BaseURL, "index": h.Index}, err
}

// start runs a sandbox with a shop until the test ends or stop is called.
func start(t *testing.T, dir string, hospitals ...string) (m sandbox.Manifest, env *sandbox.Env, stop func()) {
	t.Helper()
	env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: dir})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan sandbox.Manifest, 1), make(chan error, 1)
	go func() {
		ended <- sandbox.Run(ctx, sandbox.Config{Env: env, Hospitals: hospitals, AdminAddress: "127.0.0.1:0",
			Counterparties: []sandbox.Served{{Counterparty: newShop(env), Address: "127.0.0.1:0"}},
			Ready:          func(m sandbox.Manifest) { ready <- m }})
	}()
	stop = func() {
		cancel()
		if ended != nil {
			require.NoError(t, <-ended)
			ended = nil
		}
	}
	t.Cleanup(stop)
	select {
	case m = <-ready:
	case err := <-ended:
		ended = nil
		require.NoError(t, err)
	}
	return m, env, stop
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(content))
}

func TestManifestNamesEndpointsAndKeysSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first, _, stop := start(t, dir, "h-renmin", "h-xiehe")
	content, err := os.ReadFile(filepath.Join(dir, sandbox.ManifestFile))
	require.NoError(t, err)
	var written sandbox.Manifest
	require.NoError(t, json.Unmarshal(content, &written))
	require.Equal(t, first.Endpoints, written.Endpoints)
	require.True(t, strings.HasSuffix(first.Endpoints["shop"], "/till"))
	require.EqualValues(t, 1, written.Hospitals["h-xiehe"]["shop"].(map[string]any)["index"])
	require.Equal(t, first.Endpoints["shop"], written.Hospitals["h-renmin"]["shop"].(map[string]any)["url"])
	info, err := os.Stat(filepath.Join(dir, "h-renmin/shop/secret.txt"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	stop()

	second, _, _ := start(t, dir, "h-renmin")
	require.Equal(t, first.Hospitals["h-renmin"]["shop"].(map[string]any)["secret"],
		second.Hospitals["h-renmin"]["shop"].(map[string]any)["secret"])
}

func TestRunRefusesBadConfigurations(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Config){
		"no hospital":                  func(c *sandbox.Config) { c.Hospitals = nil },
		"a path for a hospital":        func(c *sandbox.Config) { c.Hospitals = []string{"../x"} },
		"a hospital twice":             func(c *sandbox.Config) { c.Hospitals = []string{"h", "h"} },
		"a counterparty's own folder":  func(c *sandbox.Config) { c.Hospitals = []string{"shop"} },
		"an address open to the world": func(c *sandbox.Config) { c.AdminAddress = "0.0.0.0:0" },
	} {
		t.Run(name, func(t *testing.T) {
			env, err := sandbox.NewEnv(sandbox.EnvOptions{Dir: t.TempDir()})
			require.NoError(t, err)
			config := sandbox.Config{Env: env, Hospitals: []string{"h"}, AdminAddress: "127.0.0.1:0",
				Counterparties: []sandbox.Served{{Counterparty: newShop(env), Address: "127.0.0.1:0"}},
				Ready:          func(sandbox.Manifest) { t.Error("it ran") }}
			change(&config)
			require.Error(t, sandbox.Run(t.Context(), config))
		})
	}
}

func TestAdminInterface(t *testing.T) {
	m, env, _ := start(t, t.TempDir(), "h-renmin")
	admin := m.Endpoints["admin"]
	for _, c := range []struct {
		method, path, body string
		status             int
		reply              string // JSON, "" for any
	}{
		{"GET", "/healthz", "", 200, `{"status":"ok"}`},
		{"GET", "/books", "", 200, `{"shop":{"charges":[],"refunds":[]}}`},
		{"GET", "/books/shop", "", 200, `{"charges":[],"refunds":[]}`},
		{"GET", "/books/bank", "", 404, ""},
		{"GET", "/shop/hours", "", 200, `"always"`},
		{"PUT", "/faults/shop", `{"outage":true}`, 200, ""},
		{"PUT", "/faults/shop", `{"outage":"yes"}`, 400, ""},
		{"PUT", "/faults/bank", `{}`, 404, ""},
		{"POST", "/patients/pay", `{"channel":"shop","merchant_no":"a","after_ms":0,"behaviour":"pay"}`, 202, ""},
		{"POST", "/patients/pay", `{"channel":"shop"}`, 400, ""},
		{"POST", "/patients/pay", `{"channel":"bank","token":"t"}`, 404, ""},
		{"POST", "/patients/pay", `{"channel":"shop","tocken":"t"}`, 400, ""},
		{"PUT", "/patients/default", `{"channel":"shop","behaviour":"pay","after_ms_p50":1,"after_ms_p95":2}`, 200, ""},
		{"GET", "/patients/default", "", 200, `{"shop":{"channel":"shop","behaviour":"pay","after_ms_p50":1,"after_ms_p95":2}}`},
		{"PUT", "/patients/default", `[]`, 400, ""},
	} {
		status, reply := call(t, c.method, admin+c.path, c.body)
		require.Equal(t, c.status, status, "%s %s %s: %s", c.method, c.path, c.body, reply)
		if c.reply != "" {
			require.JSONEq(t, c.reply, reply, c.path)
		}
	}
	_, reply := call(t, "GET", admin+"/faults/shop", "")
	require.Contains(t, reply, `"outage":true`)
	require.Contains(t, reply, `"injected":{}`)
	_, reply = call(t, "DELETE", admin+"/faults/shop", "")
	require.Contains(t, reply, `"outage":false`)
	env.Patients.Opened(sandbox.Order{Channel: "shop", MerchantNo: "a"}) // ends with the sandbox
}
