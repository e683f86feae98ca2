package browser

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

var passwordShown = regexp.MustCompile(`\S{16,}`)

func TestAnAdminAddsSomebodyAndClosesTheAccountAgain(t *testing.T) {
	t.Parallel()
	w := place
	sun := w.desk(t, "sun")
	login, password := sun.adds()
	sun.opens("/staff")
	sun.saysNot(password)

	d := w.newDesk(t, zh)
	d.opens("/signin")
	require.Equal(t, http.StatusOK, d.signIn(login, password))
	require.Equal(t, "/password", d.path())
	require.Equal(t, http.StatusOK, d.choosesPassword(password, "chosen-by-nobody-else", "chosen-by-nobody-else"))
	require.Equal(t, "/queue", d.path())
	require.Contains(t, d.text("header"), "林小雨")

	require.Equal(t, http.StatusOK, sun.press(`a[href$="/staff/`+login+`"]`))
	require.Equal(t, http.StatusOK, sun.press(`form[action$="/disable"]`+sender))
	d.opens("/queue")
	require.Equal(t, "/signin", d.path(), "the next step is the last one")
	require.Equal(t, http.StatusForbidden, d.signIn(login, "chosen-by-nobody-else"))

	added, disabled := false, false
	for _, l := range w.log(t, store.SubjectStaff, "staff_added") {
		added = added || l.Detail["login"] == login && l.Actor == sun.who.Subject
	}
	for _, l := range w.log(t, store.SubjectStaff, "staff_disabled") {
		disabled = disabled || l.Detail["login"] == login && l.Actor == sun.who.Subject
	}
	require.True(t, added)
	require.True(t, disabled)
}

// adds adds somebody of support at one hospital, and answers with the login and
// the password that the page shows.
func (d *desk) adds() (login, password string) {
	d.t.Helper()
	login = "added-" + strings.ToLower(rand.Text()[:8])
	const form = `form:has([name=login])`
	d.opens("/staff")
	d.fill(form+" [name=login]", login)
	d.fill(form+" [name=name]", "林小雨")
	d.click(form + " [name=role][value=support]")
	d.click(form + " [name=hospital][value=" + linjiang + "]")
	require.Equal(d.t, http.StatusOK, d.press(form+sender))
	password = passwordShown.FindString(d.text(`code.password`))
	require.NotEmpty(d.t, password)
	return login, password
}

// choosesPassword fills in the page on which people choose their own.
func (d *desk) choosesPassword(old, chosen, again string) int {
	d.t.Helper()
	const form = `form[action$="/password"]`
	d.fill(form+" [name=old]", old)
	d.fill(form+" [name=new]", chosen)
	d.fill(form+" [name=again]", again)
	return d.press(form + sender)
}

func TestAPasswordThatAnAdminHasSeenHasToBeChangedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	sun := w.desk(t, "sun")
	login, first := sun.adds()
	const own = "chosen-by-nobody-else"
	d := w.newDesk(t, zh)
	d.opens("/signin")
	d.signIn(login, first)
	for _, path := range []string{"/", "/queue", h.page(), "/payments/" + h.visit.id(), "/find?q=" + h.order(), "/queue/live"} {
		d.open(path)
		require.Equal(t, "/password", d.path(), path)
		d.saysNot(h.order())
	}
	d.post(h.page()+"/claim", map[string]string{})
	require.Nil(t, h.desk().Claim)

	for what, tried := range map[string][3]string{
		"not what they have":   {"not-the-password", own, own},
		"not the same twice":   {first, own, own + "-or-not"},
		"what the admin knows": {first, first, first},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, d.choosesPassword(tried[0], tried[1], tried[2]), what)
		d.has(`main [role=alert]`)
		d.open("/queue")
		require.Equal(t, "/password", d.path(), what)
	}
	require.Equal(t, http.StatusOK, d.choosesPassword(first, own, own))
	require.Equal(t, "/queue", d.path())
	d.opens(h.page())
	d.says(h.order())

	// The next sign-in asks for nothing more, and the first password is none.
	require.Equal(t, http.StatusOK, d.press(`form[action$="/signout"]`+sender))
	require.Equal(t, http.StatusForbidden, d.signIn(login, first))
	require.Equal(t, http.StatusOK, d.signIn(login, own))
	require.Equal(t, "/queue", d.path())

	// A password that an admin makes anew was seen again.
	sun.opens("/staff/" + login)
	require.Equal(t, http.StatusOK, sun.press(`form[action$="/password"]:not([action="/console/password"])`+sender))
	again := passwordShown.FindString(sun.text(`code.password`))
	d.opens("/queue")
	require.Equal(t, "/signin", d.path(), "their sessions have ended")
	d.signIn(login, again)
	require.Equal(t, "/password", d.path())
}

func TestPeopleChangeTheirOwnPasswordWheneverTheyLike(t *testing.T) {
	t.Parallel()
	w := place
	p := w.newcomer(t, staff.Support, linjiang)
	d, elsewhere := w.deskOf(t, p, zh), w.deskOf(t, p, zh)
	elsewhere.opens("/queue")
	d.opens("/queue")
	require.Equal(t, http.StatusOK, d.press(`header a[href$="/password"]`))
	const own = "chosen-by-nobody-else"
	require.Equal(t, http.StatusOK, d.choosesPassword(p.Password, own, own))
	require.Equal(t, "/queue", d.path())
	elsewhere.opens("/queue")
	require.Equal(t, "/signin", elsewhere.path(), "whoever else used it does no longer")
	require.Equal(t, http.StatusForbidden, elsewhere.signIn(p.Login, p.Password))
	require.Equal(t, http.StatusOK, elsewhere.signIn(p.Login, own))
}
