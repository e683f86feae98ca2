package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const paymentPath = "/console/payments/" + somePayment

func TestTheQueueSaysWhatIsWrongAndHowLongThereIs(t *testing.T) {
	d := newDesk(t)
	page := d.signedIn("li").get("/console/queue").body
	for _, text := range []string{"Insurance settlement failed", "¥50.00", "19 h left", "R20270105000017", "Ren He Hospital", "nobody", "I take it"} {
		if text != "nobody" {
			require.Contains(t, page, text)
		}
	}
	d.books.file.Case.Escalations = 2
	d.clock.pass(25 * time.Hour)
	page = d.signedIn("li").get("/console/queue").body
	require.Contains(t, page, "overdue by 6 h")
	require.Contains(t, page, `class="overdue"`)
	require.Contains(t, page, "escalated × 2")
}

func TestTheQueueAsksForWhatTheAddressSays(t *testing.T) {
	d := newDesk(t)
	d.books.more = true
	b := d.signedIn("li")
	res := b.get("/console/queue?tab=mine&reason=risk&q=R2027&hospital=" + anKang)
	f := d.books.filters[0]
	require.Equal(t, store.QueueMine, f.Tab)
	require.Equal(t, []payment.Reason{payment.ReviewRisk}, f.Reasons)
	require.Equal(t, []string{renHe}, f.Hospitals, "another hospital cannot be asked for")
	require.Equal(t, "R2027", f.Search)
	require.Equal(t, "local:li", f.By)
	require.Contains(t, res.body, "after="+someCase)
	require.Contains(t, res.body, `hx-get="/console/queue/live?`)

	b.get("/console/queue?tab=x&reason=y&hospital=z")
	require.Equal(t, store.QueueFilter{Hospitals: []string{renHe}, By: "local:li", Limit: queuePage, At: d.clock.now()}, d.books.filters[1])
}

func TestTheQueueComesAgainWithoutItsFrame(t *testing.T) {
	d := newDesk(t)
	res := d.signedIn("li").get("/console/queue/live", "HX-Request", "true")
	require.True(t, strings.HasPrefix(strings.TrimSpace(res.body), `<div id="queue"`), res.body)
	require.NotContains(t, res.body, "<html")
}

func TestClaimingAndReleasing(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	require.Equal(t, casePage, b.send(casePage+"/claim").to())
	page := b.get(casePage).body
	require.Contains(t, page, "You have it until 09:15")
	require.Contains(t, page, "The case is yours.")
	require.Equal(t, "/console/queue", b.send(casePage+"/release").to())
	d.books.claimed = &store.ClaimedError{Claim: store.Claim{By: "local:wang", Name: "王芳"}}
	b.send(casePage + "/claim")
	require.Contains(t, b.get(casePage).body, "王芳 is working on this case.")
	require.Equal(t, http.StatusForbidden, d.signedIn("qian").send(casePage+"/claim").StatusCode)
}

func TestLookingAtACaseIsOnRecord(t *testing.T) {
	d := newDesk(t)
	d.signedIn("li").get(casePage)
	require.Equal(t, []store.Viewing{{PaymentID: somePayment, CaseID: someCase, By: "local:li", Address: "127.0.0.1"}}, d.books.views)
}

func TestACasePageHasEverythingThatIsNeededToDecide(t *testing.T) {
	d := newDesk(t)
	page := d.signedIn("li").get(casePage).body
	for _, text := range []string{"You can tell the patient:", "张**", "138****5678", "R20270105000017A02", "4200001", "the insurance platform says failed", "BEFORE01",
		"Money is in", "王芳", "S273-AAVG-ZK94", "temporary", "2026-01-08 04:00", "sent with it", "http://temporal.example/namespaces/default/workflows/payment%2Fren-he%2FR20270105000017"} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, "张三丰")
}

func TestAPatientIsShownInClearForARecordedPurposeOnly(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	res := b.send(paymentPath+"/reveal", "reason", "x", "case", someCase)
	require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
	require.Contains(t, res.body, "Give a reason of 4 to 200 characters.")
	require.Empty(t, d.books.reveals)

	res = b.send(paymentPath+"/reveal", "reason", "the caller says she is the mother", "case", someCase)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.body, "张三丰")
	require.Contains(t, res.body, "11010519491231002X")
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.Equal(t, []store.Reveal{{PaymentID: somePayment, CaseID: someCase, By: "local:li", Purpose: "the caller says she is the mother", Address: "127.0.0.1"}}, d.books.reveals)
	require.NotContains(t, b.get(casePage).body, "张三丰")

	_, shown, _ := strings.Cut(res.body, `<div class="no-print" data-hide-after="120"`)
	shown, printed, found := strings.Cut(shown, `<div class="print-only">`)
	require.True(t, found, "what is printed is masked")
	require.Equal(t, 1, strings.Count(res.body, "11010519491231002X"))
	require.Contains(t, shown, "11010519491231002X")
	printed, _, _ = strings.Cut(printed, "</div>")
	require.Contains(t, printed, "110***********002X")

	require.Contains(t, b.send(paymentPath+"/reveal", "reason", "the caller again").body, "张三丰")
	for _, login := range []string{"qian"} {
		other := d.signedIn(login)
		require.NotContains(t, other.get(paymentPath).body, "/reveal")
		require.Equal(t, http.StatusForbidden, other.send(paymentPath+"/reveal", "reason", "long enough").StatusCode)
	}
}

func TestADecidedCaseFollowsThePaymentUntilNothingMoves(t *testing.T) {
	d := newDesk(t)
	d.decideFirst("local:li", payment.RefundAll)
	b := d.signedIn("li")
	page := b.get(casePage).body
	require.Contains(t, page, `hx-get="/console/cases/`+someCase+`/live"`)
	require.Contains(t, page, "being returned")
	live := b.get(casePage+"/live", "HX-Request", "true")
	require.Contains(t, live.body, "This page follows it.")
	require.Empty(t, live.Header.Get("HX-Redirect"))
	d.books.file.Payment.Status = payment.Refunded
	for _, path := range []string{casePage, paymentPath} {
		// The page can be the answer to a form, which must not be sent again.
		h := b.get(path + "/live").Header
		require.Equal(t, path, h.Get("HX-Redirect"))
		require.Empty(t, h.Get("HX-Refresh"))
		require.NotContains(t, b.get(path).body, "hx-get")
	}
}

func TestOnePaymentFoundIsOpenedAtOnce(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	require.Contains(t, b.get("/console/find?q=nothing").body, "No payment has this number.")
	d.books.found = []store.View{d.books.file.Payment}
	require.Equal(t, paymentPath, b.get("/console/find?q=R2027").to())
	d.books.found = append(d.books.found, d.books.file.Payment)
	page := b.get("/console/find?q=R2027").body
	require.Contains(t, page, "R20270105000017")
	require.NotContains(t, page, "张**", "a list is no view of the patient that is on record")
	require.Empty(t, d.books.views)
}

var aRefund = regexp.MustCompile(`name="key" value="(desk-[A-Z2-7]{20})"`)

func TestARefundIsAskedForOnce(t *testing.T) {
	d := newDesk(t)
	d.books.file.Payment.Status = payment.Completed
	b := d.signedIn("li")
	page := b.get(paymentPath).body
	key := aRefund.FindStringSubmatch(page)[1]
	require.NotContains(t, page, "/cancel\"")
	res := b.send(paymentPath+"/refund", "key", key, "amount", "12.50", "reason", "医生停诊退号")
	require.Equal(t, paymentPath, res.to(), res.body)
	require.Equal(t, []RefundOrder{{Key: key, Amount: money.Fen(1250), Reason: "医生停诊退号", Actor: "local:li"}}, d.engine.refunds)

	for name, form := range map[string][]string{
		"three decimals": {"key", key, "amount", "1.234", "reason", "long enough"}, "an exponent": {"key", key, "amount", "1e3", "reason", "long enough"},
		"nothing": {"key", key, "amount", "0", "reason", "long enough"}, "below": {"key", key, "amount", "-1", "reason", "long enough"},
		"no reason": {"key", key, "amount", "1", "reason", "x"},
	} {
		res := b.send(paymentPath+"/refund", form...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode, name)
		require.Contains(t, res.body, key, "the form keeps its key")
	}
	require.Equal(t, http.StatusBadRequest, b.send(paymentPath+"/refund", "key", "a/5/1", "amount", "1", "reason", "long enough").StatusCode)
	require.Len(t, d.engine.refunds, 1)
	for i, wide := range []string{"１２．５０", "12。5", "１２.50"} {
		require.Equal(t, paymentPath, b.send(paymentPath+"/refund", "key", key, "amount", wide, "reason", "医生停诊退号").to(), wide)
		require.True(t, money.Fen(1250).Equal(d.engine.refunds[i+1].Amount), wide)
	}

	d.engine.err = payment.Problems{{Code: payment.CodeRefundExceeds}}
	require.Contains(t, b.send(paymentPath+"/refund", "key", key, "amount", "20", "reason", "long enough").body, "at most ¥20.00")
	d.engine.err = http.ErrHandlerTimeout
	res = b.send(paymentPath+"/refund", "key", key, "amount", "20", "reason", "long enough")
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Contains(t, res.body, "it is not known whether this was done")
	require.Contains(t, res.body, key)
}

func TestACancellationNeedsAReasonAndSupport(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	require.Contains(t, b.get(paymentPath).body, "/cancel\"")
	require.Equal(t, http.StatusUnprocessableEntity, b.send(paymentPath+"/cancel", "reason", "").StatusCode)
	require.Equal(t, paymentPath, b.send(paymentPath+"/cancel", "reason", "患者来电取消").to())
	require.Equal(t, []payment.Cancellation{{Reason: "患者来电取消"}}, d.engine.cancelled)
	finance := d.signedIn("qian")
	require.NotContains(t, finance.get(paymentPath).body, "/cancel\"")
	require.Equal(t, http.StatusForbidden, finance.send(paymentPath+"/cancel", "reason", "long enough").StatusCode)
}

func TestWhatTwoPeopleDecideIsNotCancelledByOne(t *testing.T) {
	d := newDesk(t)
	for _, c := range []*store.DeskCase{&d.books.file.Case, &d.books.file.Cases[0]} {
		c.State, c.SecondPerson = store.CaseOpen, true
	}
	b := d.signedIn("li")
	page := b.get(paymentPath).body
	require.NotContains(t, page, "/cancel\"")
	require.Contains(t, page, worded("cancel_in_case"))
	require.Contains(t, page, `href="`+casePage+`"`)
	for _, reason := range []string{"患者来电取消", ""} {
		res := b.send(paymentPath+"/cancel", "reason", reason)
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Equal(t, 1, strings.Count(res.body, worded("cancel_in_case")))
	}
	require.Empty(t, d.engine.cancelled)
	require.Empty(t, d.books.asked)

	d.books.file.Cases[0].State = store.CaseDecided
	require.Contains(t, b.get(paymentPath).body, "/cancel\"")
	require.Equal(t, paymentPath, b.send(paymentPath+"/cancel", "reason", "患者来电取消").to())
	require.Len(t, d.engine.cancelled, 1)
}

func TestACaseIsOverdueAfterItsDeadlineAsTheBooksCount(t *testing.T) {
	d := newDesk(t)
	d.clock.pass(d.books.file.Case.Deadline.Sub(d.clock.now()) - time.Minute)
	b := d.signedIn("li")
	d.clock.pass(time.Minute)
	marks := map[string]string{"/console/queue": `class="overdue"`, casePage: `class="due late"`}
	for path, mark := range marks {
		body := b.get(path).body
		require.NotContains(t, body, mark, path)
		require.NotContains(t, body, "overdue by", path)
	}
	d.clock.pass(time.Second)
	for path, mark := range marks {
		body := b.get(path).body
		require.Contains(t, body, mark, path)
		require.Contains(t, body, "overdue by", path)
	}
}

func TestAMaintenanceWindowIsInTheHospitalsTime(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("feng")
	key := newKey()
	form := []string{"key", key, "hospital", renHe, "system", "wechat", "from", "2026-01-06T02:00", "until", "2026-01-06T04:30", "note", "升级"}
	require.Equal(t, "/console/maintenance", b.send("/console/maintenance", form...).to())
	w := d.books.windows[0]
	require.Equal(t, time.Date(2026, 1, 5, 18, 0, 0, 0, time.UTC), w.From.UTC())
	require.Equal(t, "local:feng", w.AnnouncedBy)
	page := b.get("/console/maintenance").body
	require.Contains(t, page, "2026-01-06 02:00")
	require.Contains(t, page, "Call it off")
	require.Equal(t, "/console/maintenance", b.send("/console/maintenance/mw_new/end").to())
	require.Equal(t, []string{"end mw_new local:feng"}, d.books.changed)

	for name, change := range map[string][2]string{"a year": {"until", "2027-02-01T00:00"}, "words": {"until", "tomorrow"}, "no end": {"until", ""}, "another system": {"system", "teapot"}, "nowhere": {"hospital", "teapot"}} {
		v := append([]string{}, form...)
		for i := 0; i < len(v); i += 2 {
			if v[i] == change[0] {
				v[i+1] = change[1]
			}
		}
		require.Equal(t, http.StatusUnprocessableEntity, b.send("/console/maintenance", v...).StatusCode, name)
	}
	require.Equal(t, http.StatusUnprocessableEntity, b.send("/console/maintenance", "key", key, "hospital", anKang, "system", "his", "until", "2026-01-06T04:30").StatusCode, "others' are unknown")
	support := d.signedIn("li")
	require.NotContains(t, support.get("/console/maintenance").body, "Announce maintenance")
	require.Equal(t, http.StatusForbidden, support.send("/console/maintenance", form...).StatusCode)
	require.Len(t, d.books.windows, 1)
}

func TestAFirstPasswordIsShownOnce(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("feng")
	res := b.send("/console/staff", "login", " Chen ", "name", "陈晨", "role", "support", "hospital", renHe)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, []staff.Account{{Login: "chen", Name: "陈晨", Roles: []staff.Role{staff.Support}, Hospitals: []string{renHe}}}, d.books.added)
	require.NotEmpty(t, d.books.password)
	require.Contains(t, res.body, d.books.password)
	require.NotContains(t, b.get("/console/staff").body, d.books.password)

	for name, form := range map[string][]string{
		"taken": {"login", "li", "name", "x", "role", "support", "hospital", renHe}, "no role": {"login", "new", "name", "x", "hospital", renHe},
		"unknown role": {"login", "new", "name", "x", "role", "king", "hospital", renHe}, "no hospital": {"login", "new", "name", "x", "role", "support"},
		"another's hospital": {"login", "new", "name", "x", "role", "support", "hospital", anKang}, "all of them": {"login", "new", "name", "x", "role", "support", "hospital", "*"},
		"an odd login": {"login", "<b>", "name", "x", "role", "support", "hospital", renHe},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, b.send("/console/staff", form...).StatusCode, name)
	}
	require.Len(t, d.books.added, 1)
}

func TestAccountsAreChangedByAnAdministratorOfTheirHospitalsAlone(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("feng")
	require.Equal(t, http.StatusOK, b.get("/console/staff/li").StatusCode)
	require.Equal(t, http.StatusNotFound, b.get("/console/staff/zhou").StatusCode, "another hospital's")
	require.Equal(t, http.StatusNotFound, b.get("/console/staff/nobody").StatusCode)
	require.Equal(t, http.StatusForbidden, b.get("/console/staff/feng").StatusCode, "one's own")
	require.NotContains(t, b.get("/console/staff").body, "周正")

	b.send("/console/staff/li/rights", "role", "finance", "hospital", renHe)
	b.send("/console/staff/li/disable")
	b.send("/console/staff/li/enable")
	require.Contains(t, b.send("/console/staff/li/password").body, d.books.password)
	require.Equal(t, []string{"rights li finance ren-he local:feng", "disable li local:feng", "enable li local:feng", "password li"}, d.books.changed)
	require.Equal(t, http.StatusUnprocessableEntity, b.send("/console/staff/li/rights", "role", "finance", "hospital", anKang).StatusCode)
	require.Equal(t, http.StatusForbidden, d.signedIn("sun").send("/console/staff/li/disable").StatusCode)
	require.Len(t, d.books.changed, 4)
}

func TestALogSaysWhetherItWasAltered(t *testing.T) {
	d := newDesk(t)
	d.books.lines = []store.LogLine{{Record: audit.Record{Subject: somePayment, Seq: 1, At: began, Actor: "local:li", Action: "personal_data_revealed",
		Detail: map[string]string{"purpose": "call back"}}}}
	b := d.signedIn("sun")
	page := b.get("/console/audit?subject=" + somePayment).body
	require.Equal(t, []store.Viewing{{PaymentID: somePayment, Log: true, By: "local:sun", Address: "127.0.0.1"}}, d.books.views)
	for _, text := range []string{"Verified", "李娜", "Patient&#39;s data shown in full", "call back"} {
		require.Contains(t, page, text)
	}
	d.books.chain = audit.ErrBroken
	require.Contains(t, b.get("/console/audit?subject="+somePayment).body, "Verification failed")
	d.books.chain = nil
	for subject, found := range map[string]bool{store.SubjectStaff: false, store.SubjectRisk(renHe): true, store.SubjectRisk(anKang): false, "pay_other": false} {
		body := b.get("/console/audit?subject=" + url.QueryEscape(subject)).body
		require.Equal(t, !found, strings.Contains(body, "There is no such log"), subject)
	}
	chief := d.signedIn("chief")
	require.Contains(t, chief.get("/console/audit?subject="+store.SubjectStaff).body, "Verified")
	require.Contains(t, chief.get("/console/audit?subject="+store.SubjectMaintenance(renHe)).body, "Verified")
	require.Equal(t, []string{"read " + store.SubjectRisk(renHe) + " local:sun 127.0.0.1", "read staff local:chief 127.0.0.1"}, d.books.changed, "whoever reads of people is on record")
	require.Equal(t, http.StatusForbidden, d.signedIn("li").get("/console/audit").StatusCode)
}

func TestTheOverviewHasFiguresAndCharts(t *testing.T) {
	d := newDesk(t)
	d.books.overview = store.Overview{Open: 3, Overdue: 1, Claimed: 2, Oldest: began, Decided: 7, Resolved: 1, Median: 20 * time.Minute, P95: 3 * time.Hour,
		ByReason: []store.ReasonCount{{Reason: payment.ReviewRisk, Open: 3, Overdue: 1}},
		ByDay:    []store.DayCount{{Day: midnight(began), Verdict: payment.RefundAll, Count: 4}, {Day: midnight(began), Verdict: payment.Approve, Count: 3}},
		Backlog:  []store.Unregistered{{HospitalID: renHe, Count: 5, Oldest: began}}}
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: payment.SystemHIS, From: began, Until: began.Add(10 * time.Hour)}}
	page := d.signedIn("qian").get("/console/overview?days=30").body
	for _, text := range []string{"20 min", "3 h", "Decisions by day", "Return all money", "<rect class=\"chart-bar c5\"", "running", "Ren He Hospital", "the last 30 days"} {
		require.Contains(t, page, text)
	}
	require.Equal(t, http.StatusForbidden, d.signedIn("li").get("/console/overview").StatusCode)
}

func TestTheLanguageIsChosenOnThePageAndStays(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	res := b.post("/console/language", url.Values{"to": {"zh-CN"}, "back": {"/console/queue?tab=mine"}})
	require.Equal(t, "/console/queue?tab=mine", res.to())
	require.Contains(t, b.get("/console/queue").body, "待处理异常单")
	require.Equal(t, "/console", b.post("/console/language", url.Values{"to": {"en"}, "back": {"https://evil.example"}}).to())
}

func TestAPurposeIsForThoseWhoCouldSeeThePatient(t *testing.T) {
	d := newDesk(t)
	d.books.file.Timeline = append(d.books.file.Timeline, store.Happening{At: began, Actor: "local:wang", Action: "personal_data_revealed",
		Detail: map[string]string{"purpose": "called by Zhang San"}})
	for login, sees := range map[string]bool{"li": true, "sun": true, "qian": false} {
		for _, path := range []string{paymentPath, "/console/cases/" + someCase} {
			page := d.signedIn(login).get(path)
			require.Equal(t, http.StatusOK, page.StatusCode)
			require.Contains(t, page.body, "Patient&#39;s data shown in full")
			require.Equal(t, sees, strings.Contains(page.body, "called by Zhang San"), "%s on %s", login, path)
		}
	}
}
