package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// everyPage are the pages that a person of a role can open.
func everyPage() map[string][]string {
	return map[string][]string{
		"li":   {"/console/queue", casePage, paymentPath, "/console/find", "/console/find?q=x", "/console/maintenance"},
		"sun":  {"/console/queue", casePage, paymentPath, "/console/overview", "/console/audit", "/console/audit?subject=" + somePayment, "/console/staff"},
		"zhao": {"/console/overview", "/console/maintenance", "/console/staff", "/console/staff/li"},
	}
}

var (
	scripts    = regexp.MustCompile(`<script([^>]*)>([^<]*)`)
	forms      = regexp.MustCompile(`(?s)<form[^>]*method="post"[^>]*action="([^"]*)".*?</form>`)
	inputs     = regexp.MustCompile(`<(?:input|select|textarea) ([^>]*)>`)
	ids        = regexp.MustCompile(` id="([^"]*)"`)
	references = regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby)="([^"]*)"`)
)

// look checks what holds for every page.
func look(t *testing.T, name, body string) {
	t.Helper()
	require.NotContains(t, body, " style=", name)
	require.NotContains(t, body, "<style", name)
	require.NotContains(t, body, "ZgotmplZ", name)
	require.NotRegexp(t, `\son[a-z]+="`, body, name)
	require.NotRegexp(t, `(?:src|href)="(?:https?:)?//[^t]`, body, name) // but Temporal's UI
	for _, m := range scripts.FindAllStringSubmatch(body, -1) {
		require.Contains(t, m[1], `src="/console/assets/`, name)
		require.Empty(t, strings.TrimSpace(m[2]), name)
	}
	for _, m := range forms.FindAllStringSubmatch(body, -1) {
		if strings.Contains(body, "/console/signout") {
			require.Contains(t, m[0], `name="csrf"`, "%s: %s", name, m[1])
		}
	}
	seen := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(body, -1) {
		require.False(t, seen[m[1]], "%s: two elements have the id %s", name, m[1])
		seen[m[1]] = true
	}
	for _, m := range references.FindAllStringSubmatch(body, -1) {
		require.True(t, seen[m[1]], "%s: nothing has the id %s", name, m[1])
	}
	for _, m := range inputs.FindAllStringSubmatch(body, -1) {
		attrs := " " + m[1]
		if strings.Contains(attrs, `type="hidden"`) {
			continue
		}
		id := ids.FindStringSubmatch(attrs)
		labelled := id != nil && strings.Contains(body, `for="`+id[1]+`"`) || regexp.MustCompile(`<label><input `+regexp.QuoteMeta(m[1])).MatchString(body)
		require.True(t, labelled, "%s: nothing labels %s", name, m[1])
	}
	require.Equal(t, 1, strings.Count(body, "<h1"), name)
}

func TestEveryPageIsPlainInBothLanguages(t *testing.T) {
	d := newDesk(t)
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: payment.SystemHIS, From: began, Until: began.Add(10 * time.Hour), EndedAt: began.Add(time.Hour), EndedBy: "local:zhao"}}
	d.books.overview = store.Overview{ByReason: []store.ReasonCount{{Reason: payment.ReviewRisk, Open: 3, Overdue: 1}}, ByDay: []store.DayCount{{Day: midnight(began), Verdict: payment.RefundAll, Count: 4}}}
	d.books.lines = []store.LogLine{{Record: audit.Record{Seq: 1, At: began, Actor: "x", Action: "opened"}}}
	for _, state := range []string{"open", "proposed by somebody else", "decided"} {
		switch state {
		case "proposed by somebody else":
			d.propose("local:wang")
			d.books.file.Case.Claim = &store.Claim{By: "local:wang", Name: "王芳", Until: began.Add(9 * time.Hour)}
		case "decided":
			d.decideFirst("local:wang", payment.RefundAll)
			d.books.file.Payment.Status = payment.Completed
		}
		for login, paths := range everyPage() {
			b := d.signedIn(login)
			for _, path := range paths {
				for _, l := range languages() {
					res := b.get(path, "Accept-Language", string(l))
					require.Equal(t, http.StatusOK, res.StatusCode, path)
					require.Contains(t, res.body, `<html lang="`+string(l)+`">`)
					look(t, state+" "+path+" "+string(l), res.body)
					if l == English {
						require.NotRegexp(t, `>[^<]*(?:理由|决定|付款|金额)[^<]*<`, res.body, path)
					}
				}
			}
		}
	}
	look(t, "sign in", d.browser().get("/console/signin").body)
	look(t, "not found", d.signedIn("li").get("/console/nowhere").body)
}

// script is what somebody hopes to get into a page.
const script = `"'><script>alert(1)</script>{{.}}`

func TestAScriptInAnyTextStaysText(t *testing.T) {
	d := newDesk(t)
	f := &d.books.file
	f.Case.Detail, f.Case.OrderNo, f.Case.Workflow = script, script, script
	f.Payment.OrderNo, f.Payment.Department, f.Payment.Doctor, f.Payment.WorkflowID, f.Payment.AppointmentID = script, script, script, script, script
	f.Patient.Name, f.Patient.Phone, f.Patient.IDNumber = script, script, script
	f.Attempts[1].Code, f.Attempts[1].MerchantNo, f.Attempts[1].Sent.Description, f.Attempts[1].Sent.PsnNo = script, script, script, script
	f.Refunds[0].Code, f.Refunds[0].Refund.No, f.Refunds[0].Refund.Reason, f.Refunds[0].ChannelNo = script, script, script, script
	f.Notices[0].Outcome = script
	f.Timeline = append(f.Timeline, store.Happening{Action: script, Actor: script, Detail: map[string]string{script: script, "reason": script, "decision": script}})
	d.propose(script)
	f.Case.Proposal.Note, f.Case.Proposal.HandedBy, f.Case.Proposal.Reference = script, script, script
	f.Case.Claim = &store.Claim{By: "local:wang", Name: script, Until: began.Add(9 * time.Hour)}
	d.books.found = []store.View{f.Payment, f.Payment}
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: script, Note: script, AnnouncedBy: script, From: began, Until: began.Add(10 * time.Hour)}}
	d.books.lines = []store.LogLine{{Record: audit.Record{Seq: 1, At: began, Actor: script, Action: script, Detail: map[string]string{script: script}}}}
	d.books.accounts["wang"].person.Name = script
	clean := func(name string, res answer) {
		require.NotContains(t, res.body, "<script>alert", name)
		require.NotContains(t, res.body, `"'>`, name)
	}
	for login, paths := range everyPage() {
		b := d.signedIn(login)
		for _, path := range paths {
			res := b.get(path)
			require.Equal(t, http.StatusOK, res.StatusCode, path)
			clean(path, res)
		}
	}
	b := d.signedIn("li")
	escaped := "%22%27%3E%3Cscript%3Ealert(1)%3C/script%3E"
	for _, path := range []string{"/console/queue?q=" + escaped, "/console/queue?tab=" + escaped, "/console/find?q=" + escaped, "/console/signin?next=" + escaped, "/console/" + escaped} {
		clean(path, b.get(path))
	}
	f.Case.Proposal = nil
	clean("a decision that comes back", b.send(decidePath, "decision", "confirm_settled", "reference", script, "note", script, "handed_by", script))
	f.Payment.Status = payment.Completed
	clean("a refund that comes back", b.send(paymentPath+"/refund", "key", newKey(), "amount", script, "reason", script))
	clean("a purpose", b.send(paymentPath+"/reveal", "reason", "x"))
	admin := d.signedIn("zhao")
	clean("an account that comes back", admin.send("/console/staff", "login", script, "name", script, "role", script, "hospital", script))
	clean("a window that comes back", admin.send("/console/maintenance", "key", newKey(), "hospital", renHe, "system", script, "from", script, "until", script, "note", script))
	clean("a log", d.signedIn("sun").get("/console/audit?subject="+escaped))
}

// What one press does and nothing takes back is asked for twice, without
// JavaScript: its form is in a box that has to be opened, and names the deed.
func TestWhatCannotBeTakenBackIsAskedForTwice(t *testing.T) {
	d := newDesk(t)
	d.books.windows = payment.Windows{{ID: "mw_1", HospitalID: renHe, System: payment.SystemHIS, From: began, Until: began.Add(10 * time.Hour)}}
	admin, desk := d.signedIn("zhao"), d.signedIn("li")
	d.books.file.Payment.Status = payment.AwaitingPayment
	pages := map[string]string{
		"/disable": admin.get("/console/staff/li").body, "/password": admin.get("/console/staff/li").body,
		"/mw_1/end": admin.get("/console/maintenance").body, "/cancel": desk.get(paymentPath).body, "/decide": desk.get(casePage).body,
	}
	inBox := regexp.MustCompile(`(?s)<details[^>]*>.*?</details>`)
	for deed, page := range pages {
		form := regexp.MustCompile(`action="[^"]*` + deed + `"`)
		all := len(form.FindAllString(page, -1))
		require.NotZero(t, all, deed)
		boxed := 0
		for _, box := range inBox.FindAllString(page, -1) {
			require.NotContains(t, box[:strings.Index(box, ">")], " open", deed)
			boxed += len(form.FindAllString(box, -1))
		}
		require.Equal(t, all, boxed, deed)
	}
}

func TestAReloadTellsThoseWhoCannotSeeItWhatChanged(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	for path, says := range map[string]string{"/console/queue": "Cases to decide", casePage: "Where it stands now: ", paymentPath: "Where it stands now: "} {
		page := b.get(path).body
		require.Contains(t, page, `<p id="spoken" class="sr" role="status"></p>`, path)
		require.Regexp(t, `data-say="`+says, page, path)
	}
}
