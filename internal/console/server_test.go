package console

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const wantPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'%s; base-uri 'none'; frame-ancestors 'none'"

func TestEveryAnswerHasThePolicyAndIsNotKept(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	for _, path := range []string{"/console", "/console/desk", "/console/signin", "/console/nothing", "/console/panic", "/console/people"} {
		h := b.get(path).Header
		require.Equal(t, strings.Replace(wantPolicy, "%s", "", 1), h.Get("Content-Security-Policy"), path)
		require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), path)
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
		require.Len(t, h.Get("X-Request-Id"), 24, path)
	}
	require.Equal(t, strings.Replace(wantPolicy, "%s", " https://id.example.org", 1), policy("https://id.example.org/realms/x"))
}

// The policy lets none of it run, so a page with it would look right in the
// template and be broken in the browser.
func TestThePagesHaveNoScriptOrStyleInThem(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	for _, body := range []string{b.get("/console/desk").body, s.browser().get("/console/signin").body} {
		for _, inline := range []string{"<style", " style=", " onclick=", " onload=", "javascript:", "<script>"} {
			require.NotContains(t, body, inline)
		}
		require.NotRegexp(t, `(src|href)="(https?:)?//`, body, "nothing is loaded from elsewhere")
	}
}

func TestAssetsAreKeptUnderTheVersionThatAPageNames(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	page := b.get("/console/signin").body
	at := strings.Index(page, "/console/assets/console.css?v=")
	require.Positive(t, at)
	address, _, _ := strings.Cut(page[at:], `"`)
	res := b.get(address)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "text/css; charset=utf-8", res.Header.Get("Content-Type"))
	require.Contains(t, res.Header.Get("Cache-Control"), "immutable")
	require.Equal(t, "no-store", b.get("/console/assets/console.css?v=old").Header.Get("Cache-Control"))
	for _, name := range []string{"README", "..%2fserver.go", "nothing.js"} {
		require.Equal(t, http.StatusNotFound, b.get("/console/assets/"+name).StatusCode, name)
	}
}

func TestAMessageIsShownOnceToWhomItIsForAndStaysText(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	b.post("/console/things/ren-he", url.Values{"csrf": {b.csrf()}, "note": {"<script>x</script>\x00\x07"}})
	kept := b.cookie("regpay_console_flash")
	require.NotEmpty(t, kept)

	other := s.signedIn("zhao")
	other.plant("regpay_console_flash", kept)
	require.NotContains(t, other.get("/console/people").body, "probe &lt;b&gt;", "it is bound to the session")

	body := b.get("/console/desk").body
	require.Contains(t, body, "probe &lt;b&gt;")
	require.NotContains(t, body, "<script>x")
	require.NotContains(t, b.get("/console/desk").body, "probe &lt;b&gt;")

	text, proof, _ := strings.Cut(kept, ".")
	b.plant("regpay_console_flash", text+"A."+proof)
	require.NotContains(t, b.get("/console/desk").body, "probe &lt;b&gt;", "nobody can write one")
	b.plant("regpay_console_flash", kept)
	s.clock.pass(flashLife)
	require.NotContains(t, b.get("/console/desk").body, "probe &lt;b&gt;", "its time is over")
}

func TestWhatASignedCookieIsForCannotBeChanged(t *testing.T) {
	at := time.Unix(1000, 0)
	s := &server{cookieKey: []byte(strings.Repeat("k", 32)), now: func() time.Time { return at }}
	value, err := s.sign("flash", []byte("a"), "text", at.Add(time.Minute))
	require.NoError(t, err)
	var got string
	require.True(t, s.signed("flash", []byte("a"), value, &got))
	require.Equal(t, "text", got)
	require.False(t, s.signed("oidc", []byte("a"), value, &got))
	require.False(t, s.signed("flash", []byte("b"), value, &got))
	require.False(t, s.signed("flash", nil, value, &got))
	other := &server{cookieKey: []byte(strings.Repeat("x", 32)), now: s.now}
	require.False(t, other.signed("flash", []byte("a"), value, &got))
	at = at.Add(time.Minute)
	require.False(t, s.signed("flash", []byte("a"), value, &got))
}

func FuzzSigned(f *testing.F) {
	at := time.Unix(1000, 0)
	s := &server{cookieKey: []byte(strings.Repeat("k", 32)), now: func() time.Time { return at }}
	good, err := s.sign("flash", nil, []flashMessage{{Key: "k", Args: arguments{"a", 1}}}, at.Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("e30.AA")
	f.Add(".")
	f.Fuzz(func(t *testing.T, value string) {
		var all []flashMessage
		if s.signed("flash", nil, value, &all) && value != good {
			t.Fatalf("%q was taken", value)
		}
	})
}

func TestProblemsSayNothingOfTheInside(t *testing.T) {
	seen, logs := observer.New(zap.InfoLevel)
	s := newSite(t, func(o *Options) { o.Log = zap.New(seen) })
	b := s.signedIn("li")
	for path, want := range map[string]struct {
		status int
		key    string
	}{
		"/console/rule":    {http.StatusConflict, "problem_rule"},
		"/console/lost":    {http.StatusServiceUnavailable, "problem_unavailable"},
		"/console/panic":   {http.StatusInternalServerError, "problem_internal"},
		"/console/nothing": {http.StatusNotFound, "problem_not_found"},
	} {
		res := b.get(path + "?patient=110101199001011237")
		require.Equal(t, want.status, res.StatusCode, path)
		require.Contains(t, res.body, worded(want.key), path)
		require.Contains(t, res.body, res.Header.Get("X-Request-Id"), path)
		require.NotContains(t, res.body, "secret text")
	}
	require.Equal(t, http.StatusMethodNotAllowed, b.post("/console/desk", url.Values{"csrf": {"x"}}).StatusCode)
	require.NotZero(t, logs.Len())
	for _, line := range logs.All() {
		for _, f := range append(line.Context, zap.String("message", line.Message)) {
			require.NotContains(t, f.String, "110101199001011237", "what was asked for is not logged")
			require.NotContains(t, f.String, "a long enough one")
		}
	}
}

func TestWhereSomebodyIsComesFromKnownProxiesAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		proxies   []string
		forwarded string
		want      string
	}{
		"without proxies nothing is believed":      {nil, "203.0.113.7", "127.0.0.1"},
		"a proxy says where":                       {[]string{"127.0.0.0/8"}, "203.0.113.7", "203.0.113.7"},
		"what stands before it anybody can write":  {[]string{"127.0.0.0/8"}, "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		"one proxy behind another":                 {[]string{"127.0.0.0/8", "10.0.0.0/8"}, "203.0.113.7, 10.0.0.9", "203.0.113.7"},
		"nonsense ends the way":                    {[]string{"127.0.0.0/8", "10.0.0.0/8"}, "203.0.113.7, <script>, 10.0.0.9", "10.0.0.9"},
		"a proxy that says nothing is where it is": {[]string{"127.0.0.0/8"}, "", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) {
				for _, p := range tc.proxies {
					o.Proxies = append(o.Proxies, netip.MustParsePrefix(p))
				}
			})
			body := s.signedIn("li").get("/console/where", "X-Forwarded-For", tc.forwarded).body
			require.Contains(t, body, ">"+tc.want+"<")
		})
	}
}

func TestAnIncompleteConsoleIsNotServed(t *testing.T) {
	whole := Options{Engine: noEngine{}, Books: &signInMemory{}, Hospitals: []Hospital{{ID: renHe}}, Origin: "https://x", CookieKey: make([]byte, 32), Local: true}
	for name, spoil := range map[string]func(*Options){
		"no engine": func(o *Options) { o.Engine = nil }, "no books": func(o *Options) { o.Books = nil },
		"no hospital": func(o *Options) { o.Hospitals = nil }, "no origin": func(o *Options) { o.Origin = "" },
		"a short key": func(o *Options) { o.CookieKey = o.CookieKey[:31] }, "no way in": func(o *Options) { o.Local = false },
	} {
		o := whole
		spoil(&o)
		require.Panics(t, func() { New(o) }, name)
	}
	require.NotPanics(t, func() { New(whole) })
}

func TestTextsOfFormsAreCleaned(t *testing.T) {
	require.Equal(t, "a\nb\tc", clean("  a\r\nb\tc\x00\x07\x7f\xff "))
}

func TestLinksToWorkflowsAreMadeOfTheirIDs(t *testing.T) {
	s := &server{workflows: "https://t.example.org/namespaces/regpay/workflows/"}
	require.Equal(t, s.workflows+"payment%2Fren-he%2FR1", s.workflowLink("payment/ren-he/R1"))
	require.Empty(t, s.workflowLink(""))
	require.Empty(t, (&server{}).workflowLink("x"))
}
