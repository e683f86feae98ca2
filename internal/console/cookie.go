package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Names of the cookies, without what cookieName puts before them.
const (
	cookieSession = ""
	cookieFlash   = "flash"
	cookieOIDC    = "oidc"
)

// cookieName is a cookie's name in the browser. Over https a browser takes one
// that begins with __Host- only from this very host and only for https, so that
// neither a neighbouring host nor plain http can put one there.
func (s *server) cookieName(name string) string {
	base := "regpay_console"
	if s.secure {
		base = "__Host-regpay"
	}
	if name == "" {
		return base
	}
	if s.secure {
		return base + "-" + name
	}
	return base + "_" + name
}

// setCookie gives the browser a cookie that scripts cannot read. keep is zero
// for one that ends with the browser. It is sent along when somebody follows a
// link to the console, since the way back from an OIDC issuer is such a link,
// and never with a form of another site.
func (s *server) setCookie(w http.ResponseWriter, name, value string, keep time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(keep.Seconds()),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (s *server) dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(name), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (s *server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// note is what a signed cookie holds. Purpose and bound to what keep one from
// being taken for another, or for another person's.
type note struct {
	Until int64           `json:"u"` // Unix seconds
	Body  json.RawMessage `json:"b"`
}

// sign makes the value of a cookie that nobody can change, good until until.
// Whoever has the browser can read it.
func (s *server) sign(purpose string, bound []byte, body any, until time.Time) (string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	if raw, err = json.Marshal(note{Until: until.Unix(), Body: raw}); err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.proof(purpose, bound, text)), nil
}

// signed reads what sign made; false when it is anything else or is past its
// time.
func (s *server) signed(purpose string, bound []byte, value string, body any) bool {
	text, proof, ok := strings.Cut(value, ".")
	given, err := base64.RawURLEncoding.DecodeString(proof)
	if !ok || err != nil || !hmac.Equal(given, s.proof(purpose, bound, text)) {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var n note
	if err != nil || json.Unmarshal(raw, &n) != nil || !s.now().Before(time.Unix(n.Until, 0)) {
		return false
	}
	return json.Unmarshal(n.Body, body) == nil
}

func (s *server) proof(purpose string, bound []byte, text string) []byte {
	// Each part is hashed by itself, so that no two lists of parts look alike.
	mac := hmac.New(sha256.New, s.cookieKey)
	for _, part := range [][]byte{[]byte(purpose), bound, []byte(text)} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	return mac.Sum(nil)
}
