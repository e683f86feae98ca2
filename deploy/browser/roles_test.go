package browser

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

// newcomersDesk is of somebody of support whom no other test knows.
func (w *world) newcomersDesk(t *testing.T) *desk {
	t.Helper()
	return w.deskOf(t, w.newcomer(t, staff.Support, staff.AllHospitals), zh)
}

// TestWhatARoleMayNotDoItDoesNotSeeAndTheServerRefuses looks at every role that
// decides nothing.
func TestWhatARoleMayNotDoItDoesNotSeeAndTheServerRefuses(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	c := w.completed(t, linjiang)
	desks := map[string]*desk{}
	for _, login := range []string{"li", "chen", "zhao", "sun"} {
		desks[login] = w.desk(t, login)
	}
	for _, login := range []string{"chen", "zhao", "sun"} {
		d := desks[login]
		status := d.open(h.page())
		if !staff.May(d.who.Person, staff.SeeCase) {
			require.Equal(t, http.StatusForbidden, status, login)
			d.saysNot(h.order())
		} else {
			require.Equal(t, http.StatusOK, status, login)
			d.says(h.order())
		}
		d.hasNot(`input[name=decision]`)
		d.hasNot(`form[action$="/claim"]`)
		for path, fields := range map[string]map[string]string{
			h.page() + "/decide":              {"decision": "refund", "note": why},
			h.page() + "/claim":               {},
			h.page() + "/release":             {},
			"/payments/" + c.id() + "/cancel": {"reason": "no reason at all"},
		} {
			require.Equal(t, http.StatusForbidden, d.post(path, fields).Status, "%s at %s", login, path)
		}
	}
	for login, path := range map[string]string{"li": "/staff", "chen": "/staff", "zhao": "/maintenance"} {
		d := desks[login]
		d.opens("/queue")
		require.Equal(t, http.StatusForbidden, d.post(path, map[string]string{"login": "mallory", "name": "M", "role": "admin", "hospital": "*"}).Status, login)
	}
	for login, path := range map[string]string{"li": "/audit", "chen": "/audit", "sun": "/queue"} {
		d := desks[login]
		require.Equal(t, http.StatusForbidden, d.open(path), login)
		d.hasNot(`nav a[href$="` + path + `"]`)
	}
	require.Nil(t, h.desk().Decision)
	require.Nil(t, h.desk().Claim)
	require.Equal(t, payment.Completed, c.look().Status)
}

func TestPersonalDataIsClosedToWhoNeedsNone(t *testing.T) {
	t.Parallel()
	w := place
	c := w.completed(t, linjiang)
	reveal := "/payments/" + c.id() + "/reveal"
	for _, login := range []string{"chen", "sun"} {
		d := w.desk(t, login)
		d.opens("/overview")
		a := d.post(reveal, map[string]string{"reason": "I would like to know"})
		require.Equal(t, http.StatusForbidden, a.Status, login)
		require.NotContains(t, a.Text, c.person.Name)
	}
	require.Empty(t, w.log(t, c.id(), "personal_data_revealed"))
}

// TestACaseOfAnotherHospitalDoesNotExist for somebody of one hospital: not in
// the queue, not as a page, not for a form.
func TestACaseOfAnotherHospitalDoesNotExist(t *testing.T) {
	t.Parallel()
	w := place
	own, other := w.refused(t, linjiang), w.refused(t, qingshan)
	paid := w.completed(t, qingshan)
	d := w.desk(t, "zhou")
	d.opens(own.searched())
	d.has(own.listed())
	for _, path := range []string{other.searched(), "/queue?hospital=" + qingshan, "/find?q=" + other.order(), "/find?q=" + other.visit.id()} {
		d.opens(path)
		d.hasNot(`a[href$="` + other.page() + `"]`)
		d.hasNot(`a[href$="` + other.visit.id() + `"]`)
	}
	unknown := "/cases/" + own.visit.id() + "-C99"
	require.Equal(t, http.StatusNotFound, d.open(unknown))
	nothing := d.text("main h1")
	for _, path := range []string{other.page(), other.page() + "/live", "/payments/" + other.visit.id(), "/payments/" + other.visit.id() + "/live"} {
		require.Equal(t, http.StatusNotFound, d.open(path), path)
		require.Equal(t, nothing, d.text("main h1"), "nothing tells it from one that never was")
		d.saysNot(other.order())
	}
	d.opens(own.page())
	for path, fields := range map[string]map[string]string{
		other.page() + "/decide":                       {"decision": "refund", "note": why},
		other.page() + "/claim":                        {},
		other.page() + "/release":                      {},
		"/payments/" + other.visit.id() + "/cancel":    {"reason": "no reason at all"},
		"/payments/" + other.visit.id() + "/reveal":    {"reason": "no reason at all"},
		"/payments/" + paid.id() + "/refund":           {"reason": "no reason at all", "amount": "1", "key": "desk-ABCDEFGHIJKLMNOPQRST"},
		"/payments/" + own.visit.id() + "/reveal":      {"reason": "no reason at all", "case": other.id},
		"/cases/" + own.visit.id() + "-C99" + "/claim": {},
	} {
		a := d.post(path, fields)
		require.Equal(t, http.StatusNotFound, a.Status, path)
		require.NotContains(t, a.Text, other.order())
	}
	require.Nil(t, other.desk().Decision)
	require.Nil(t, other.desk().Claim)
	require.Zero(t, paid.look().RefundedFen)
	require.Empty(t, w.log(t, other.visit.id(), "personal_data_revealed"))
}

func TestAFormWithoutTheSessionsTokenChangesNothing(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	d := w.desk(t, "li")
	d.opens(h.page())
	d.consider(payment.RefundAll, why, "")
	d.js(exists(choice(payment.RefundAll)+" [name=csrf]")+`.value = 'of somebody else'`, nil)
	require.Equal(t, http.StatusForbidden, d.press(choice(payment.RefundAll)+sender))
	require.Nil(t, h.desk().Decision)
}
