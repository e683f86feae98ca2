package stack

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPartsBringThoseThatTheyNeed(t *testing.T) {
	for name, c := range map[string]struct{ asked, want Part }{
		"the database needs nothing":     {Postgres, Postgres},
		"Temporal needs the database":    {Temporal, Temporal | Postgres},
		"the UI needs Temporal":          {UI, UI | Temporal | Postgres},
		"the sandbox stands alone":       {Sandbox, Sandbox},
		"regpay needs all but the UI":    {Regpay, Regpay | Temporal | Postgres | Sandbox},
		"everything is already complete": {All, All},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.asked.with()) })
	}
}

func TestOptionsThatCannotWorkAreRefusedBeforeAnythingStarts(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"no parts":                {Options{}, "no parts"},
		"regpay unconfigured":     {Options{Parts: Regpay}, "WriteConfig"},
		"a name with a slash":     {Options{Parts: Postgres, Name: "../x"}, "name"},
		"a root that is not ours": {Options{Parts: Postgres, Root: t.TempDir()}, "find the checkout"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Local = t.TempDir()
			_, err := Start(t.Context(), c.options)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestPortsFromTheEnvironment(t *testing.T) {
	got, err := Ports{API: 1}.fromEnv(" api=8080, ui=8233,wechat=9101 ")
	require.NoError(t, err)
	require.Equal(t, Ports{API: 1, UI: 8233, Sandbox: map[string]int{"wechat": 9101}}, got, "the caller's own port wins")
	for name, list := range map[string]string{
		"no port": "api", "not a number": "api=x", "out of range": "api=70000", "zero": "ui=0", "unknown name": "web=80",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Ports{}.fromEnv(list)
			require.ErrorContains(t, err, "REGPAY_PORTS")
		})
	}
}

func TestPortsAreFreeAndHandedOutOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	var p portPicker
	_, err = p.pick("x", l.Addr().(*net.TCPAddr).Port)
	require.ErrorContains(t, err, "in use")
	seen := map[int]bool{}
	for range 200 {
		port, err := p.pick("x", 0)
		require.NoError(t, err)
		require.False(t, seen[port])
		seen[port] = true
	}
}

func TestTheToolKeyChangesWithTheModule(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module x")
	write("go.sum", "a")
	first, err := toolKey(dir)
	require.NoError(t, err)
	again, err := toolKey(dir)
	require.NoError(t, err)
	require.Equal(t, first, again)
	write("go.sum", "b")
	second, err := toolKey(dir)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
}

func TestBuildWatchTellsProgressFromComplaints(t *testing.T) {
	w := &buildWatch{}
	for _, piece := range []string{"go: downloading x v1\nfmt\nexample.org/a/", "b\n# example.org/c\nc.go:1:2: no", " such thing\nexit"} {
		_, _ = w.Write([]byte(piece))
	}
	require.Equal(t, "2 packages, now example.org/a/b", w.state())
	require.Equal(t, "# example.org/c\nc.go:1:2: no such thing\nexit", w.complaints())
}

func TestDatabaseURLs(t *testing.T) {
	srv, err := parseServer("postgres://u:p%40s@db.example:6432/x?sslmode=disable&application_name=a")
	require.NoError(t, err)
	require.Equal(t, sqlServer{host: "db.example", user: "u", password: "p@s", port: 6432,
		attributes: map[string]string{"sslmode": "disable", "application_name": "a"}}, srv)
	srv, err = parseServer("postgresql://db.example/x")
	require.NoError(t, err)
	require.Equal(t, "db.example:5432", srv.address())
	require.Equal(t, "require", srv.attributes["sslmode"], "as lib/pq, so that one URL means one thing")
	for name, dsn := range map[string]string{
		"keywords": "host=x password=secret", "another scheme": "mysql://u:secret@h/x", "no host": "postgres:///x?password=secret",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseServer(dsn)
			require.ErrorContains(t, err, "DATABASE_URL")
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestManifestIsReadWhole(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadManifest(dir)
	require.Error(t, err)
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "onboarding.json"), []byte(text), 0o600))
	}
	write(`{"endpoints":{}}`)
	_, err = ReadManifest(dir)
	require.ErrorContains(t, err, "no hospitals")
	write(`{"endpoints":{"admin":"http://127.0.0.1:1"},"hospitals":{"h-renmin":{
		"wechat":{"mchid":"1900000001","merchant_key":"h-renmin/wechat/merchant_key.pem"},
		"his":{"base_url":"http://127.0.0.1:2/fhir","bearer_token":"h-renmin/his/token.txt"}}}}`)
	m, err := ReadManifest(dir)
	require.NoError(t, err)
	h := m.Hospitals["h-renmin"]
	require.Equal(t, "1900000001", h.WeChat.MchID)
	require.Equal(t, filepath.Join(dir, "h-renmin/his/token.txt"), m.File(h.HIS.BearerToken))
	require.Empty(t, m.File(h.UnionPay.RootCert))
}

func TestTheSandboxIsQuickOnlyWhereTimeIsMeasured(t *testing.T) {
	require.Empty(t, Options{}.sandboxExperiment())
	require.Equal(t, quickRSA, Options{QuickSandbox: true}.sandboxExperiment())
	require.Empty(t, Options{QuickSandbox: true, Race: true}.sandboxExperiment())
}
