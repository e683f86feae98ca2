// Package codec serves the payload codec to Temporal's UI, so that an
// authorised operator reads plain text there while Temporal itself has none.
//
// The UI's pages call it from the browser. An operator signs in once, on a
// page of this package, with the installation's codec token; a cookie, good
// for a working day, then opens it. Programs send the token as a bearer token.
package codec

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"
)

// Session is how long a sign-in lasts.
const Session = 10 * time.Hour

const (
	cookieName = "regpay_codec"
	maxBody    = 16 << 20 // a long history's payloads, in one request
)

// Options are what the endpoint works with; all but Now are required.
type Options struct {
	Codec converter.PayloadCodec
	// Token is the secret that an operator signs in with.
	Token []byte
	// Origin is the UI's, such as https://temporal.example.org.
	Origin string
	// Path is where the handler is mounted, without a slash at the end.
	Path string
	// Secure marks the cookie for https alone.
	Secure bool
	Log    *zap.Logger
	Now    func() time.Time
}

type endpoint struct {
	Options
	payloads http.Handler
}

//go:embed signin.html
var signInPage []byte

// New makes the handler for everything below Options.Path. Without a token it
// refuses everybody.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &endpoint{Options: o, payloads: converter.NewPayloadCodecHTTPHandler(o.Codec)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+o.Path+"/{$}", e.page)
	mux.HandleFunc("POST "+o.Path+"/session", e.signIn)
	mux.HandleFunc("POST "+o.Path+"/decode", e.decode)
	mux.HandleFunc("OPTIONS "+o.Path+"/decode", func(w http.ResponseWriter, r *http.Request) {
		e.allowOrigin(w, r)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (e *endpoint) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && origin == e.Origin {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
	}
}

func (e *endpoint) decode(w http.ResponseWriter, r *http.Request) {
	e.allowOrigin(w, r)
	w.Header().Set("Cache-Control", "no-store")
	if !e.authorised(r) {
		http.Error(w, "sign in at "+e.Path+"/ first", http.StatusUnauthorized)
		return
	}
	e.Log.Info("payloads decoded for an operator", zap.String("remote", r.RemoteAddr))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	e.payloads.ServeHTTP(w, r)
}

func (e *endpoint) authorised(r *http.Request) bool {
	if len(e.Token) == 0 {
		return false
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return e.isToken(bearer)
	}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, _, _ := strings.Cut(c.Value, ".")
	unix, err := strconv.ParseInt(until, 10, 64)
	return err == nil && e.Now().Before(time.Unix(unix, 0)) && hmac.Equal([]byte(e.ticket(unix)), []byte(c.Value))
}

func (e *endpoint) isToken(s string) bool {
	a, b := sha256.Sum256([]byte(s)), sha256.Sum256(e.Token)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// ticket is a sign-in's cookie: until when, and a proof that we said so.
func (e *endpoint) ticket(unix int64) string {
	mac := hmac.New(sha256.New, e.Token)
	until := strconv.FormatInt(unix, 10)
	mac.Write([]byte("regpay codec session until " + until))
	return until + "." + hex.EncodeToString(mac.Sum(nil))
}

func (e *endpoint) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "+
		// A browser holds the redirect after the sign-in to this, too.
		"form-action 'self' "+e.Origin)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(signInPage) // the browser has gone
}

func (e *endpoint) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if len(e.Token) == 0 || !e.isToken(strings.TrimSpace(r.PostFormValue("token"))) {
		e.Log.Warn("codec sign-in refused", zap.String("remote", r.RemoteAddr))
		http.Error(w, "That is not the token. 令牌不正确。", http.StatusForbidden)
		return
	}
	until := e.Now().Add(Session)
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: e.ticket(until.Unix()), Path: e.Path, Expires: until,
		HttpOnly: true, Secure: e.Secure, SameSite: http.SameSiteStrictMode,
	})
	e.Log.Info("codec sign-in", zap.String("remote", r.RemoteAddr))
	http.Redirect(w, r, e.Origin, http.StatusSeeOther)
}
