package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

// tabTo presses Tab until the focus is where it has to come to.
func (d *desk) tabTo(selector string) {
	d.t.Helper()
	d.has(selector)
	const most = 200
	for range most {
		if d.yes(`document.activeElement.matches(` + quoted(selector) + `)`) {
			require.True(d.t, d.yes(`(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none')(getComputedStyle(document.activeElement))`),
				"who uses the keyboard sees where they are: %s", selector)
			return
		}
		d.run(chromedp.KeyEvent(kb.Tab))
	}
	d.t.Fatalf("%d times Tab do not lead to %s", most, selector)
}

func (d *desk) types(text string) {
	d.t.Helper()
	d.run(chromedp.KeyEvent(text))
}

func TestTheKeyboardAloneSignsInTakesACaseAndDecidesIt(t *testing.T) {
	t.Parallel()
	w := place
	h := w.refused(t, linjiang)
	p := w.newcomer(t, staff.Support, linjiang)
	d := w.newDesk(t, zh)
	d.who = p
	d.opens(h.searched())
	d.tabTo(`input[name=login]`)
	d.types(p.Login)
	d.tabTo(`input[name=password]`)
	d.types(p.Password)
	require.Equal(t, 200, d.follow(chromedp.KeyEvent(kb.Enter)))
	require.Equal(t, "/queue", d.path())

	d.tabTo(h.claimer() + " button")
	require.Equal(t, 200, d.follow(chromedp.KeyEvent(kb.Enter)))
	require.Equal(t, h.page(), d.path())
	require.Equal(t, p.Subject, h.desk().Claim.By)

	form := choice(payment.RefundAll)
	d.tabTo(form + " > summary")
	d.run(chromedp.KeyEvent(kb.Enter))
	d.until("the form is open", exists(form)+".open")
	d.tabTo(form + " [name=note]")
	d.types("asked for by telephone")
	d.tabTo(form + sender)
	require.Equal(t, 200, d.follow(chromedp.KeyEvent(kb.Enter)))
	h.ends(payment.Refunded)
	require.Equal(t, p.Subject, h.desk().Decision.Operator)
	require.Equal(t, "asked for by telephone", h.desk().Decision.Note)
}
