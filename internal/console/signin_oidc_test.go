package console

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

func issuedBy(i *issuer) func(*Options) {
	return func(o *Options) {
		o.OIDC = &OIDC{Issuer: i.URL, ClientID: "regpay", ClientSecret: "client-secret", Scopes: []string{"roles"},
			RolesClaim: "realm_access.roles", HospitalsClaim: "hospitals",
			RoleMap: map[string]staff.Role{"desk": staff.Support, "books": staff.Finance}, Client: i.Client()}
	}
}

// goAndReturn is a sign-in at the issuer; change may change the way back.
func (b *browser) goAndReturn(i *issuer, change func(url.Values)) answer {
	b.s.t.Helper()
	res := b.get("/console/signin/oidc?next=/console/desk")
	require.Equal(b.s.t, http.StatusSeeOther, res.StatusCode)
	back := i.authorise(res.to())
	if change != nil {
		change(back)
	}
	return b.get("/console/signin/oidc/return?" + back.Encode())
}

func TestSigningInAtAnIssuer(t *testing.T) {
	i := newIssuer(t)
	s := newSite(t, issuedBy(i))
	b := s.browser()
	res := b.goAndReturn(i, nil)
	require.Equal(t, "/console/desk", res.to())
	require.Equal(t, http.StatusOK, b.get("/console/desk").StatusCode)
	require.Equal(t, []store.NewSession{{Via: store.ViaOIDC, Lasts: DefaultSession, Address: "127.0.0.1", Person: staff.Person{
		Subject: "oidc:u-1", Name: "王芳", Roles: []staff.Role{staff.Support}, Hospitals: []string{renHe}}}}, s.books.began)
	require.Empty(t, b.cookie("regpay_console_oidc"), "an errand is over after its answer")

	asked := i.errand
	require.Equal(t, "code", asked.Get("response_type"))
	require.Equal(t, "S256", asked.Get("code_challenge_method"))
	require.Equal(t, "openid profile roles", asked.Get("scope"))
	require.Equal(t, s.URL+"/console/signin/oidc/return", asked.Get("redirect_uri"))
	require.GreaterOrEqual(t, len(asked.Get("state")), 26)
	require.GreaterOrEqual(t, len(asked.Get("nonce")), 26)

	s.browser().goAndReturn(i, nil)
	require.NotEqual(t, asked.Get("state"), i.errand.Get("state"))
	require.NotEqual(t, asked.Get("nonce"), i.errand.Get("nonce"))
	require.NotEqual(t, asked.Get("code_challenge"), i.errand.Get("code_challenge"))
	require.Equal(t, 1, i.asked, "the issuer says once what it is")
}

func TestAnAnswerOfTheIssuerThatIsNotForThisErrandSignsNobodyIn(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		back   func(url.Values)
		issuer func(*issuer)
		claim  func(map[string]any)
	}{
		"another state":           {back: func(q url.Values) { q.Set("state", "another") }},
		"no state":                {back: func(q url.Values) { q.Del("state") }},
		"no code":                 {back: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }},
		"another code":            {back: func(q url.Values) { q.Set("code", "code-2") }},
		"another issuer's answer": {back: func(q url.Values) { q.Set("iss", "https://evil.example") }},
		"another nonce":           {claim: func(c map[string]any) { c["nonce"] = "another" }},
		"no nonce":                {claim: func(c map[string]any) { delete(c, "nonce") }},
		"for another client":      {claim: func(c map[string]any) { c["aud"] = "shop" }},
		"by another issuer":       {claim: func(c map[string]any) { c["iss"] = "https://evil.example" }},
		"that has run out":        {claim: func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }},
		"of nobody":               {claim: func(c map[string]any) { c["sub"] = "" }},
		"signed by somebody else": {issuer: func(i *issuer) { i.signer = stranger }},
		"another verifier's code": {issuer: func(i *issuer) { i.errand.Set("code_challenge", "another") }},
		"told of somebody else by": {issuer: func(i *issuer) {
			delete(i.claims, "hospitals")
			i.info = map[string]any{"sub": "u-2", "hospitals": "*"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.spoil = tc.claim
			s := newSite(t, issuedBy(i))
			b := s.browser()
			res := b.goAndReturn(i, func(q url.Values) {
				if tc.back != nil {
					tc.back(q)
				}
				if tc.issuer != nil {
					tc.issuer(i)
				}
			})
			require.Equal(t, "/console/signin", res.to())
			require.Contains(t, b.get(res.to()).body, worded("signin_failed"))
			require.Empty(t, s.books.began)
			require.Equal(t, http.StatusSeeOther, b.get("/console/desk").StatusCode)
		})
	}
}

func TestAnAnswerIsForTheBrowserThatAskedAndForOnce(t *testing.T) {
	i := newIssuer(t)
	s := newSite(t, issuedBy(i))
	b := s.browser()
	back := i.authorise(b.get("/console/signin/oidc").to())
	errand := b.cookie("regpay_console_oidc")

	victim := s.browser()
	require.Equal(t, "/console/signin", victim.get("/console/signin/oidc/return?"+back.Encode()).to(), "nobody is signed in as somebody else")
	require.Equal(t, "/console", b.get("/console/signin/oidc/return?"+back.Encode()).to())
	require.Empty(t, b.cookie("regpay_console_oidc"))
	require.Equal(t, "/console/signin", s.browser().get("/console/signin/oidc/return?"+back.Encode()).to())
	require.Len(t, s.books.began, 1)

	late := s.browser()
	late.plant("regpay_console_oidc", errand)
	s.clock.pass(oidcTime)
	require.Equal(t, "/console/signin", late.get("/console/signin/oidc/return?"+back.Encode()).to(), "it took too long")
	require.Len(t, s.books.began, 1)
}

func TestOnlyRolesAndHospitalsThatAreKnownHereCount(t *testing.T) {
	for name, tc := range map[string]struct {
		claims    map[string]any
		roles     []staff.Role
		hospitals []string
	}{
		"no role":                         {claims: map[string]any{"realm_access": map[string]any{"roles": []string{}}}},
		"a role that is not mapped":       {claims: map[string]any{"realm_access": map[string]any{"roles": []string{"admin", "support"}}}},
		"roles of another form":           {claims: map[string]any{"realm_access": []string{"desk"}}},
		"no hospital":                     {claims: map[string]any{"hospitals": []string{}}},
		"a hospital of somebody else":     {claims: map[string]any{"hospitals": []string{"xie-he"}}},
		"several of both":                 {map[string]any{"realm_access": map[string]any{"roles": []any{"books", "desk", "desk", 1}}, "hospitals": "xie-he ren-he an-kang"}, []staff.Role{staff.Finance, staff.Support}, []string{anKang, renHe}},
		"all hospitals":                   {map[string]any{"hospitals": "*"}, []staff.Role{staff.Support}, []string{"*"}},
		"a claim whose name has its dots": {map[string]any{"realm_access.roles": "books"}, []staff.Role{staff.Finance}, []string{renHe}},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.info = map[string]any{"sub": "u-1"}
			s := newSite(t, issuedBy(i))
			for claim, v := range tc.claims {
				i.claims[claim] = v
			}
			b := s.browser()
			res := b.goAndReturn(i, nil)
			if tc.roles == nil {
				require.Equal(t, "/console/signin", res.to())
				require.Contains(t, b.get(res.to()).body, worded("signin_no_role"))
				require.Empty(t, s.books.began)
				return
			}
			require.Equal(t, "/console/desk", res.to())
			require.Equal(t, tc.roles, s.books.began[0].Person.Roles)
			require.Equal(t, tc.hospitals, s.books.began[0].Person.Hospitals)
		})
	}
}

func TestWhatTheTokenDoesNotSayIsAskedFor(t *testing.T) {
	i := newIssuer(t)
	s := newSite(t, issuedBy(i))
	delete(i.claims, "hospitals")
	i.info = map[string]any{"sub": "u-1", "hospitals": []string{anKang}, "realm_access": map[string]any{"roles": []string{"books"}}}
	require.Equal(t, "/console/desk", s.browser().goAndReturn(i, nil).to())
	p := s.books.began[0].Person
	require.Equal(t, []string{anKang}, p.Hospitals)
	require.Equal(t, []staff.Role{staff.Support}, p.Roles, "what is signed counts first")
}

func TestAnIssuerThatIsAwayIsAskedAgain(t *testing.T) {
	i := newIssuer(t)
	away := true
	s := newSite(t, issuedBy(i), func(o *Options) {
		o.OIDC.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if away {
				return nil, http.ErrServerClosed
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	b := s.browser()
	require.Equal(t, "/console/signin", b.get("/console/signin/oidc").to())
	away = false
	require.Equal(t, "/console/signin", b.get("/console/signin/oidc").to(), "it rests")
	s.clock.pass(issuerRest)
	require.Equal(t, "/console/desk", b.goAndReturn(i, nil).to())
}

func TestNobodyQueuesForAnIssuerThatDoesNotAnswer(t *testing.T) {
	i := newIssuer(t)
	asked, goOn := make(chan struct{}, 9), make(chan struct{})
	s := newSite(t, issuedBy(i), func(o *Options) {
		o.OIDC.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			asked <- struct{}{}
			<-goOn
			return nil, http.ErrServerClosed
		})}
	})
	const people = 5
	sent := make(chan tried, people)
	for range people {
		b := s.browser()
		go func() {
			res, err := b.Get(b.s.URL + "/console/signin/oidc")
			if err == nil {
				err = res.Body.Close()
			}
			sent <- tried{res, err}
		}()
	}
	<-asked
	close(goOn)
	for range people {
		a := <-sent
		require.NoError(t, a.err)
		require.Equal(t, "/console/signin", a.res.Header.Get("Location"))
	}
	require.Empty(t, asked, "it was asked once for all of them")
}

type tried struct {
	res *http.Response
	err error
}

func TestWhatAnIssuerAnswersIsNotLogged(t *testing.T) {
	const secret = "13800005678 王芳"
	for name, tc := range map[string]struct {
		at, logged string
		status     int
	}{
		"of itself":      {"/.well-known/openid-configuration", "503 Service Unavailable", http.StatusServiceUnavailable},
		"of its keys":    {"/keys", "failed to decode keys", http.StatusOK},
		"no keys":        {"/keys", "404 Not Found", http.StatusNotFound},
		"of who it is":   {"/userinfo", "403 Forbidden", http.StatusForbidden},
		"about the code": {"/token", "the issuer refuses the code: 400", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			delete(i.claims, "hospitals")
			core, logs := observer.New(zap.DebugLevel)
			s := newSite(t, issuedBy(i), func(o *Options) {
				o.Log = zap.New(core)
				o.OIDC.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != tc.at {
						return http.DefaultTransport.RoundTrip(r)
					}
					return &http.Response{StatusCode: tc.status, Status: fmt.Sprint(tc.status, " ", secret), Header: http.Header{},
						Body: io.NopCloser(strings.NewReader(secret)), Request: r}, nil
				})}
			})
			b := s.browser()
			res := b.get("/console/signin/oidc")
			if res.to() != "/console/signin" {
				back := i.authorise(res.to())
				res = b.get("/console/signin/oidc/return?" + back.Encode())
			}
			require.Equal(t, "/console/signin", res.to())
			said := logs.FilterMessage("a sign-in at the issuer failed").All()
			require.Len(t, said, 1)
			require.Contains(t, said[0].ContextMap()["error"], tc.logged)
			require.NotContains(t, said[0].ContextMap()["error"], "13800005678")
		})
	}
}

func TestSigningOutEndsTheSignInAtTheIssuerToo(t *testing.T) {
	for end, want := range map[string]string{
		"":                            "/console/signin",
		"https://evil.example/logout": "/console/signin",
		"{issuer}/logout?realm=staff": "{issuer}/logout?client_id=regpay&post_logout_redirect_uri={back}&realm=staff",
	} {
		i := newIssuer(t)
		i.end = strings.ReplaceAll(end, "{issuer}", i.URL)
		s := newSite(t, issuedBy(i))
		b := s.browser()
		b.goAndReturn(i, nil)
		token := b.cookie("regpay_console")
		res := b.post("/console/signout", url.Values{"csrf": {b.csrf()}})
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		require.Equal(t, strings.NewReplacer("{issuer}", i.URL, "{back}", url.QueryEscape(s.URL+"/console/signin")).Replace(want), res.to())
		require.True(t, s.books.ended(token))
		require.Contains(t, b.get("/console/signin").body, worded("signed_out"))

		local := s.signedIn("li")
		require.Equal(t, "/console/signin", local.post("/console/signout", url.Values{"csrf": {local.csrf()}}).to(), "who was never there has nothing to end there")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
