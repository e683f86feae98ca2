package browser

import (
	"database/sql"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// shown is a page of the console as somebody has it in front of them.
type shown struct {
	name  string // of its pictures
	login string // nobody's when empty
	path  string
	want  int         // HTTP status; 200 when zero
	then  func(*desk) // what is done on it, if anything
	// paper says that it has to fit on one sheet.
	paper bool
}

// showcase is made once, for all tests that look at every page.
type showcase struct {
	mu    sync.Mutex
	pages []shown
}

// pages are all pages of the console, on a day with something of everything.
func (w *world) pages(t *testing.T) []shown {
	t.Helper()
	w.shows.mu.Lock()
	defer w.shows.mu.Unlock()
	if w.shows.pages != nil {
		return w.shows.pages
	}
	refused, late := w.refused(t, linjiang, costs(60_50), with("骨科", "华医生")), w.refused(t, linjiang, costs(80_00), with("眼科", "孔医生"))
	unclear := w.unclear(t, linjiang)
	risky, stuck := w.suspicious(t, qingshan, with("特需门诊", "普通门诊")), w.stuck(t, linjiang, costs(25_00), with("儿科", "陈医生"))
	two := w.twoDecide(t)
	first := w.desk(t, "li")
	first.proposes(two, payment.RefundAll, "患者来电，不再就诊，要求全部退回")
	done := w.refused(t, linjiang)
	first.decided(done, payment.RefundAll, "")
	done.ends(payment.Refunded)
	w.agesADay(t, late)

	li, err := w.in.Person(t.Context(), "li")
	require.NoError(t, err)
	_, err = w.books(t).ClaimCase(t.Context(), unclear.id, li.Person, clock())
	require.NoError(t, err)
	paid := w.completed(t, linjiang, with("口腔科", "鲁医生"))
	_, err = w.in.API.Refund(t.Context(), paid.id(), wire.RefundOrder{Key: "part", AmountFen: 1200, Reason: "fee_corrected"})
	require.NoError(t, err)
	w.until(t, "a part is back", func() bool { return paid.look().RefundedFen == 1200 })
	waiting := w.begin(t, linjiang, wechat)
	_, _, err = w.books(t).AnnounceWindow(t.Context(), "desk-CCCCCCCCCCCCCCCCCCCC", payment.Window{HospitalID: yuntai, System: payment.SystemOf(payment.Insurance),
		Until: clock().Add(3 * time.Hour), Note: "医保平台升级", AnnouncedBy: "local:sun"}, clock())
	require.NoError(t, err)
	_, _, err = w.books(t).AnnounceWindow(t.Context(), "desk-ABCDEFGHIJKLMNOPQRST", payment.Window{HospitalID: yuntai, System: payment.SystemHIS,
		From: clock().Add(time.Hour), Until: clock().Add(3 * time.Hour), Note: "数据库升级", AnnouncedBy: "local:sun"}, clock())
	require.NoError(t, err)
	other, err := w.in.Hire(t.Context(), staff.Account{Login: "lin", Name: "林小雨", Roles: []staff.Role{staff.Support}, Hospitals: []string{linjiang}})
	require.NoError(t, err)
	for _, login := range local.Logins() {
		_, err := w.in.Person(t.Context(), login)
		require.NoError(t, err)
	}

	w.shows.pages = []shown{
		{name: "signin", path: "/signin"},
		{name: "signin-refused", path: "/signin", then: func(d *desk) { d.signIn("li", "not-the-password") }},
		{name: "queue", login: "li", path: "/queue"},
		{name: "queue-nothing-found", login: "li", path: "/queue?q=NOSUCHORDER"},
		{name: "queue-to-read", login: "chen", path: "/queue"},
		{name: "case-insurance", login: "li", path: refused.page(), paper: true},
		{name: "case-insurance-deciding", login: "li", path: refused.page(), then: func(d *desk) {
			d.consider(payment.RefundAll, "患者来电，不再就诊", "")
		}},
		{name: "case-overdue", login: "li", path: late.page(), paper: true},
		{name: "case-claimed", login: "li", path: unclear.page(), paper: true},
		{name: "case-of-a-colleague", login: "wang", path: unclear.page(), paper: true},
		{name: "case-risk", login: "li", path: risky.page(), paper: true},
		{name: "case-refund", login: "li", path: stuck.page(), paper: true, then: func(d *desk) {
			d.click(choice(payment.RefundOffline) + " > summary")
		}},
		{name: "case-proposed-by-me", login: "li", path: two.page(), paper: true},
		{name: "case-to-confirm", login: "wang", path: two.page(), paper: true},
		{name: "case-decided", login: "li", path: done.page(), paper: true},
		{name: "case-to-read", login: "zhao", path: refused.page(), paper: true},
		{name: "find", login: "li", path: "/find"},
		{name: "find-nothing", login: "li", path: "/find?q=NOSUCHORDER"},
		{name: "payment", login: "li", path: "/payments/" + paid.id()},
		{name: "payment-revealed", login: "li", path: "/payments/" + paid.id(), then: func(d *desk) { d.reveals("患者来电核对身份") }},
		{name: "payment-refunding", login: "li", path: "/payments/" + paid.id(), then: func(d *desk) {
			d.click(`details:has(> form[action$="/refund"]) > summary`)
		}},
		{name: "payment-waiting", login: "li", path: "/payments/" + waiting.id()},
		{name: "payment-to-read", login: "chen", path: "/payments/" + paid.id()},
		{name: "overview", login: "chen", path: "/overview"},
		{name: "overview-announcing", login: "sun", path: "/overview", then: func(d *desk) { d.click("#announce > summary") }},
		{name: "password", login: "li", path: "/password"},
		{name: "maintenance", login: "sun", path: "/maintenance"},
		{name: "maintenance-to-read", login: "li", path: "/maintenance"},
		{name: "staff", login: "sun", path: "/staff"},
		{name: "staff-member", login: "sun", path: "/staff/" + other.Login},
		{name: "staff-password", login: "sun", path: "/staff/" + other.Login, then: func(d *desk) { d.press(`form[action$="/password"]` + sender) }},
		{name: "audit", login: "zhao", path: "/audit"},
		{name: "audit-payment", login: "zhao", path: "/audit?subject=" + paid.id()},
		{name: "audit-staff", login: "zhao", path: "/audit?subject=" + store.SubjectStaff},
		{name: "not-found", login: "li", path: "/cases/nothing", want: 404},
		{name: "forbidden", login: "li", path: "/staff", want: 403},
	}
	return w.shows.pages
}

// with changes whom the patient sees.
func with(department, doctor string) change {
	return func(v *visit) { v.start.Order.Slot.Department, v.start.Order.Slot.Doctor = department, doctor }
}

// proposes decides a case that two people decide, as the first of them.
func (d *desk) proposes(h held, v payment.Verdict, note string) {
	d.t.Helper()
	d.opens(h.page())
	require.Equal(d.t, http.StatusOK, d.decide(v, note, ""))
	d.w.until(d.t, "the proposal is in the books", func() bool { p := h.desk().Proposal; return p != nil && p.Operator == d.who.Subject })
}

// agesADay makes a case one that nobody looked at since yesterday.
func (w *world) agesADay(t *testing.T, h held) {
	t.Helper()
	db, err := sql.Open("postgres", w.in.Stack.Endpoints().DatabaseURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), `UPDATE cases SET opened_at = opened_at - interval '25 hours',
		deadline = deadline - interval '25 hours' WHERE id = $1`, h.id)
	require.NoError(t, err)
}
