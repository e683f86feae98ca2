package console

import (
	"net/http"
	"net/url"
	"strings"
)

// policy is the content security policy. Scripts and styles are files of ours:
// no text of a payment can become one, however it got into a page. issuer is
// where people sign in, or empty: a browser holds the redirects that follow a
// form to the policy, too.
func policy(issuer string) string {
	forms := "'self'"
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		forms += " " + u.Scheme + "://" + u.Host
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
		"form-action " + forms, "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// guarded sets the headers that every answer of the console has.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		// With no-referrer a browser would send "Origin: null" with our own forms.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // assets say otherwise
		next.ServeHTTP(w, r)
	})
}
