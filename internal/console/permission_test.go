package console

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
)

func TestWhatARoleMayNotDoIsNotLinkedAndRefused(t *testing.T) {
	s := newSite(t)
	clerk, admin := s.signedIn("li"), s.signedIn("zhao")
	page := clerk.get("/console/desk")
	require.Contains(t, page.body, `href="/console/desk"`)
	require.NotContains(t, page.body, `href="/console/people"`)
	require.Equal(t, http.StatusForbidden, clerk.get("/console/people").StatusCode)

	require.Equal(t, "/console/people", admin.get("/console").to())
	require.NotContains(t, admin.get("/console/people").body, `href="/console/desk"`)
	for _, path := range []string{"/console/desk", "/console/things/ren-he"} {
		res := admin.get(path)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		require.Contains(t, res.body, worded("problem_forbidden"))
	}
}

func TestAnotherHospitalsObjectsDoNotExist(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("li")
	require.Equal(t, http.StatusOK, b.get("/console/things/ren-he").StatusCode)
	there, nowhere := b.get("/console/things/an-kang"), b.get("/console/nothing")
	require.Equal(t, http.StatusNotFound, there.StatusCode)
	require.Equal(t, http.StatusNotFound, nowhere.StatusCode)
	require.Contains(t, there.body, worded("problem_not_found"))
	res := b.post("/console/things/an-kang", url.Values{"csrf": {b.csrf()}})
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Empty(t, s.done)
}

func TestAnActionIsRefusedWhereAPageIsNot(t *testing.T) {
	s := newSite(t)
	s.books.accounts["wu"] = &fakeAccount{password: "the auditor's one", person: staff.Person{Subject: staff.LocalSubject("wu"), Name: "吴迪",
		Roles: []staff.Role{staff.Auditor}, Hospitals: []string{renHe}}}
	b := s.signedIn("wu")
	require.Equal(t, http.StatusOK, b.get("/console/things/ren-he").StatusCode)
	require.Equal(t, http.StatusForbidden, b.post("/console/things/ren-he", url.Values{"csrf": {b.csrf()}}).StatusCode)
	require.Empty(t, s.done)
}

func TestAPersonOfAllHospitalsHasEachAndNoneWithoutAName(t *testing.T) {
	all := staff.Person{Subject: "x", Roles: []staff.Role{staff.Support}, Hospitals: []string{staff.AllHospitals}}
	p := &page{person: all}
	require.ErrorIs(t, p.require(staff.Decide, ""), errNotFound, "a scope that somebody forgot")
	require.ErrorIs(t, p.require(staff.Decide, renHe), errForbidden, "without a session nothing is allowed")
	require.ErrorIs(t, (&page{}).require(staff.Decide, renHe), errNotFound)
}
