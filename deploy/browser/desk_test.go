package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Sizes of windows, in pixels.
const (
	wide   = 1280
	tall   = 900
	narrow = 390
	least  = 360 // the narrowest on which a page has to work
)

// Bounds of waiting, for a machine with much else to do.
const (
	atMost   = 4 * time.Minute // one desk's whole work
	patience = 90 * time.Second
	look     = 50 * time.Millisecond
)

// The languages of the console.
const (
	zh = string(console.Chinese)
	en = string(console.English)
)

// desk is one person's browser.
type desk struct {
	t     *testing.T
	w     *world
	ctx   context.Context
	who   local.Person
	watch *watch
}

// newDesk opens a browser in which nobody is signed in.
func (w *world) newDesk(t *testing.T, language string) *desk {
	t.Helper()
	own, shut := w.window(t)
	ctx, cancel := context.WithTimeout(own, atMost)
	d := &desk{t: t, w: w, ctx: ctx}
	d.watch = watchOver(ctx, w.in.APIBase)
	t.Cleanup(func() {
		if t.Failed() {
			d.explain()
		}
		for _, fault := range d.watch.all() {
			t.Errorf("%s's browser: %s", d.name(), fault)
		}
		cancel()
		shut()
	})
	d.run(network.Enable(), runtime.Enable(), d.watch.enable(),
		// Several pages are open in one browser, and each is looked at.
		emulation.SetFocusEmulationEnabled(true),
		network.SetCookie("regpay_language", language).WithURL(w.in.Console()).WithPath("/"))
	d.sized(wide, tall)
	return d
}

// window opens a window with cookies of its own. It is asked for as a window:
// a browser without one refuses to open a page in it, and chromedp asks for a
// page alone.
func (w *world) window(t *testing.T) (context.Context, func()) {
	t.Helper()
	browser := cdp.WithExecutor(w.browser, chromedp.FromContext(w.browser).Browser)
	profile, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(browser)
	require.NoError(t, err)
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(browser)
	require.NoError(t, err)
	ctx, cancel := chromedp.NewContext(w.browser, chromedp.WithTargetID(id))
	return ctx, func() {
		cancel()
		_ = target.DisposeBrowserContext(profile).Do(browser) // gone with the browser, if not now
	}
}

// desk opens the browser of somebody who is signed in, in Chinese.
func (w *world) desk(t *testing.T, login string) *desk { return w.deskIn(t, login, zh) }

func (w *world) deskIn(t *testing.T, login, language string) *desk {
	t.Helper()
	who, err := w.in.Person(t.Context(), login)
	require.NoError(t, err)
	return w.deskOf(t, who, language)
}

// deskOf signs somebody in without the form, which costs time that only the
// tests of signing in need to spend.
func (w *world) deskOf(t *testing.T, who local.Person, language string) *desk {
	t.Helper()
	d := w.newDesk(t, language)
	d.who = who
	token, _, err := w.books(t).StartSession(t.Context(),
		store.NewSession{Person: who.Person, Via: store.ViaLocal, Address: "127.0.0.1"}, time.Now())
	require.NoError(t, err)
	d.run(network.SetCookie("regpay_console", token).WithURL(w.in.Console()).WithPath("/").WithHTTPOnly(true))
	return d
}

func (w *world) books(t *testing.T) *store.Store {
	t.Helper()
	b, err := w.in.Books(t.Context())
	require.NoError(t, err)
	return b
}

func (d *desk) name() string {
	if d.who.Login == "" {
		return "nobody"
	}
	return d.who.Login
}

// explain tells what a desk showed whose test failed.
func (d *desk) explain() {
	var where, text string
	_ = chromedp.Run(d.ctx, chromedp.Location(&where), chromedp.Evaluate(`document.body ? document.body.innerText : ''`, &text))
	const enough = 3000
	d.t.Logf("%s's browser is at %s and shows:\n%s", d.name(), where, text[:min(len(text), enough)])
}

func (d *desk) run(actions ...chromedp.Action) {
	d.t.Helper()
	require.NoError(d.t, chromedp.Run(d.ctx, actions...), "%s's browser", d.name())
}

// follow does what leads to another page, waits for it and answers with its
// HTTP status.
func (d *desk) follow(actions ...chromedp.Action) int {
	d.t.Helper()
	ctx, cancel := context.WithTimeoutCause(d.ctx, patience, fmt.Errorf("no page came within %s", patience))
	defer cancel()
	response, err := chromedp.RunResponse(ctx, actions...)
	require.NoError(d.t, err, "%s's browser: %v", d.name(), context.Cause(ctx))
	if response == nil {
		return 0
	}
	return int(response.Status)
}

// open goes to a page of the console.
func (d *desk) open(path string) int {
	d.t.Helper()
	return d.follow(chromedp.Navigate(d.w.in.Console() + path))
}

// opens goes to a page that has to be there.
func (d *desk) opens(path string) {
	d.t.Helper()
	require.Equal(d.t, http.StatusOK, d.open(path), path)
}

// press presses what leads to another page.
func (d *desk) press(selector string) int {
	d.t.Helper()
	d.has(selector)
	d.unfolds(selector)
	return d.follow(chromedp.Click(selector, chromedp.ByQuery))
}

// click presses what changes the page.
func (d *desk) click(selector string) {
	d.t.Helper()
	d.has(selector)
	d.unfolds(selector)
	d.run(chromedp.Click(selector, chromedp.ByQuery))
}

// fill puts text into a field in place of what is there.
func (d *desk) fill(selector, text string) {
	d.t.Helper()
	d.has(selector)
	d.unfolds(selector)
	d.run(chromedp.Focus(selector, chromedp.ByQuery))
	d.js(exists(selector)+".value = "+quoted(text), nil)
}

// unfolds unfolds what a part of the page is folded up in.
func (d *desk) unfolds(selector string) {
	d.t.Helper()
	const folded = `details:not([open])`
	in := fmt.Sprintf(`(e => e.closest('summary') ? null : e.closest(%s))(%s)`, quoted(folded), exists(selector))
	for d.yes(in) {
		d.js(in+`.dataset.unfold = 'yes'`, nil)
		d.run(chromedp.Click(`details[data-unfold] > summary`, chromedp.ByQuery))
		d.until("it is unfolded", `document.querySelector('details[data-unfold]').open`)
		d.js(`delete document.querySelector('details[data-unfold]').dataset.unfold`, nil)
	}
}

// js evaluates an expression; a promise is waited for.
func (d *desk) js(expression string, out any) {
	d.t.Helper()
	d.run(chromedp.Evaluate(expression, out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// yes says whether an expression of the page is true.
func (d *desk) yes(expression string) (is bool) {
	d.t.Helper()
	d.js("!!("+expression+")", &is)
	return is
}

// quoted is a text as JavaScript has it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always can be
	}
	return string(b)
}

func exists(selector string) string { return "document.querySelector(" + quoted(selector) + ")" }

func (d *desk) has(selector string) {
	d.t.Helper()
	require.True(d.t, d.yes(exists(selector)), "the page of %s has no %s", d.name(), selector)
}

func (d *desk) hasNot(selector string) {
	d.t.Helper()
	require.False(d.t, d.yes(exists(selector)), "the page of %s has %s", d.name(), selector)
}

// text is what the page, or the first such part of it, says.
func (d *desk) text(selector string) (text string) {
	d.t.Helper()
	d.has(selector)
	d.js(exists(selector)+".textContent", &text)
	return strings.Join(strings.Fields(text), " ")
}

func (d *desk) says(text string) {
	d.t.Helper()
	require.Contains(d.t, d.text("main"), text)
}

func (d *desk) saysNot(text string) {
	d.t.Helper()
	require.NotContains(d.t, d.text("main"), text)
}

// path is where the browser is, below the console.
func (d *desk) path() string {
	d.t.Helper()
	var where string
	d.js("location.pathname", &where)
	return strings.TrimPrefix(where, console.Base)
}

// until waits until an expression of the page is true.
func (d *desk) until(what, expression string) {
	d.t.Helper()
	d.w.until(d.t, what, func() bool {
		var is bool
		// A page that is just being replaced has no answer.
		return chromedp.Run(d.ctx, chromedp.Evaluate("!!("+expression+")", &is)) == nil && is
	})
}

// until waits until something is true.
func (w *world) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, patience, look, what)
}

func (d *desk) sized(width, height int64) {
	d.t.Helper()
	d.run(emulation.SetDeviceMetricsOverride(width, height, 1, false))
}

// answer is what came of a request that no button of a page made.
type answer struct {
	Status    int    `json:"status"`
	Text      string `json:"text"`
	Redirects bool   `json:"redirects"`
}

// post sends a form that no page offers, from within a page of the console, with
// this person's own token: whatever refuses it is the server.
func (d *desk) post(path string, fields map[string]string) (a answer) {
	d.t.Helper()
	d.has(`input[name=csrf]`)
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	d.js(fmt.Sprintf(`(async () => {
		const form = new URLSearchParams(%s);
		form.set('csrf', document.querySelector('input[name=csrf]').value);
		const reply = await fetch(%s, {method: 'POST', body: form});
		return {status: reply.status, text: await reply.text(), redirects: reply.redirected};
	})()`, quoted(form.Encode()), quoted(console.Base+path)), &a)
	return a
}

// choice is the form of a decision, folded up; sender is its button.
func choice(v payment.Verdict) string {
	return fmt.Sprintf(`details:has(> form input[name=decision][value=%s])`, v)
}

// confirmation is the form that confirms somebody else's decision.
const confirmation = `form:has(input[name=confirms])`

const sender = " button[type=submit]"

// consider opens the form of a decision and fills it in.
func (d *desk) consider(v payment.Verdict, note, reference string) {
	d.t.Helper()
	d.fill(choice(v)+" [name=note]", note)
	if v.NeedsReference() {
		d.fill(choice(v)+" [name=reference]", reference)
	}
}

// decide takes a decision by its form.
func (d *desk) decide(v payment.Verdict, note, reference string) int {
	d.t.Helper()
	d.consider(v, note, reference)
	return d.press(choice(v) + sender)
}
