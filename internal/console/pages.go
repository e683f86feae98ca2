package console

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/regpay/regpay/internal/staff"
)

// pages are the routes of everything but signing in, in the order of the menu.
func (s *server) pages() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: post, path: "/language", public: true, handle: s.chooseLanguage},

		{method: get, path: "/queue", action: staff.SeeQueue, nav: "nav_queue", handle: s.queue},
		{method: get, path: "/queue/live", action: staff.SeeQueue, handle: s.queueRows},
		{method: get, path: "/cases/{case}", action: staff.SeeCase, handle: s.caseFile},
		{method: get, path: "/cases/{case}/live", action: staff.SeeCase, handle: s.caseNow},
		{method: post, path: "/cases/{case}/claim", action: staff.ClaimCase, handle: s.claim},
		{method: post, path: "/cases/{case}/release", action: staff.ClaimCase, handle: s.release},
		{method: post, path: "/cases/{case}/decide", action: staff.Decide, handle: s.decide},

		{method: get, path: "/find", action: staff.FindPayment, nav: "nav_find", handle: s.find},
		{method: get, path: "/payments/{payment}", action: staff.SeePayment, handle: s.paymentPage},
		{method: get, path: "/payments/{payment}/live", action: staff.SeePayment, handle: s.paymentNow},
		{method: get, path: "/payments/{payment}/voucher.svg", action: staff.SeeVoucher, handle: s.voucherPicture},
		{method: post, path: "/payments/{payment}/reveal", action: staff.Reveal, handle: s.reveal},
		{method: post, path: "/payments/{payment}/cancel", action: staff.Cancel, handle: s.cancel},
		{method: post, path: "/payments/{payment}/refund", action: staff.Refund, handle: s.refund},

		{method: get, path: "/overview", action: staff.SeeOverview, nav: "nav_overview", handle: s.overview},

		{method: get, path: "/maintenance", action: staff.SeeMaintenance, nav: "nav_maintenance", handle: s.maintenance},
		{method: post, path: "/maintenance", action: staff.ManageMaintenance, handle: s.announce},
		{method: post, path: "/maintenance/{window}/end", action: staff.ManageMaintenance, handle: s.endWindow},

		{method: get, path: "/staff", action: staff.SeeStaff, nav: "nav_staff", handle: s.staffList},
		{method: post, path: "/staff", action: staff.ManageStaff, handle: s.addStaff},
		{method: get, path: "/staff/{login}", action: staff.ManageStaff, handle: s.staffMember},
		{method: post, path: "/staff/{login}/rights", action: staff.ManageStaff, handle: s.changeStaff},
		{method: post, path: "/staff/{login}/password", action: staff.ManageStaff, handle: s.renewPassword},
		{method: post, path: "/staff/{login}/disable", action: staff.ManageStaff, handle: s.disableStaff},
		{method: post, path: "/staff/{login}/enable", action: staff.ManageStaff, handle: s.enableStaff},

		{method: get, path: "/audit", action: staff.SeeLog, nav: "nav_audit", handle: s.auditLog},
	}
}

// option is a choice of a list.
type option struct {
	Value, Text string
	Chosen      bool
}

// hospitalOptions are the hospitals of the installation that a person works
// for.
func (p *page) hospitalOptions(chosen ...string) []option {
	var all []option
	for _, h := range p.server.hospitals {
		if p.person.Oversees(h.ID) {
			all = append(all, option{h.ID, p.server.hospitalName(p.lang, h.ID), slices.Contains(chosen, h.ID)})
		}
	}
	return all
}

// scope is one hospital when the page asks for one of the person's, else all of
// theirs.
func (p *page) scope(hospital string) []string {
	if hospital != "" && p.person.Oversees(hospital) {
		return []string{hospital}
	}
	return p.hospitals()
}

// several are the options of a filter by hospital: none for who has just one.
func several(all []option) []option {
	if len(all) < 2 {
		return nil
	}
	return all
}

// newKey names what a form will make, so that a form that is sent twice makes
// it once.
func newKey() string { return "desk-" + rand.Text()[:20] }

// isKey says whether a form's key can be one that newKey made.
func isKey(key string) bool {
	rest, ok := strings.CutPrefix(key, "desk-")
	return ok && len(rest) == 20 && !strings.ContainsFunc(rest, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '2' || r > '7')
	})
}
