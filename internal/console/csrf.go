package console

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
)

// A form of another site, or one that somebody else's page sends along, is
// refused three times over: the cookie does not go with it (SameSite), the
// browser says where it comes from (checkOrigin), and it does not know the
// session's token (checkToken).

// Names under which a form and htmx send the session's token.
const (
	fieldToken  = "csrf"
	headerToken = "X-CSRF-Token"
)

// csrf is the token of the session, as forms send it.
func (p *page) csrf() string {
	if !p.signedIn() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(p.session.CSRF)
}

// checkToken says whether a form was made for this session.
func (s *server) checkToken(p *page) bool {
	given := p.r.PostForm.Get(fieldToken)
	if given == "" {
		given = p.r.Header.Get(headerToken)
	}
	want := p.csrf()
	return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// checkOrigin refuses what the browser says comes from elsewhere. A browser
// sends at least one of the two headers with every form; what sends neither is
// none.
func (s *server) checkOrigin(r *http.Request) error {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch {
	case site == "" && origin == "":
		return errStaleForm
	case site != "" && site != "same-origin":
		return errStaleForm
	case origin != "" && origin != s.origin && site == "":
		// Behind a name of its own inside the hospital, the browser's word that it
		// is the same origin is what counts.
		return errStaleForm
	}
	return nil
}
