package browser

import (
	"crypto/rand"
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

func clock() time.Time { return time.Now() }

// signIn types login and password into the form.
func (d *desk) signIn(login, password string) int {
	d.t.Helper()
	d.fill(`input[name=login]`, login)
	d.fill(`input[name=password]`, password)
	return d.press(`form:has(input[name=password])` + sender)
}

// newcomer is somebody of whom no other test knows.
func (w *world) newcomer(t *testing.T, role staff.Role, hospitals ...string) local.Person {
	t.Helper()
	login := "new-" + strings.ToLower(rand.Text()[:8])
	p, err := w.in.Hire(t.Context(), staff.Account{Login: login, Name: "新来 " + login, Roles: []staff.Role{role}, Hospitals: hospitals})
	require.NoError(t, err)
	return p
}

func TestTheWrongPasswordIsRefusedAndTheRightOneTaken(t *testing.T) {
	t.Parallel()
	w := place
	p := w.newcomer(t, staff.Support, staff.AllHospitals)
	d := w.newDesk(t, zh)
	d.who = p
	d.opens("/")
	require.Equal(t, "/signin", d.path(), "nothing is shown to nobody")
	require.Equal(t, http.StatusForbidden, d.signIn(p.Login, "not-the-password"))
	d.has(`[role=alert]`)
	wrong := d.text(`[role=alert]`)
	require.Equal(t, http.StatusForbidden, d.signIn("nobody.at.all", "not-the-password"))
	require.Equal(t, wrong, d.text(`[role=alert]`), "who works here is not told")
	require.Equal(t, http.StatusOK, d.signIn(p.Login, p.Password))
	require.Equal(t, "/queue", d.path())
	require.Contains(t, d.text("header"), p.Name)
	require.True(t, d.yes(`!document.cookie.includes('regpay_console')`), "no script can read the session")

	require.NotEmpty(t, w.log(t, store.SubjectStaff, "sign_in_refused"))
	require.Equal(t, http.StatusOK, d.press(`form[action$="/signout"]`+sender))
	require.Equal(t, "/signin", d.path())
	d.opens("/queue")
	require.Equal(t, "/signin", d.path(), "who signed out is nobody")
}

func TestAnAccountIsLockedAfterTooManyWrongPasswordsAndDoesNotSaySo(t *testing.T) {
	t.Parallel()
	w := place
	p := w.newcomer(t, staff.Support, staff.AllHospitals)
	d := w.newDesk(t, zh)
	d.opens("/signin")
	told := ""
	for range 5 {
		d.signIn(p.Login, "not-the-password")
		told = d.text(`[role=alert]`)
	}
	require.Equal(t, http.StatusForbidden, d.signIn(p.Login, p.Password), "not even the right one")
	require.Equal(t, told, d.text(`[role=alert]`))
	a, err := w.books(t).StaffAccount(t.Context(), p.Login)
	require.NoError(t, err)
	require.True(t, a.LockedUntil.After(clock()))
}

func TestASessionThatExpiredLeadsToTheSignInAndBackToThePage(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	p := w.newcomer(t, staff.Support, linjiang)
	d := w.deskOf(t, p, zh)
	d.opens(h.page())
	w.expire(t, p)
	d.opens(h.page() + "?from=here")
	require.Equal(t, "/signin", d.path())
	d.saysNot(h.order())
	require.Equal(t, http.StatusOK, d.signIn(p.Login, p.Password))
	require.Equal(t, h.page(), d.path())
	require.True(t, d.yes(`location.search === '?from=here'`))
	d.says(h.order())

	// A form that was open when the session ended changes nothing.
	d.consider("refund", "the patient wants it back", "")
	w.expire(t, p)
	d.press(choice("refund") + sender)
	require.Equal(t, "/signin", d.path())
	require.Nil(t, h.desk().Decision)
}

// expire makes somebody's sessions as old as if nobody had touched them.
func (w *world) expire(t *testing.T, p local.Person) {
	t.Helper()
	db, err := sql.Open("postgres", w.in.Stack.Endpoints().DatabaseURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	done, err := db.ExecContext(t.Context(), `UPDATE console_sessions SET created_at = created_at - interval '1 hour',
		seen_at = seen_at - interval '1 hour' WHERE subject = $1`, p.Subject)
	require.NoError(t, err)
	n, err := done.RowsAffected()
	require.NoError(t, err)
	require.NotZero(t, n)
}
