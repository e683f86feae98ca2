package console

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const (
	queuePage = 50 // cases a page
	// inOneLine is how many maintenance windows the line above the queue names.
	inOneLine = 3
	// soon is how long before its deadline a case stands out.
	soon = 4 * time.Hour
)

// queueData is the page of open cases.
type queueData struct {
	Tab, Text          string
	Reasons, Hospitals []option
	Tabs               []queueTab
	Rows               []queueRow
	Next, Live         string // addresses
	Filtered           bool
	Running            []windowRow // maintenance at the person's hospitals: what is in one line
	MoreRunning        int         // and how many more
}

type queueTab struct {
	Key, Href, Word string
	Count           int
	Current, Alarm  bool
}

// queueRow is a case in the list.
type queueRow struct {
	ID, Detail, OrderNo, HospitalID string
	Reason                          payment.Reason
	Amount                          money.Money
	OpenedAt, Deadline              time.Time
	Overdue, Soon                   bool
	Escalations                     int
	Mine, MayClaim                  bool
	ClaimedName                     string
	Proposed, ProposedByMe          bool
}

// queueQuery is what the address asks the queue for.
type queueQuery struct {
	tab                           store.QueueTab
	reason, hospital, text, after string
}

func queueQueryOf(p *page) queueQuery {
	q := queueQuery{tab: store.QueueTab(p.query("tab")), reason: p.query("reason"), hospital: p.query("hospital"),
		text: cut(p.query("q"), 64), after: cut(p.query("after"), 64)}
	if !slices.Contains([]store.QueueTab{store.QueueMine, store.QueueUnclaimed, store.QueueOverdue}, q.tab) {
		q.tab = store.QueueAll
	}
	if !slices.Contains(reasons(), payment.Reason(q.reason)) {
		q.reason = ""
	}
	if q.hospital != "" && !p.person.Oversees(q.hospital) {
		q.hospital = ""
	}
	return q
}

// at is the address of a page of the queue with this query.
func (q queueQuery) at(path string) string {
	v := url.Values{}
	for name, value := range map[string]string{"tab": string(q.tab), "reason": q.reason, "hospital": q.hospital, "q": q.text, "after": q.after} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return base + path
	}
	return base + path + "?" + v.Encode()
}

// reasons are those of the filter, in the order of a payment's life.
func reasons() []payment.Reason {
	return []payment.Reason{payment.ReviewRisk, payment.ReviewClearingFailed, payment.ReviewClearingUnknown, payment.ReviewClearingOverdue,
		payment.ReviewSplitMismatch, payment.ReviewRefundFailed, payment.ReviewHISDelayed}
}

func (s *server) queue(p *page) error {
	data, err := s.queueData(p)
	if err != nil {
		return err
	}
	return p.render("queue.html", data)
}

// queueRows is the list alone, which the page loads again now and then.
func (s *server) queueRows(p *page) error {
	data, err := s.queueData(p)
	if err != nil {
		return err
	}
	return p.fragment("queue.html", "rows", data)
}

func (s *server) queueData(p *page) (queueData, error) {
	q := queueQueryOf(p)
	f := store.QueueFilter{Hospitals: p.scope(q.hospital), Tab: q.tab, By: p.person.Subject, Search: q.text,
		After: q.after, Limit: queuePage, At: p.now}
	if q.reason != "" {
		f.Reasons = []payment.Reason{payment.Reason(q.reason)}
	}
	found, err := s.books.Queue(p.ctx(), f)
	if err != nil {
		return queueData{}, err
	}
	d := queueData{Tab: string(q.tab), Text: q.text, Hospitals: several(p.hospitalOptions(q.hospital)),
		Live: q.at("/queue/live"), Filtered: q.text != "" || q.reason != "" || q.hospital != "" || q.tab != store.QueueAll}
	for _, r := range reasons() {
		d.Reasons = append(d.Reasons, option{string(r), sayCode(p.lang, "reason_title", string(r)), string(r) == q.reason})
	}
	for _, t := range []struct {
		tab   store.QueueTab
		key   string
		count int
	}{{store.QueueAll, "all", found.Counts.All}, {store.QueueMine, "mine", found.Counts.Mine},
		{store.QueueUnclaimed, "unclaimed", found.Counts.Unclaimed}, {store.QueueOverdue, "overdue", found.Counts.Overdue}} {
		other := q
		other.tab, other.after = t.tab, ""
		d.Tabs = append(d.Tabs, queueTab{Key: t.key, Href: other.at("/queue"), Word: "queue_tab_" + t.key, Count: t.count,
			Current: t.tab == q.tab, Alarm: t.tab == store.QueueOverdue && t.count > 0})
	}
	for _, c := range found.Cases {
		d.Rows = append(d.Rows, rowOf(p, c))
	}
	if found.More && len(found.Cases) > 0 {
		more := q
		more.after = found.Cases[len(found.Cases)-1].ID
		d.Next = more.at("/queue")
	}
	if d.Running, err = s.windowsNow(p, p.hospitals(), payment.WindowActive); err != nil {
		return queueData{}, err
	}
	if over := len(d.Running) - inOneLine; over > 0 {
		d.Running, d.MoreRunning = d.Running[:inOneLine], over
	}
	return d, nil
}

// overdue says whether a case is past its deadline, as the books count it.
func overdue(p *page, c store.DeskCase) bool { return c.Deadline.Before(p.now) }

func rowOf(p *page, c store.DeskCase) queueRow {
	r := queueRow{ID: c.ID, Detail: c.Detail, OrderNo: c.OrderNo, HospitalID: c.HospitalID, Reason: c.Reason, Amount: c.Amount,
		OpenedAt: c.OpenedAt, Deadline: c.Deadline, Overdue: overdue(p, c), Escalations: c.Escalations,
		Mine: c.Claim.Of(p.person.Subject), MayClaim: p.can(staff.ClaimCase, c.HospitalID)}
	r.Soon = !r.Overdue && c.Deadline.Sub(p.now) < soon
	if c.Claim != nil {
		r.ClaimedName = c.Claim.Name
	}
	if c.Proposal != nil {
		r.Proposed, r.ProposedByMe = true, c.Proposal.Operator == p.person.Subject
	}
	return r
}

// openCase finds the case of the address, for somebody who may do the action
// where it belongs.
func (s *server) openCase(p *page, action staff.Action) (store.DeskCase, error) {
	c, err := s.books.DeskCase(p.ctx(), p.param("case"), p.now)
	if err != nil {
		return c, err
	}
	return c, p.require(action, c.HospitalID)
}

// claim takes a case in hand and opens it.
func (s *server) claim(p *page) error {
	c, err := s.openCase(p, staff.ClaimCase)
	if err != nil {
		return err
	}
	back := "/cases/" + c.ID
	_, err = s.books.ClaimCase(p.ctx(), c.ID, p.person, p.now)
	var taken *store.ClaimedError
	switch {
	case errors.As(err, &taken):
		return p.redirect(back, bad("flash_claimed_by", taken.Claim.Name))
	case payment.HasCode(err, payment.CodeCaseClosed):
		return p.redirect(back, bad("flash_case_closed"))
	case err != nil:
		return err
	}
	return p.redirect(back, good("flash_claimed"))
}

// release puts a case back for others.
func (s *server) release(p *page) error {
	c, err := s.openCase(p, staff.ClaimCase)
	if err != nil {
		return err
	}
	err = s.books.ReleaseCase(p.ctx(), c.ID, p.person, p.now)
	var taken *store.ClaimedError
	switch {
	case errors.As(err, &taken):
		return p.redirect("/cases/"+c.ID, bad("flash_claimed_by", taken.Claim.Name))
	case err != nil:
		return err
	}
	return p.redirect("/queue", good("flash_released"))
}
