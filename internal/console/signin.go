package console

import (
	"net/http"
	"net/url"
	"strings"
)

// signInData is what signin.html is made of.
type signInData struct {
	Local, OIDC bool
	Login, Next string
	Message     string
}

// signInPage is where people sign in. Whoever is signed in already goes on.
func (s *server) signInPage(p *page) error {
	next, _ := below(p.query("next"))
	if p.signedIn() {
		return p.redirect(next)
	}
	data := s.signInData(next)
	if p.query("ended") != "" {
		s.dropCookie(p.w, cookieSession)
		data.Message = say(p.lang, "signin_expired")
	}
	return p.render("signin.html", data)
}

func (s *server) signInData(next string) signInData {
	d := signInData{Local: s.local != nil, OIDC: s.oidc != nil}
	if next != "" {
		d.Next = base + next
	}
	return d
}

// below is within for where somebody goes after a sign-in, which is never the
// sign-in itself.
func below(next string) (string, bool) {
	rest, ok := within(next)
	if strings.HasPrefix(rest, pathSignIn) {
		return "", false
	}
	return rest, ok
}

// within takes an address within the console apart and gives the part below
// base; false for any other, such as another site's. Nobody is to be sent
// elsewhere by a link that begins here.
func within(next string) (string, bool) {
	if next == "" || len(next) > 1000 || strings.ContainsAny(next, "\\") || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", false
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), base)
	if !ok || rest != "" && !strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "//") {
		return "", false
	}
	for _, part := range strings.Split(u.Path, "/") {
		if part == ".." || part == "." {
			return "", false
		}
	}
	if rest == "/" {
		rest = ""
	}
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	return rest, true
}

// refuseSignIn shows the sign-in page again.
func (s *server) refuseSignIn(p *page, status int, login, next, key string, args ...any) error {
	data := s.signInData(next)
	data.Login, data.Message = login, say(p.lang, key, args...)
	if status == http.StatusTooManyRequests {
		p.w.Header().Set("Retry-After", "60")
	}
	return p.renderStatus(status, "signin.html", data)
}
