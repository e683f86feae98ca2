package console

import (
	"slices"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// periods are those of the overview, in days with today.
func periods() []int { return []int{1, 7, 30, 90} }

const defaultPeriod = 7

// overviewData is the supervisor's page.
type overviewData struct {
	store.Overview
	Days               int
	Periods, Hospitals []option
	Reasons, Outcomes  barChart
	Daily              columnChart
	Health             healthData
	Windows            []windowRow
	SeesMaintenance    bool
	Announce           announceData
}

func (s *server) overview(p *page) error {
	d, err := s.overviewData(p)
	if err != nil {
		return err
	}
	return p.render("overview.html", d)
}

func (s *server) overviewData(p *page) (overviewData, error) {
	days, err := strconv.Atoi(p.query("days"))
	if err != nil || !slices.Contains(periods(), days) {
		days = defaultPeriod
	}
	today := midnight(p.now)
	since := today.AddDate(0, 0, 1-days)
	scope := p.scope(p.query("hospital"))
	found, err := s.books.Overview(p.ctx(), scope, since, p.now)
	if err != nil {
		return overviewData{}, err
	}
	d := overviewData{Overview: found, Days: days, Hospitals: several(p.hospitalOptions(p.query("hospital"))),
		SeesMaintenance: p.somewhere(staff.SeeMaintenance)}
	for _, n := range periods() {
		d.Periods = append(d.Periods, option{strconv.Itoa(n), say(p.lang, "overview_days", n), n == days})
	}
	var open []counted
	late := 0
	for _, r := range found.ByReason {
		open = append(open, counted{sayCode(p.lang, "reason_title", string(r.Reason)), "c1", r.Open, r.Overdue})
		late += r.Overdue
	}
	note := ""
	if late > 0 {
		note = say(p.lang, "overview_late_note")
	}
	d.Reasons = barsOf("by-reason-chart", say(p.lang, "overview_by_reason"), note, open)
	d.Outcomes = barsOf("outcomes-chart", say(p.lang, "overview_outcomes"), "", outcomesOf(p.lang, found.ByDay))
	d.Daily = columnsOf(p.lang, since, today, found.ByDay)
	if d.Windows, err = s.windowsNow(p, scope, payment.WindowActive, payment.WindowUpcoming); err != nil {
		return overviewData{}, err
	}
	for i := range d.Windows {
		d.Windows[i].Back = backOverview
	}
	health, err := s.books.Health(p.ctx(), scope, p.now)
	if err != nil {
		return overviewData{}, err
	}
	d.Health = healthOf(p, health, found.Backlog, d.Windows)
	d.Announce = announceOf(p, windowForm{Key: newKey(), Hospital: p.query("hospital")}, backOverview)
	return d, nil
}

// midnight is the beginning of a time's day in the hospitals.
func midnight(t time.Time) time.Time {
	y, m, d := t.In(calendar.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, calendar.Zone)
}

// outcomesOf sums the days, most first.
func outcomesOf(l Language, days []store.DayCount) []counted {
	sums := map[payment.Verdict]int{}
	var order []payment.Verdict
	for _, n := range days {
		if _, known := sums[n.Verdict]; !known {
			order = append(order, n.Verdict)
		}
		sums[n.Verdict] += n.Count
	}
	slices.SortStableFunc(order, func(a, b payment.Verdict) int { return sums[b] - sums[a] })
	out := make([]counted, len(order))
	for i, v := range order {
		out[i] = counted{sayCode(l, "verdict_name", string(v)), verdictTone(v), sums[v], 0}
	}
	return out
}

// windowsNow are the maintenance windows in some states: that run, or are
// announced.
func (s *server) windowsNow(p *page, hospitals []string, states ...payment.WindowState) ([]windowRow, error) {
	var out []windowRow
	for _, state := range states {
		found, err := s.books.Windows(p.ctx(), store.WindowFilter{Hospitals: hospitals, State: state, At: p.now, Limit: 20})
		if err != nil {
			return nil, err
		}
		for _, w := range found {
			out = append(out, windowRowOf(p, w, nil))
		}
	}
	return out, nil
}
