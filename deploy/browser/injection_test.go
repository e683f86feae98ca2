package browser

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

// evil would leave a mark wherever it became more than text: in the text of an
// element, in an attribute, in an address, in a script or a style.
const evil = `'"></textarea></title></style></script><script>window.marked=1;alert(1)</script>` +
	`<img src=x onerror="window.marked=1;alert(2)"><svg onload=alert(3)>{{.}}${1}javascript:alert(4)`

// short is evil for what keeps fewer characters.
const short = `"><img src=x onerror=alert(5)>`

// clean says that nothing of what was put into the console became more than
// text: the watch over the desk sees to dialogs, failing scripts and violations
// of the policy, without which the same things would have happened.
func (d *desk) clean(where string) {
	d.t.Helper()
	require.True(d.t, d.yes(`window.marked === undefined`), where)
	// Elements and attributes that no page of the console has of its own.
	require.Empty(d.t, d.strange(), where)
	require.Empty(d.t, d.watch.all(), where)
}

func (d *desk) strange() (found []string) {
	d.t.Helper()
	d.js(`[...document.querySelectorAll('*')].filter(e =>
		e.tagName === 'SCRIPT' && !e.src || e.tagName === 'IMG' && !e.getAttribute('src').startsWith('/console/') ||
		['IFRAME', 'OBJECT', 'EMBED', 'BASE'].includes(e.tagName) ||
		[...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style' || /^\s*javascript:/i.test(a.value) && ['href', 'action', 'src'].includes(a.name)))
		.map(e => e.outerHTML.slice(0, 200))`, &found)
	return found
}

// TestTheWatchSeesWhatItWatchesFor shows that the tests of injection can fail.
func TestTheWatchSeesWhatItWatchesFor(t *testing.T) {
	t.Parallel()
	d := place.newDesk(t, zh)
	d.opens("/signin")
	put := `document.querySelector('main').insertAdjacentHTML('beforeend', ` + quoted(evil) + `)`
	d.js(put, nil)
	require.NotEmpty(t, d.strange())
	d.w.until(t, "the policy has stopped it", func() bool { return strings.Contains(strings.Join(d.watch.all(), " "), "policy was violated") })
	require.True(t, d.yes(`window.marked === undefined`))
	d.watch.forgive()

	d.run(page.SetBypassCSP(true))
	d.opens("/signin")
	d.js(put, nil)
	d.until("without the policy it runs", `window.marked === 1`)
	d.w.until(t, "its dialog is seen", func() bool { return strings.Contains(strings.Join(d.watch.all(), " "), "a dialog opened") })
	d.watch.forgive()
	d.js(`setTimeout(() => { throw new Error('on purpose') })`, nil)
	d.w.until(t, "a script that fails is seen", func() bool { return strings.Contains(strings.Join(d.watch.all(), " "), "a script failed") })
	d.watch.forgive()
}

// TestAScriptInAnyFieldOfTheConsoleIsText fills every field of every form of
// every page, whatever forms there are, and looks at what comes of it.
func TestAScriptInAnyFieldOfTheConsoleIsText(t *testing.T) {
	t.Parallel()
	w := place
	// Cases of its own: what the forms do is done.
	refused, stuck, risky, two := w.refused(t, linjiang), w.stuck(t, linjiang), w.suspicious(t, linjiang), w.twoDecide(t)
	w.desk(t, "li").proposes(two, payment.RefundAll, evil)
	paid, waiting := w.completed(t, linjiang), w.begin(t, linjiang, wechat)
	for _, s := range []shown{
		{name: "sign-in", path: "/signin"},
		{name: "queue", login: "li", path: "/queue"},
		{name: "case", login: "li", path: refused.page()},
		{name: "refund", login: "li", path: stuck.page()},
		{name: "risk", login: "li", path: risky.page()},
		{name: "proposal", login: "wang", path: two.page()},
		{name: "find", login: "li", path: "/find"},
		{name: "paid", login: "li", path: "/payments/" + paid.id()},
		{name: "waiting", login: "li", path: "/payments/" + waiting.id()},
		{name: "maintenance", login: "sun", path: "/maintenance"},
		{name: "overview", login: "sun", path: "/overview"},
		{name: "password", login: "li", path: "/password"},
		{name: "staff", login: "sun", path: "/staff"},
		{name: "audit", login: "zhao", path: "/audit"},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var d *desk
			if s.login == "" {
				d = w.newDesk(t, zh)
			} else {
				d = w.desk(t, s.login)
			}
			tried := 0
			for n := 0; ; n++ {
				d.opens(s.path)
				d.clean(s.path)
				named := d.stuff(n)
				if named == "" {
					break
				}
				if named == "no text" {
					continue
				}
				tried++
				d.follow(chromedp.Evaluate(fmt.Sprintf(`document.forms[%d].requestSubmit()`, n), nil))
				d.clean(named)
				d.opens(s.path)
				d.clean("after " + named)
			}
			require.NotZero(t, tried, "the page has forms with text")
			d.opens("/")
			d.clean("the first page")
		})
	}
}

// stuff fills the n-th form of the page with what would harm, past all that the
// browser checks, and says which form it is; it is empty when there is none.
func (d *desk) stuff(n int) (name string) {
	d.t.Helper()
	d.js(fmt.Sprintf(`(() => {
		const form = document.forms[%d];
		if (!form) return '';
		const fields = [...form.querySelectorAll('input:not([type=hidden]):not([type=checkbox]):not([type=radio]), textarea')];
		form.querySelectorAll('[type=checkbox]').forEach(e => { e.checked = true; });
		if (!fields.length) return 'no text';
		form.noValidate = true;
		for (const e of fields) {
			if (e.tagName === 'INPUT') e.type = 'text';
			e.removeAttribute('maxlength');
			e.value = %s;
		}
		return form.getAttribute('action') + ' ' + (form.decision ? form.decision.value : '');
	})()`, n, quoted(evil)), &name)
	return name
}

// TestAScriptInAnAddressIsText does the same to what pages read from their
// addresses.
func TestAScriptInAnAddressIsText(t *testing.T) {
	t.Parallel()
	w := place
	v := w.completed(t, linjiang)
	d := w.deskOf(t, w.newcomer(t, staff.Auditor, staff.AllHospitals), zh)
	all := url.Values{}
	for _, name := range []string{"q", "tab", "reason", "hospital", "after", "days", "subject", "before", "next", "from"} {
		all.Set(name, evil)
	}
	for _, path := range []string{"/queue", "/find", "/overview", "/maintenance", "/audit", "/staff", "/payments/" + v.id(), "/signin"} {
		d.open(path + "?" + all.Encode())
		d.clean(path)
	}
	for _, path := range []string{"/cases/", "/payments/", "/staff/", "/"} {
		d.open(path + url.PathEscape(evil))
		d.clean(path)
	}
}

func TestNobodyIsSentElsewhereByALinkThatBeginsHere(t *testing.T) {
	t.Parallel()
	w := place
	p := w.newcomer(t, staff.Support, staff.AllHospitals)
	for _, next := range []string{"https://evil.example.org/", "/console//evil.example.org"} {
		d := w.newDesk(t, zh)
		d.who = p
		d.opens("/signin?next=" + url.QueryEscape(next))
		d.signIn(p.Login, p.Password)
		require.True(t, d.yes(`location.origin === `+quoted(w.in.APIBase)+` && location.pathname.startsWith(`+quoted(console.Base)+`)`), next)
	}
}

// TestAScriptThatCameByTheAPIIsText puts it into every text that booking
// backends and other staff can send, and looks at every page that shows one.
func TestAScriptThatCameByTheAPIIsText(t *testing.T) {
	t.Parallel()
	w := place
	texts := func(v *visit) {
		o := &v.start.Order
		o.Slot.Department, o.Slot.Doctor = "科"+short, "医"+short
		o.Fees[0].Name = short
		o.Patient.Name = "谌" + short
		v.person.Name = o.Patient.Name
	}
	h := w.refused(t, qingshan, costs(twoPeople+1), texts)
	_, err := w.in.Staff.Decide(t.Context(), h.visit.id(), wire.Decision{CaseID: h.id, Decision: payment.RefundAll, Operator: short, Note: evil})
	require.NoError(t, err)
	w.until(t, "the proposal is in the books", func() bool { return h.desk().Proposal != nil })
	offline := w.stuck(t, linjiang, texts)
	_, err = w.in.Staff.Decide(t.Context(), offline.visit.id(), wire.Decision{CaseID: offline.id, Decision: payment.RefundOffline, Operator: short,
		Note: evil, Reference: short, HandedBy: short})
	require.NoError(t, err)
	offline.ends(payment.Refunded)
	paid := w.completed(t, linjiang, texts)
	_, err = w.in.API.Refund(t.Context(), paid.id(), wire.RefundOrder{Key: "evil", AmountFen: 100, Reason: short})
	require.NoError(t, err)
	gone := w.begin(t, linjiang, wechat, texts)
	_, err = w.in.API.Cancel(t.Context(), gone.id(), wire.Cancel{Reason: short})
	require.NoError(t, err)
	_, _, err = w.books(t).AnnounceWindow(t.Context(), "desk-BBBBBBBBBBBBBBBBBBBB", payment.Window{HospitalID: yuntai, System: payment.SystemHIS,
		From: clock().Add(time.Hour), Until: clock().Add(2 * time.Hour), Note: short, AnnouncedBy: short}, clock())
	require.NoError(t, err)
	admin, err := w.in.Hire(t.Context(), staff.Account{Login: "evil", Name: short, Roles: staff.Roles(), Hospitals: []string{staff.AllHospitals}})
	require.NoError(t, err)

	for _, language := range []string{zh, en} {
		d := w.deskOf(t, admin, language)
		for _, path := range []string{h.searched(), h.page(), offline.page(), "/payments/" + h.visit.id(), "/payments/" + offline.visit.id(),
			"/payments/" + paid.id(), "/payments/" + gone.id(), "/maintenance", "/overview", "/staff", "/audit?subject=staff",
			"/audit?subject=" + h.visit.id(), "/audit?subject=" + offline.visit.id(), "/audit?subject=" + gone.id()} {
			d.opens(path)
			d.clean(path)
		}
		d.opens(h.page())
		d.says(evil)
		d.says("科" + short)
		require.Contains(t, d.text("header"), short)
		d.reveals(evil[:100])
		d.clean("the patient in clear")
		d.says("谌" + short)
	}
}
