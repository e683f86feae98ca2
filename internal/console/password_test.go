package console

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const chosen = "four words of my own"

// choose sends the form of an own password.
func (b *browser) choose(old, new, again string) answer {
	b.s.t.Helper()
	found := field.FindStringSubmatch(b.get("/console/password").body)
	require.NotNil(b.s.t, found)
	return b.post("/console/password", url.Values{"csrf": {found[1]}, "old": {old}, "new": {new}, "again": {again}})
}

func TestWhosePasswordOthersHaveSeenSeesNothingElse(t *testing.T) {
	s := newSite(t)
	s.books.accounts["li"].seen = true
	b := s.signedIn("li")
	for _, path := range []string{"/console", "/console/", "/console/desk", "/console/things/ren-he", "/console/rule"} {
		require.Equal(t, "/console/password", b.get(path).to(), path)
	}
	page := b.get("/console/password")
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.body, worded("password_must"))
	require.NotContains(t, page.body, worded("nav_desk"), "the menu leads nowhere yet")
	csrf := field.FindStringSubmatch(page.body)[1]
	require.Equal(t, "/console/password", b.post("/console/things/ren-he", url.Values{"csrf": {csrf}}).to())
	require.Empty(t, s.done)
	htmx := b.get("/console/desk", "HX-Request", "true")
	require.Equal(t, "/console/password", htmx.Header.Get("HX-Redirect"))

	before := b.cookie("regpay_console")
	require.Equal(t, "/console", b.choose("a long enough one", chosen, chosen).to())
	require.NotEqual(t, before, b.cookie("regpay_console"), "a new session")
	require.True(t, s.books.ended(before))
	require.Contains(t, b.get("/console/desk").body, worded("flash_password_changed"))
	require.Equal(t, http.StatusForbidden, s.browser().signIn("li", "a long enough one").StatusCode)
	require.Equal(t, http.StatusSeeOther, s.browser().signIn("li", chosen).StatusCode)
}

func TestSigningOutNeedsNoNewPassword(t *testing.T) {
	s := newSite(t)
	s.books.accounts["li"].seen = true
	b := s.signedIn("li")
	token := b.cookie("regpay_console")
	csrf := field.FindStringSubmatch(b.get("/console/password").body)[1]
	require.Equal(t, "/console/signin", b.post("/console/signout", url.Values{"csrf": {csrf}}).to())
	require.True(t, s.books.ended(token))
}

func TestChoosingAPasswordSaysWhatIsWrong(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	require.Contains(t, b.get("/console/desk").body, `href="/console/password"`, "at the person's name")
	require.Contains(t, b.get("/console/password").body, worded("password_lead"))
	for key, c := range map[string][3]string{
		"wrong_password_again": {"a long enough one", chosen, chosen + "."},
		"wrong_password_short": {"a long enough one", "short", "short"},
		"wrong_password_same":  {"a long enough one", "a long enough one", "a long enough one"},
		"wrong_password_old":   {"not the old one", chosen, chosen},
	} {
		res := b.choose(c[0], c[1], c[2])
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, key)
		require.Contains(t, res.body, worded(key))
		for _, typed := range c {
			require.NotContains(t, res.body, `value="`+typed)
		}
	}
	for range staff.MaxWrong {
		b.choose("not the old one", chosen, chosen)
	}
	require.Contains(t, b.choose("a long enough one", chosen, chosen).body, worded("wrong_password_locked"))
	require.Equal(t, "a long enough one", s.books.accounts["li"].password)
}

func TestAPasswordOfAnIssuerIsNotChangedHere(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	session := *s.books.sessions[b.cookie("regpay_console")]
	session.Via = store.ViaOIDC
	p := &page{session: &session, person: session.Person, server: &server{}}
	require.ErrorIs(t, p.server.passwordPage(p), errNotFound)
	require.ErrorIs(t, p.server.changePassword(p), errNotFound)
	require.False(t, p.local())
}

// addressed notes from where the books were asked.
type addressed struct {
	Books
	from []string
}

func (a *addressed) EndSession(ctx context.Context, token string, at time.Time) error {
	a.from = append(a.from, store.AddressOf(ctx))
	return a.Books.EndSession(ctx, token, at)
}

func TestTheBooksAreToldFromWhereTheyAreAsked(t *testing.T) {
	var books *addressed
	s := newSite(t, func(o *Options) { books = &addressed{Books: o.Books}; o.Books = books })
	b := s.signedIn("li")
	b.post("/console/signout", url.Values{"csrf": {b.csrf()}})
	require.Equal(t, []string{"127.0.0.1"}, books.from)
}

func TestPeopleOfAnIssuerHaveNames(t *testing.T) {
	d := newDesk(t)
	d.books.file.Timeline[2].Actor = "oidc:~3f"
	body := d.signedIn("sun").get("/console/payments/" + somePayment).body
	require.Contains(t, body, "王静")
	require.NotContains(t, body, "oidc:~3f")
}
