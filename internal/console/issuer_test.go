package console

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// issuer is a small OpenID Connect issuer: what it says of itself, its keys, a
// token for a code, and who it is.
type issuer struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey

	mu     sync.Mutex
	errand url.Values // of the last request for a sign-in
	claims map[string]any
	// spoil changes the token's claims before it is signed, and its answer.
	spoil  func(claims map[string]any)
	signer *rsa.PrivateKey // nil: key
	info   map[string]any  // of the userinfo endpoint
	end    string          // where people sign out
	asked  int             // how often for what it says of itself
}

// issuerKey is made once: that takes longer than the rest of a test.
var issuerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key := issuerKey()
	i := &issuer{t: t, key: key, claims: map[string]any{"sub": "u-1", "name": "王芳", "hospitals": []string{renHe},
		"realm_access": map[string]any{"roles": []string{"desk", "offline_access"}}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked++
		i.answer(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/keys", "userinfo_endpoint": i.URL + "/userinfo",
			"end_session_endpoint": i.end, "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
			"n": raw64(key.N.Bytes()), "e": raw64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		i.answer(w, i.info)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func raw64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token gives an identity token for the code, to whoever has the verifier of
// the challenge that the sign-in was asked for with, and the client's secret.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, secret, _ := r.BasicAuth()
	if secret == "" {
		secret = r.PostFormValue("client_secret")
	}
	proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if secret != "client-secret" || r.PostFormValue("code") != "code-1" || r.PostFormValue("redirect_uri") != i.errand.Get("redirect_uri") ||
		raw64(proof[:]) != i.errand.Get("code_challenge") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	now := time.Now() // which the token's verifier goes by
	all := map[string]any{"iss": i.URL, "aud": i.errand.Get("client_id"), "nonce": i.errand.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for name, v := range i.claims {
		all[name] = v
	}
	if i.spoil != nil {
		i.spoil(all)
	}
	key := i.key
	if i.signer != nil {
		key = i.signer
	}
	i.answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": i.signed(key, all)})
}

func (i *issuer) signed(key *rsa.PrivateKey, claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"alg": "RS256", "kid": "1"})
	body, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	text := raw64(head) + "." + raw64(body)
	sum := sha256.Sum256([]byte(text))
	proof, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return text + "." + raw64(proof)
}

// authorise takes the browser's request for a sign-in, as the issuer's page
// would, and returns the query of the way back.
func (i *issuer) authorise(to string) url.Values {
	at, err := url.Parse(to)
	require.NoError(i.t, err)
	require.Equal(i.t, i.URL+"/authorize", at.Scheme+"://"+at.Host+at.Path)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.errand = at.Query()
	return url.Values{"code": {"code-1"}, "state": {i.errand.Get("state")}}
}
