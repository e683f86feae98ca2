package browser

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/staff"
)

// clientID is the console's at the issuer.
const clientID = "regpay"

// issuer is an organisation's OpenID Connect issuer with pages in a browser:
// one on which somebody says who they are, and one on which they sign out.
type issuer struct {
	*httptest.Server
	signer jose.Signer
	keys   jose.JSONWebKeySet

	mu      sync.Mutex
	granted map[string]grant // by code

	ended atomic.Int64 // how often somebody signed out
}

// grant is what a code stands for.
type grant struct {
	name   string
	errand url.Values
}

func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's key: %w", err)
	}
	private := jose.JSONWebKey{Key: key, KeyID: "1", Algorithm: string(jose.RS256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: private}, nil)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's signer: %w", err)
	}
	i := &issuer{signer: signer, keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}}, granted: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/keys", "end_session_endpoint": i.URL + "/end", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { tell(w, i.keys) })
	mux.HandleFunc("GET /authorize", i.ask)
	mux.HandleFunc("POST /authorize", i.grant)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /end", func(w http.ResponseWriter, r *http.Request) {
		i.ended.Add(1)
		http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusSeeOther)
	})
	i.Server = httptest.NewServer(mux)
	return i, nil
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// whoPage asks who somebody is. Its form goes to the address that it came from,
// errand included.
const whoPage = `<!doctype html><html lang="en"><title>Who are you?</title>
<link rel="icon" href="data:,"><form method="post"><input name="name"><button>It is me</button></form></html>`

func (i *issuer) ask(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, whoPage)
}

func (i *issuer) grant(w http.ResponseWriter, r *http.Request) {
	code, errand := rand.Text(), r.URL.Query()
	i.mu.Lock()
	i.granted[code] = grant{name: r.PostFormValue("name"), errand: errand}
	i.mu.Unlock()
	back := url.Values{"code": {code}, "state": {errand.Get("state")}, "iss": {i.URL}}
	http.Redirect(w, r, errand.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

// token gives the identity token of a code, once, to a public client that has
// the verifier (RFC 7636).
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	g, ok := i.granted[r.PostFormValue("code")]
	delete(i.granted, r.PostFormValue("code"))
	i.mu.Unlock()
	proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(proof[:]) != g.errand.Get("code_challenge") {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	token, err := jwt.Signed(i.signer).Claims(jwt.Claims{Issuer: i.URL, Subject: "u-" + g.name, Audience: jwt.Audience{clientID},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute))}).
		Claims(map[string]any{"nonce": g.errand.Get("nonce"), "name": g.name, "groups": []string{"desk"}, "hospitals": []string{linjiang}}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	tell(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": token})
}

// configured is the issuer in the console's configuration.
func (i *issuer) configured() *config.OIDC {
	return &config.OIDC{Issuer: i.URL, ClientID: clientID, RolesClaim: "groups", HospitalsClaim: "hospitals",
		RoleMap: map[string]string{"desk": string(staff.Support)}}
}

func TestSomebodySignsInAndOutAtTheOrganisationsIssuer(t *testing.T) {
	t.Parallel()
	w := place
	own, others := w.refused(t, linjiang), w.refused(t, qingshan)
	const atIssuer = `a[href*="/signin/oidc"]`
	d := w.newDesk(t, zh)
	d.watch.allow(w.issuer.URL)

	d.opens(own.page())
	require.Equal(t, "/signin", d.path())
	require.Equal(t, http.StatusOK, d.press(atIssuer))
	require.True(t, d.yes("location.origin === "+quoted(w.issuer.URL)))
	d.fill(`input[name=name]`, "周敏")
	require.Equal(t, http.StatusOK, d.press(`button`))
	require.Equal(t, own.page(), d.path(), "back where they wanted to be")
	require.Contains(t, d.text("header"), "周敏")
	d.says(own.order())
	require.Equal(t, http.StatusNotFound, d.open(others.page()), "the issuer's word on hospitals holds")

	d.opens("/queue")
	require.Equal(t, http.StatusOK, d.press(`form[action$="/signout"]`+sender))
	require.True(t, d.yes("location.origin === "+quoted(w.in.APIBase)), "back from where they signed out at the issuer")
	require.Equal(t, "/signin", d.path())
	require.Equal(t, int64(1), w.issuer.ended.Load(), "nobody else signs in there")
	d.opens("/queue")
	require.Equal(t, "/signin", d.path(), "who signed out is nobody")
}
