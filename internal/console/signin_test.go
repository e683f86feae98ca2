package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

func TestSigningInStartsASessionOfThePersonAndSaysFromWhere(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	res := b.signIn(" LI ", "a long enough one")
	require.Equal(t, "/console", res.to(), "a login is the same in capitals")
	require.Equal(t, []store.NewSession{{Person: li(), Via: store.ViaLocal, Lasts: DefaultSession, Address: "127.0.0.1"}}, s.books.began)
	require.Equal(t, "/console/desk", b.get("/console").to(), "the first page of the menu")
	require.Equal(t, "/console", b.get("/console/signin").to(), "who is signed in goes on")
}

// same is what an answer says, without its number.
func same(a answer) string {
	return strings.ReplaceAll(a.body, a.Header.Get("X-Request-Id"), "")
}

func TestARefusedSignInTellsNothing(t *testing.T) {
	s := newSite(t)
	unknown := s.browser().signIn("nobody", "a long enough one")
	require.Equal(t, http.StatusForbidden, unknown.StatusCode)
	require.Contains(t, unknown.body, worded("signin_refused"))
	s.books.accounts["nobody"] = &fakeAccount{person: li(), password: "another"}
	wrong := s.browser().signIn("nobody", "a long enough one")
	require.Equal(t, http.StatusForbidden, wrong.StatusCode)
	require.Equal(t, same(unknown), same(wrong))
	s.books.accounts["nobody"].tries.Until = s.clock.now().Add(time.Hour)
	locked := s.browser().signIn("nobody", "another")
	require.Equal(t, http.StatusForbidden, locked.StatusCode)
	require.Equal(t, same(unknown), same(locked))
	require.Empty(t, s.books.began)
	require.NotContains(t, wrong.body, "a long enough one")
}

func TestAnAccountIsLockedAfterWrongPasswords(t *testing.T) {
	s := newSite(t)
	for range staff.MaxWrong {
		require.Equal(t, http.StatusForbidden, s.browser().signIn("li", "wrong").StatusCode)
	}
	require.Equal(t, http.StatusForbidden, s.browser().signIn("li", "a long enough one").StatusCode, "the right one comes too late")
	s.clock.pass(staff.FirstLock)
	require.Equal(t, http.StatusSeeOther, s.browser().signIn("li", "a long enough one").StatusCode)
}

func TestAnAddressThatTriesManyAccountsWaits(t *testing.T) {
	s := newSite(t)
	for range addressTries {
		require.Equal(t, http.StatusForbidden, s.browser().signIn("nobody", "wrong").StatusCode)
	}
	res := s.browser().signIn("li", "a long enough one")
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Contains(t, res.body, worded("signin_wait", 16))
	require.Empty(t, s.books.began)
	s.clock.pass(addressWindow)
	require.Equal(t, http.StatusSeeOther, s.browser().signIn("li", "a long enough one").StatusCode)
}

// A header that anybody can send is no way around the count, and somebody who
// sends it makes nobody wait whose address is known.
func TestThoseWhomAProxyHidesShareALargerCount(t *testing.T) {
	s := newSite(t)
	form := url.Values{"login": {"nobody"}, "password": {"wrong"}}
	hide := func(from string) int {
		return s.browser().post("/console/signin", form, "X-Forwarded-For", from).StatusCode
	}
	for range hiddenTries {
		require.Equal(t, http.StatusForbidden, hide("203.0.113.7"))
	}
	require.Equal(t, http.StatusTooManyRequests, hide("203.0.113.8"))
	require.Equal(t, http.StatusSeeOther, s.browser().signIn("li", "a long enough one").StatusCode)
}

func TestTriesThatComeAtOnceAllCount(t *testing.T) {
	at := time.Unix(0, 0)
	l := newLocal(func() time.Time { return at }, 0)
	for range addressTries {
		require.Zero(t, l.enter("10.0.0.1"), "before any of them was answered")
	}
	require.Equal(t, addressWindow, l.enter("10.0.0.1"))
	require.Zero(t, l.enter("10.0.0.2"))
	l.leave("10.0.0.1")
	require.Zero(t, l.enter("10.0.0.1"), "one was right")
	at = at.Add(addressWindow)
	require.Zero(t, l.enter("10.0.0.1"))
}

func TestAPlaceOfIPv6IsANetwork(t *testing.T) {
	require.Equal(t, place("2001:db8::1"), place("2001:db8::ffff:1"))
	require.NotEqual(t, place("2001:db8::1"), place("2001:db8:0:1::1"))
	require.Equal(t, "10.0.0.1", place("10.0.0.1"))
	require.Equal(t, "unknown", place("unknown"))
}

func TestTheAddressesThatAreRememberedAreBounded(t *testing.T) {
	at := time.Unix(0, 0)
	l := newLocal(func() time.Time { return at }, 0)
	for i := range addressRoom + 10 {
		l.enter(time.Duration(i).String())
	}
	require.LessOrEqual(t, len(l.tries), addressRoom)
}

func TestARefusalWaitsUntilItsTime(t *testing.T) {
	l := newLocal(time.Now, 30*time.Millisecond)
	began := time.Now()
	l.pause(t.Context(), began)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
	l.takes = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.pause(ctx, began) // whoever has gone is not waited for
}

func TestOnlyWaysInThatAreConfiguredAreThere(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.Local, o.OIDC = false, &OIDC{Issuer: "https://id.example.org", ClientID: "regpay", RolesClaim: "roles", HospitalsClaim: "hospitals"}
	})
	page := s.browser().get("/console/signin?next=/console/desk")
	require.NotContains(t, page.body, `type="password"`)
	require.Contains(t, page.body, `/console/signin/oidc?next=%2fconsole%2fdesk`)
	require.Equal(t, http.StatusMethodNotAllowed, s.browser().signIn("li", "a long enough one").StatusCode)

	s = newSite(t)
	require.Contains(t, s.browser().get("/console/signin").body, `type="password"`)
	require.Equal(t, http.StatusNotFound, s.browser().get("/console/signin/oidc").StatusCode)
}

func TestWithoutASignInNothingIsShown(t *testing.T) {
	s := newSite(t)
	require.Equal(t, "/console/signin", s.browser().get("/console").to())
	for _, path := range []string{"/console/desk", "/console/things/ren-he"} {
		res := s.browser().get(path)
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		at, err := url.Parse(res.to())
		require.NoError(t, err)
		require.Equal(t, "/console/signin", at.Path)
		require.Equal(t, path, at.Query().Get("next"))
	}
	res := s.browser().post("/console/things/ren-he", nil)
	require.Equal(t, "/console/signin", res.to())
	require.Empty(t, s.done)
}
