package browser

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
)

// listed is a case's row in the queue.
func (h held) listed() string { return fmt.Sprintf(`#queue tr:has(a[href$="%s"])`, h.page()) }

func (h held) claimer() string { return h.listed() + ` form[action$="/claim"]` }

// searched is the queue with this case alone in it: the queue of a whole day's
// tests may have several pages.
func (h held) searched() string { return "/queue?q=" + h.order() }

func TestTheQueueShowsTheOpenCases(t *testing.T) {
	t.Parallel()
	w := place
	refused, risky := w.refused(t, linjiang), w.suspicious(t, qingshan)
	d := w.desk(t, "li")
	for _, h := range []held{refused, risky} {
		d.opens(h.searched())
		row := d.text(h.listed())
		require.Contains(t, row, h.order())
		require.Contains(t, row, fmt.Sprintf("%d.%02d", h.start.Order.AmountFen/100, h.start.Order.AmountFen%100))
		require.NotContains(t, row, h.person.Name)
	}
	d.opens("/queue?reason=risk&q=" + risky.order())
	d.has(risky.listed())
	d.opens("/queue?reason=risk&q=" + refused.order())
	d.hasNot(refused.listed())
	d.opens("/queue?hospital=" + qingshan + "&q=" + refused.order())
	d.hasNot(refused.listed())

	require.Equal(t, http.StatusOK, d.open(refused.searched()))
	require.Equal(t, http.StatusOK, d.press(refused.listed()+" a"))
	require.Equal(t, refused.page(), d.path())
	d.says(refused.order())
}

func TestWhoTakesACaseIsSeenByColleaguesUntilItIsPutBack(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	li, wang := w.desk(t, "li"), w.desk(t, "wang")
	li.opens(h.searched())
	wang.opens(h.searched())
	require.Equal(t, http.StatusOK, li.press(h.claimer()+sender))
	require.Equal(t, h.page(), li.path())
	li.has(`form[action$="/release"]`)

	wang.press(h.claimer() + sender) // on a page that does not know yet
	require.Equal(t, h.page(), wang.path())
	wang.says(li.who.Name)
	wang.hasNot(`form[action$="/release"]`)
	wang.opens(h.searched())
	require.Contains(t, wang.text(h.listed()), li.who.Name)
	wang.hasNot(h.claimer())
	wang.opens("/queue?tab=unclaimed&q=" + h.order())
	wang.hasNot(h.listed())
	li.opens("/queue?tab=mine&q=" + h.order())
	li.has(h.listed())

	require.Equal(t, http.StatusOK, li.press(h.listed()+" a"))
	require.Equal(t, http.StatusOK, li.press(`form[action$="/release"]`+sender))
	require.Equal(t, "/queue", li.path())
	wang.opens(h.searched())
	wang.has(h.claimer())
	require.Len(t, w.log(t, h.visit.id(), "case_claimed"), 1)
	require.Len(t, w.log(t, h.visit.id(), "case_released"), 1)
}

func TestTheQueueRefreshesByItselfAndEndsWithTheSession(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	p := w.newcomer(t, staff.Support, linjiang)
	d := w.deskOf(t, p, zh)
	d.opens(h.searched())
	d.js(`window.untouched = true`, nil)
	d.has(h.claimer())
	li := w.desk(t, "li")
	_, err := w.books(t).ClaimCase(t.Context(), h.id, li.who.Person, clock())
	require.NoError(t, err)
	d.until("the page knows who has the case", fmt.Sprintf(`%s.textContent.includes(%s)`, exists(h.listed()), quoted(li.who.Name)))
	require.True(t, d.yes(`window.untouched`), "the page itself was not loaded again")

	// A page that looks by itself does not keep anybody signed in.
	w.expire(t, p)
	d.until("the sign-in is there", exists(`input[name=password]`))
	d.saysNot(h.order())
}
