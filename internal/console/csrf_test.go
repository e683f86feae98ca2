package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFormThatIsNotOursChangesNothing(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	mine, foreign := b.csrf(), s.signedIn("zhao").csrf()
	require.NotEqual(t, mine, foreign)
	token := url.Values{"csrf": {mine}}
	for name, tc := range map[string]struct {
		form    url.Values
		headers []string
	}{
		"without a token":                     {},
		"with an empty token":                 {form: url.Values{"csrf": {""}}},
		"with the token of another session":   {form: url.Values{"csrf": {foreign}}},
		"with a part of the token":            {form: url.Values{"csrf": {mine[:20]}}},
		"with another session's, by header":   {headers: []string{"X-CSRF-Token", foreign}},
		"from another site":                   {token, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
		"from a neighbouring host":            {token, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://x.example.org"}},
		"from no site":                        {token, []string{"Sec-Fetch-Site", "none"}},
		"by an old browser from another site": {token, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}},
		"from a page without an origin":       {token, []string{"Sec-Fetch-Site", "", "Origin", "null"}},
		"by what is no browser":               {token, []string{"Sec-Fetch-Site", "", "Origin", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			res := b.post("/console/things/ren-he", tc.form, tc.headers...)
			require.Equal(t, http.StatusForbidden, res.StatusCode)
			require.Contains(t, res.body, worded("problem_stale_form"))
			require.Empty(t, s.done)
		})
	}
}

func TestOurOwnFormsAreTaken(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	token := b.csrf()
	for name, send := range map[string]func() answer{
		"as a field":       func() answer { return b.post("/console/things/ren-he", url.Values{"csrf": {token}}) },
		"as htmx sends it": func() answer { return b.post("/console/things/ren-he", nil, "X-CSRF-Token", token) },
		"by a browser of old": func() answer {
			return b.post("/console/things/ren-he", url.Values{"csrf": {token}}, "Sec-Fetch-Site", "")
		},
		"by a name inside": func() answer {
			return b.post("/console/things/ren-he", url.Values{"csrf": {token}}, "Origin", "https://desk.internal")
		},
		"without an origin's word": func() answer { return b.post("/console/things/ren-he", url.Values{"csrf": {token}}, "Origin", "") },
	} {
		s.done = nil
		require.Equal(t, http.StatusSeeOther, send().StatusCode, name)
		require.Equal(t, []string{renHe}, s.done, name)
	}
}

func TestNobodyIsSignedInByAnotherSite(t *testing.T) {
	s := newSite(t)
	res := s.browser().post("/console/signin", url.Values{"login": {"li"}, "password": {"a long enough one"}}, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	require.Empty(t, s.books.began)
}

func TestOnlyFormsOfBoundedSizeAreRead(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	token := b.csrf()
	res := b.post("/console/things/ren-he", url.Values{"csrf": {token}, "note": {strings.Repeat("x", maxForm)}})
	require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
	res = b.post("/console/things/ren-he", url.Values{"csrf": {token}}, "Content-Type", "application/json")
	require.Equal(t, http.StatusUnsupportedMediaType, res.StatusCode)
	require.Empty(t, s.done)
}
