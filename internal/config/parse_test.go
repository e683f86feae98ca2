package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
)

// good is the least that is a configuration, with places for more.
const good = `
database: {dsn_file: dsn}
http:
  public_url: https://pay.example.org
encryption: {active: k1, keys: [{id: k1, file: k1}], index_key_file: index}
hospitals:
  - id: ren-he
    callback_secret_file: secret
    his:
      kind: fhir
    channels:
      wechat: {mchid: "1900000001"}
  - id: an-kang
    callback_secret_file: secret
    his: {kind: fhir}
    channels:
      wechat: {mchid: "1900000002"}
`

// edited is good with one line replaced.
func edited(t *testing.T, old, with string) []byte {
	t.Helper()
	require.Contains(t, good, old)
	return []byte(strings.Replace(good, old, with, 1))
}

func TestLeftOutKeysHaveTheirDefaults(t *testing.T) {
	c, err := config.Parse([]byte(good))
	require.NoError(t, err)
	require.Equal(t, config.Temporal{Address: "127.0.0.1:7233", Namespace: "regpay"}, c.Temporal)
	require.Equal(t, "127.0.0.1:8080", c.HTTP.Listen)
	require.Equal(t, 20, c.Database.MaxConns)
	require.Nil(t, c.Hospitals[0].Channels.UnionPay, "a channel that is left out is not offered")
}

// What is wrong is told once, in one line that names the key.
func TestEachMistakeIsToldByTheNameOfItsKey(t *testing.T) {
	for name, tc := range map[string]struct{ old, with, want string }{
		"a guard's number":                      {"      kind: fhir", "      kind: fhir\n      guard: {min_calls: -1}", "hospital ren-he: his.guard.min_calls is negative"},
		"a guard's ratio":                       {`{mchid: "1900000002"}`, `{mchid: "1900000002", guard: {failure_percent: 101}}`, "hospital an-kang: channels.wechat.guard.failure_percent lies between 1 and 100"},
		"a guard's window":                      {`{mchid: "1900000002"}`, `{mchid: "1900000002", guard: {window: 5ms}}`, "hospital an-kang: channels.wechat.guard.window is shorter than 1s"},
		"a queue that is not known":             {"hospitals:", "workers: {queues: {hsi: {per_second: 1}}}\nhospitals:", "workers.queues: there is no queue hsi"},
		"a queue's rate":                        {"hospitals:", "workers: {queues: {his: {per_second: -1}}}\nhospitals:", "workers.queues.his.per_second is negative"},
		"a key that is not known":               {"  public_url:", "  lisen: x\n  public_url:", "line 4: there is no key http.lisen"},
		"a key of a hospital that is not known": {"      kind: fhir", "      kind: fhir\n      token: x", "line 11: there is no key hospitals[ren-he].his.token"},
		"a key in one line with others":         {`{mchid: "1900000001"}`, `{mchid: "1900000001", mchkey: x}`, "line 12: there is no key hospitals[ren-he].channels.wechat.mchkey"},
		"a key at the top":                      {"database:", "databse:", "line 2: there is no key databse"},
		"a key twice":                           {"  public_url:", "  listen: a:1\n  listen: b:1\n  public_url:", "line 5: http.listen is there already, in line 4"},
		"a time without its unit":               {"      kind: fhir", "      kind: fhir\n      timeout: 10", "line 11: hospitals[ren-he].his.timeout has to be a time such as 800ms, 10s or 5m"},
		"a time that is none":                   {`{mchid: "1900000002"}`, `{mchid: "1900000002", timeout: three days and more}`, "line 17: hospitals[an-kang].channels.wechat.timeout has to be a time such as 800ms, 10s or 5m"},
		"a number that is none":                 {"{dsn_file: dsn}", "{dsn_file: dsn, max_conns: many}", "line 2: database.max_conns has to be a whole number"},
		"a truth that is none":                  {"      kind: fhir", "      kind: fhir\n    face: {base_url: [a]}", "line 11: hospitals[ren-he].face.base_url has to be text"},
		"text for keys":                         {"    his: {kind: fhir}", "    his: fhir", "line 15: hospitals[an-kang].his has to be keys with values"},
		"a second document":                     {"hospitals:", "---\nhospitals:", "one YAML document"},
		"a variable that is not there":          {"https://pay.example.org", "${REGPAY_TEST_NOT_THERE}", "not in the environment: ${REGPAY_TEST_NOT_THERE}"},

		"no database":                        {"{dsn_file: dsn}", "{}", "database.dsn or database.dsn_file is missing"},
		"fewer connections than none":        {"{dsn_file: dsn}", "{dsn_file: dsn, max_conns: -1}", "database.max_conns is negative"},
		"a certificate without its key":      {"http:", "temporal: {cert_file: x}\nhttp:", "temporal.cert_file and temporal.key_file belong together"},
		"no public address":                  {"  public_url: https://pay.example.org", "  listen: 127.0.0.1:1", "http.public_url is missing, is no http(s) address, or ends in a slash"},
		"a slash at its end":                 {"https://pay.example.org", "https://pay.example.org/", "http.public_url is missing, is no http(s) address, or ends in a slash"},
		"an address without http":            {"https://pay.example.org", "pay.example.org", "http.public_url is missing, is no http(s) address, or ends in a slash"},
		"an origin with a path":              {"  public_url:", "  ui_origin: https://ui.example.org/\n  public_url:", "http.ui_origin is no origin: scheme and host, as in https://ui.example.org"},
		"no active key":                      {"active: k1, ", "", "encryption.active is missing"},
		"an active key that is not there":    {"active: k1", "active: k2", `encryption.active: "k2" is not one of encryption.keys`},
		"no key":                             {"[{id: k1, file: k1}]", "[]", "encryption.keys is missing"},
		"a key without a file":               {"{id: k1, file: k1}", "{id: k1}", "encryption.keys: each key has an id and a file"},
		"two keys of one id":                 {"{id: k1, file: k1}", "{id: k1, file: a}, {id: k1, file: b}", `encryption.keys: two keys have the id "k1"`},
		"no index key":                       {", index_key_file: index", "", "encryption.index_key_file is missing"},
		"a hospital's id in upper case":      {"id: ren-he", "id: RenHe", `hospitals: the id "RenHe" is not 2 to 32 lower-case letters, digits and hyphens`},
		"a hospital twice":                   {"id: an-kang", "id: ren-he", "hospitals: two have the id ren-he"},
		"a merchant twice":                   {"1900000002", "1900000001", "hospital an-kang: channels.wechat.mchid 1900000001 is used by hospital ren-he already"},
		"a HIS of another kind":              {"    his: {kind: fhir}", "    his: {kind: hl7}", "hospital an-kang: his.kind has to be fhir"},
		"no callback secret":                 {"    callback_secret_file: secret\n", "", "hospital ren-he: callback_secret_file is missing"},
		"a time below nothing":               {"      kind: fhir", "      kind: fhir\n      timeout: -1s", "hospital ren-he: his.timeout is negative"},
		"a limit below nothing":              {"      kind: fhir", "      kind: fhir\n    risk: {review_amount_fen: -1}", "hospital ren-he: risk.review_amount_fen is negative"},
		"a second person below nothing":      {"      kind: fhir", "      kind: fhir\n    review: {second_person_above_fen: -1}", "hospital ren-he: review.second_person_above_fen is negative"},
		"a limit without its window":         {"      kind: fhir", "      kind: fhir\n    risk: {refuse_after: 5}", "hospital ren-he: risk.window is missing: risk.review_after and risk.refuse_after count within it"},
		"a console that nobody can enter":    {"hospitals:", "console: {enabled: true}\nhospitals:", "console: nobody could sign in: set console.local or console.oidc"},
		"a console in the clear":             {"https://pay.example.org", "http://pay.example.org\nconsole: {enabled: true, local: true}", "console: http.public_url has to be https, unless it is this machine alone (127.0.0.1, localhost)"},
		"a sign-in for days":                 {"hospitals:", "console: {enabled: true, local: true, session_hours: 25}\nhospitals:", "console.session_hours lies between 1 and 24"},
		"a UI without http":                  {"hospitals:", "console: {enabled: true, local: true, temporal_ui: ui.example.org}\nhospitals:", "console.temporal_ui is no http(s) address"},
		"a proxy by name":                    {"hospitals:", "console: {enabled: true, local: true, proxies: [proxy]}\nhospitals:", `console.proxies: "proxy" is no address or network such as 10.0.0.0/8`},
		"an issuer in the clear":             {"hospitals:", issuer("issuer: http://id.example.org"), "console.oidc.issuer is missing or no https address"},
		"an issuer that is missing":          {"hospitals:", issuer("issuer: ''"), "console.oidc.issuer is missing or no https address"},
		"no client":                          {"hospitals:", issuer("client_id: ''"), "console.oidc.client_id is missing"},
		"no claim for roles":                 {"hospitals:", issuer("roles_claim: ''"), "console.oidc.roles_claim is missing"},
		"no claim for hospitals":             {"hospitals:", issuer("hospitals_claim: ''"), "console.oidc.hospitals_claim is missing"},
		"no roles":                           {"hospitals:", issuer("role_map: {}"), "console.oidc.role_map is missing: nobody would have a role"},
		"a role that is none":                {"hospitals:", issuer("role_map: {desk: clerk}"), `console.oidc.role_map: desk is to be "clerk", which is none of support, finance, auditor, admin`},
		"missed visits without their window": {"      kind: fhir", "      kind: fhir\n    risk: {review_no_shows: 5, window: 1h}", "hospital ren-he: risk.no_show_window is missing: risk.review_no_shows and risk.refuse_no_shows count within it"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Parse(edited(t, tc.old, tc.with))
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, c)
			if !strings.Contains(tc.with, "---") {
				require.NotContains(t, err.Error(), "\n", "one mistake, one line")
			}
			require.NotContains(t, err.Error(), "config.", "no word of Go")
		})
	}
}

// issuer is a console with a sign-in at an issuer, one setting of it replaced.
func issuer(with string) string {
	key, _, _ := strings.Cut(with, ":")
	settings := []string{with}
	for _, s := range []string{"issuer: https://id.example.org", "client_id: regpay", "roles_claim: roles", "hospitals_claim: hospitals", "role_map: {desk: support}"} {
		if !strings.HasPrefix(s, key+":") {
			settings = append(settings, s)
		}
	}
	return "console: {enabled: true, oidc: {" + strings.Join(settings, ", ") + "}}\nhospitals:"
}

func TestAConsoleIsReadWithItsDefaults(t *testing.T) {
	c, err := config.Parse(edited(t, "hospitals:", issuer("issuer: https://id.example.org")))
	require.NoError(t, err)
	require.Equal(t, 10, c.Console.SessionHours)
	require.Equal(t, map[string]string{"desk": "support"}, c.Console.OIDC.RoleMap)

	c, err = config.Parse(edited(t, "  public_url: https://pay.example.org",
		"  public_url: http://127.0.0.1:8080\n  ui_origin: http://127.0.0.1:8233\nconsole: {enabled: true, local: true, proxies: [10.1.2.3/8, 127.0.0.1]}"))
	require.NoError(t, err, "on this machine alone, nobody listens")
	require.Equal(t, "http://127.0.0.1:8233", c.Console.TemporalUI, "the UI is where http.ui_origin is")
	networks, err := c.Console.Networks()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}, networks)
}

func TestWithoutAConsoleNothingOfItIsAsked(t *testing.T) {
	c, err := config.Parse([]byte(good))
	require.NoError(t, err)
	require.False(t, c.Console.Enabled)
}

func TestWhatIsWrongInSeveralPlacesIsToldAtOnce(t *testing.T) {
	_, err := config.Parse(nil)
	for _, key := range []string{"database.dsn", "http.public_url", "encryption.active", "encryption.keys", "encryption.index_key_file", "hospitals"} {
		require.ErrorContains(t, err, key)
	}
}

func TestVariablesAreTakenFromTheEnvironment(t *testing.T) {
	t.Setenv("REGPAY_TEST_HOST", "pay.example.org")
	c, err := config.Parse(edited(t, "pay.example.org", "${REGPAY_TEST_HOST}"))
	require.NoError(t, err)
	require.Equal(t, "https://pay.example.org", c.HTTP.PublicURL)
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "nowhere.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "nowhere.yaml")
}

// load keeps good in a folder with files.
func load(t *testing.T, files map[string]string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	files["regpay.yaml"] = good
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	c, err := config.Load(filepath.Join(dir, "regpay.yaml"))
	require.NoError(t, err)
	return c
}

func TestSecretsAreFoundBesideTheFileWithoutTheirLineEnds(t *testing.T) {
	c := load(t, map[string]string{"dsn": "postgres://x\r\n", "k1": strings.Repeat("0a", 16) + "\n"})
	dsn, err := c.DatabaseDSN()
	require.NoError(t, err)
	require.Equal(t, "postgres://x", dsn)
	key, err := c.Key("k1")
	require.NoError(t, err)
	require.Len(t, key, 16)
	require.Equal(t, "/etc/k1", c.Path("/etc/k1"))
}

func TestASecretThatCannotBeUsedIsNamedAndNotShown(t *testing.T) {
	c := load(t, map[string]string{"empty": "\n", "short": "0a0b", "letters": strings.Repeat("zz", 16)})
	for _, file := range []string{"missing", "empty", "short", "letters"} {
		_, err := c.Key(file)
		require.ErrorContains(t, err, file)
		require.NotContains(t, err.Error(), "0a0b")
		require.NotContains(t, err.Error(), "zz")
	}
	_, err := c.Secret("empty")
	require.ErrorContains(t, err, "empty is empty")
	_, err = c.Secret("")
	require.Error(t, err)
	_, err = c.DatabaseDSN()
	require.ErrorContains(t, err, "database.dsn_file")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTimesAreReadAsTheyAreWritten(t *testing.T) {
	c, err := config.Parse(edited(t, "      kind: fhir", "      kind: fhir\n      timeout: 1m30s"))
	require.NoError(t, err)
	require.Equal(t, 90*time.Second, c.Hospitals[0].HIS.Timeout)
}

// Whatever stands in the file, reading it ends, and it ends with either a
// configuration that holds the rules or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("hospitals: [{id: [a], name: x}]"))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Add([]byte("hospitals:\n- &h {id: aa}\n- *h\n? [x]\n: y\n"))
	f.Add([]byte("http: {listen: ${HOME}}\n---\n{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := config.Parse(raw)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, h := range c.Hospitals {
			if seen[h.ID] || h.CallbackSecretFile == "" {
				t.Fatalf("hospital %q", h.ID)
			}
			seen[h.ID] = true
		}
		if len(seen) == 0 || c.HTTP.PublicURL == "" || c.Encryption.Active == "" {
			t.Fatal("a configuration without what it needs")
		}
	})
}
