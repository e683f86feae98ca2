package browser

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

func TestWithoutScriptsEverythingIsAPlainForm(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	p := w.newcomer(t, staff.Support, linjiang)
	d := w.newDesk(t, zh)
	d.who = p
	d.run(network.SetBlockedURLs([]string{"*.js"}))
	d.opens(h.searched())
	require.True(t, d.yes(`window.htmx === undefined`))
	require.Equal(t, http.StatusOK, d.signIn(p.Login, p.Password))
	require.Equal(t, http.StatusOK, d.press(h.claimer()+sender))
	require.Equal(t, http.StatusOK, d.press(`form[action$="/release"]`+sender))
	d.opens(h.page())
	d.reveals("to see who it is")
	d.says(h.person.Name)
	d.opens(h.page())
	require.Equal(t, http.StatusOK, d.decide(payment.RefundAll, why, ""))
	h.ends(payment.Refunded)
	d.opens("/payments/" + h.visit.id())
	d.says(h.order())
	require.Equal(t, http.StatusOK, d.press(`form[action$="/signout"]`+sender))
	require.Equal(t, "/signin", d.path())
}

func TestTheLanguageIsChosenWhereSomebodyIsAndStays(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	d := w.desk(t, "li")
	d.opens(h.searched())
	chinese := d.text("main h1")
	require.Equal(t, http.StatusOK, d.press(`form[action$="/language"] button[value=en]`))
	require.Equal(t, "/queue", d.path())
	d.has(h.listed())
	require.True(t, d.yes(`document.documentElement.lang === 'en'`))
	require.NotEqual(t, chinese, d.text("main h1"))
	require.Equal(t, http.StatusOK, d.press(h.listed()+" a"))
	require.True(t, d.yes(`document.documentElement.lang === 'en'`))
	require.Equal(t, http.StatusOK, d.press(`form[action$="/language"] button[value="zh-CN"]`))
	require.Equal(t, h.page(), d.path())
	require.True(t, d.yes(`document.documentElement.lang === 'zh-CN'`))
}

func TestGoingBackAfterSigningOutShowsNothing(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	d := w.deskOf(t, w.newcomer(t, staff.Support, linjiang), zh)
	d.opens(h.page())
	d.reveals("to see who it is")
	d.opens(h.page())
	require.Equal(t, http.StatusOK, d.press(`form[action$="/signout"]`+sender))
	d.follow(chromedp.NavigateBack())
	d.until("the sign-in is there", exists(`input[name=password]`))
	require.False(t, d.yes(`document.documentElement.outerHTML.includes(`+quoted(h.order())+`)`))
	require.False(t, d.yes(`document.documentElement.outerHTML.includes(`+quoted(h.person.Name)+`)`))
}
