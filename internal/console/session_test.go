package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

func TestASessionEndsWhenNobodyUsesIt(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	for range 3 {
		s.clock.pass(29 * time.Minute)
		require.Equal(t, http.StatusOK, b.get("/console/desk").StatusCode, "each use prolongs it")
	}
	s.clock.pass(30 * time.Minute)
	res := b.get("/console/desk?tab=mine")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.Equal(t, "/console/signin?ended=1&next=%2Fconsole%2Fdesk%3Ftab%3Dmine", res.to())

	res = b.get(res.to())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.body, worded("signin_expired"))
	require.Contains(t, res.body, `value="/console/desk?tab=mine"`, "signing in leads back")
	require.Empty(t, b.cookie("regpay_console"))
}

func TestASessionEndsAfterItsTimeHoweverBusy(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Session = 2 * time.Hour })
	b := s.signedIn("li")
	for range 5 {
		s.clock.pass(20 * time.Minute)
		require.Equal(t, http.StatusOK, b.get("/console/desk").StatusCode)
	}
	s.clock.pass(20 * time.Minute)
	require.Equal(t, http.StatusSeeOther, b.get("/console/desk").StatusCode)
	require.Equal(t, 10*time.Hour, DefaultSession)
}

// Whatever the books say, a session whose time is over opens nothing.
func TestTheTimesOfASessionAreCheckedHereToo(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	token := b.cookie("regpay_console")
	eternal := *s.books.sessions[token]
	for name, end := range map[string]func(){
		"idle":     func() { eternal.IdleAt = s.clock.now() },
		"absolute": func() { eternal.IdleAt, eternal.ExpiresAt = s.clock.now().Add(time.Hour), s.clock.now() },
	} {
		end()
		p := &page{server: &server{books: fixedSession{s.books, eternal}, local: newLocal(s.clock.now, 0)}, now: s.clock.now(), r: &http.Request{Header: http.Header{"Cookie": {"regpay_console=" + token}}}}
		require.NoError(t, p.server.identify(p))
		require.False(t, p.signedIn(), name)
	}
}

func TestAWayInThatWasClosedEndsItsSessions(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	token := b.cookie("regpay_console")
	session := *s.books.sessions[token]
	for via, open := range map[store.Via]*server{store.ViaLocal: {local: newLocal(s.clock.now, 0)}, store.ViaOIDC: {oidc: &oidcSignIn{}}} {
		for _, asked := range []store.Via{store.ViaLocal, store.ViaOIDC} {
			session.Via = asked
			open.books = fixedSession{s.books, session}
			p := &page{server: open, now: s.clock.now(), r: &http.Request{Header: http.Header{"Cookie": {"regpay_console=" + token}}}}
			require.NoError(t, open.identify(p))
			require.Equal(t, via == asked, p.signedIn(), "%s where %s is open", asked, via)
		}
	}
}

func TestAPageThatRefreshesItselfProlongsNothing(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	for range 2 {
		s.clock.pass(14 * time.Minute)
		require.Equal(t, http.StatusOK, b.get("/console/desk", "HX-Request", "true", "X-Console-Poll", "1").StatusCode)
	}
	s.clock.pass(2 * time.Minute)
	res := b.get("/console/desk", "HX-Request", "true", "X-Console-Poll", "1", "Referer", s.URL+"/console/desk?tab=mine")
	require.Equal(t, http.StatusUnauthorized, res.StatusCode, "a redirect would be followed unseen")
	require.Equal(t, "/console/signin?ended=1&next=%2Fconsole%2Fdesk%3Ftab%3Dmine", res.Header.Get("HX-Redirect"))
}

func TestCookiesAreForThisHostAloneAndNotForScripts(t *testing.T) {
	for origin, name := range map[string]string{"https://pay.example.org": "__Host-regpay", "": "regpay_console"} {
		s := newSite(t, func(o *Options) {
			if origin != "" {
				o.Origin = origin
			}
		})
		c := s.browser().signIn("li", "a long enough one").set(name)
		require.NotNil(t, c)
		require.Equal(t, origin != "", c.Secure)
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		require.Equal(t, "/", c.Path)
		require.Empty(t, c.Domain)
		require.Zero(t, c.MaxAge, "it goes with the browser")
		require.True(t, c.Expires.IsZero())
		require.Len(t, c.Value, tokenLength)
	}
}

func TestSigningInTakesANewTokenAndEndsTheOneBefore(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	before := b.cookie("regpay_console")
	b.get("/console/desk")
	require.Equal(t, http.StatusSeeOther, b.signIn("zhao", "another long one").StatusCode)
	require.NotEqual(t, before, b.cookie("regpay_console"))
	require.True(t, s.books.ended(before))

	planted := strings.Repeat("A", tokenLength)
	b = s.browser()
	b.plant("regpay_console", planted)
	b.signIn("li", "a long enough one")
	require.NotEqual(t, planted, b.cookie("regpay_console"), "nobody can choose somebody else's token")
}

func TestSigningOutEndsTheSessionAndNeedsItsToken(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	token, csrf := b.cookie("regpay_console"), b.csrf()
	require.Equal(t, http.StatusForbidden, b.post("/console/signout", nil).StatusCode)
	require.False(t, s.books.ended(token))

	res := b.post("/console/signout", url.Values{"csrf": {csrf}})
	require.Equal(t, "/console/signin", res.to())
	require.True(t, s.books.ended(token))
	require.Contains(t, b.get(res.to()).body, worded("signed_out"))
	b.plant("regpay_console", token)
	require.Equal(t, http.StatusSeeOther, b.get("/console/desk").StatusCode, "a copy of the cookie is worth nothing")
	require.Equal(t, http.StatusSeeOther, s.browser().post("/console/signout", nil).StatusCode, "signing out twice does no harm")
}

func TestWithoutTheBooksNobodyIsLetIn(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	s.books.down = errors.New("no connection")
	res := b.get("/console/desk")
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.NotContains(t, res.body, "no connection")
	require.Contains(t, res.body, res.Header.Get("X-Request-Id"))
}

func TestASignInLeadsNowhereButIntoTheConsole(t *testing.T) {
	for next, want := range map[string]string{
		"/console/cases/pay_1-C1?x=1": "/console/cases/pay_1-C1?x=1", "/console": "/console", "/console/": "/console",
		"": "/console", "https://evil.example": "/console", "//evil.example/console": "/console", "/v1/payments": "/console",
		"/consoles": "/console", "/console//evil.example": "/console", `/console/\evil.example`: "/console",
		"/console/../v1": "/console", "/console/%2e%2e/v1": "/console", "/console/a\r\nSet-Cookie: x=1": "/console",
		"javascript:alert(1)": "/console", "/console/signin?next=/console": "/console", "console/desk": "/console", "/console/x#y": "/console",
	} {
		s := newSite(t)
		res := s.browser().post("/console/signin", url.Values{"login": {"li"}, "password": {"a long enough one"}, "next": {next}})
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		require.Equal(t, want, res.to(), "%q", next)
	}
}

func FuzzWithin(f *testing.F) {
	for _, s := range []string{"/console/x?y=1", "//a", "/console/%2f/..", "/console?next=//a", "http:/console"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		rest, ok := within(next)
		if !ok {
			if rest != "" {
				t.Fatal("refused and used")
			}
			return
		}
		at, err := url.Parse(base + rest)
		if err != nil || at.Host != "" || at.Scheme != "" || !strings.HasPrefix(at.Path, base) || slices.Contains(strings.Split(at.Path, "/"), "..") || strings.ContainsAny(rest, "\r\n\\") {
			t.Fatalf("%q leads to %q", next, base+rest)
		}
	})
}
