package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// windowPage is how many maintenance windows a page lists.
const windowPage = 50

// formTime is how browsers send a time of an input of the type datetime-local.
// They have no zone: it is that of the hospitals.
const formTime = "2006-01-02T15:04"

// maintenanceData is the page of maintenance windows.
type maintenanceData struct {
	MayAnnounce bool
	Announce    announceData
	Rows        []windowRow
	Next        string
}

// announceData is the form that announces a window, on whichever page it is.
type announceData struct {
	May                bool
	Hospitals, Systems []option
	Form               windowForm
	Wrong              []string
	Back               string // of the page that the form is on: backOverview, or empty
}

// backOverview is what forms on the overview send along, to come back there.
const backOverview = "overview"

func announceOf(p *page, f windowForm, back string) announceData {
	d := announceData{May: p.somewhere(staff.ManageMaintenance), Form: f, Back: back}
	for _, o := range p.hospitalOptions(f.Hospital) {
		if p.can(staff.ManageMaintenance, o.Value) {
			d.Hospitals = append(d.Hospitals, o)
		}
	}
	for _, sys := range payment.Systems() {
		d.Systems = append(d.Systems, option{string(sys), sayCode(p.lang, "system", string(sys)), string(sys) == f.System})
	}
	return d
}

// maintenanceBack is where a form about a window leads: to the page it is on.
func maintenanceBack(p *page) string {
	if p.form("back") == backOverview && p.somewhere(staff.SeeOverview) {
		return "/overview"
	}
	return "/maintenance"
}

type windowForm struct{ Key, Hospital, System, From, Until, Note string }

// windowRow is a window in a list.
type windowRow struct {
	ID, HospitalID, Note, By, EndedBy string
	System                            payment.System
	State                             payment.WindowState
	From, Until                       time.Time // Until: when it is over
	EndedEarly, Running, MayEnd       bool
	Back                              string // as announceData has it
}

func windowRowOf(p *page, w payment.Window, who *names) windowRow {
	r := windowRow{ID: w.ID, HospitalID: w.HospitalID, Note: w.Note, System: w.System, State: w.State(p.now), From: w.From, Until: w.Over(),
		EndedEarly: !w.EndedAt.IsZero()}
	r.Running = r.State == payment.WindowActive
	r.MayEnd = r.State != payment.WindowPast && p.can(staff.ManageMaintenance, w.HospitalID)
	if who != nil {
		r.By = who.of(w.AnnouncedBy)
		if r.EndedEarly {
			r.EndedBy = who.of(w.EndedBy)
		}
	}
	return r
}

func (s *server) maintenance(p *page) error {
	d, err := s.maintenanceData(p, windowForm{Key: newKey()})
	if err != nil {
		return err
	}
	return p.render("maintenance.html", d)
}

func (s *server) maintenanceData(p *page, f windowForm) (maintenanceData, error) {
	found, err := s.books.Windows(p.ctx(), store.WindowFilter{Hospitals: p.hospitals(), At: p.now, Limit: windowPage + 1, After: cut(p.query("after"), 64)})
	if err != nil {
		return maintenanceData{}, err
	}
	d := maintenanceData{MayAnnounce: p.somewhere(staff.ManageMaintenance), Announce: announceOf(p, f, "")}
	if len(found) > windowPage {
		found = found[:windowPage]
		d.Next = base + "/maintenance?after=" + url.QueryEscape(found[windowPage-1].ID)
	}
	who := p.names()
	for _, w := range found {
		d.Rows = append(d.Rows, windowRowOf(p, w, who))
	}
	return d, nil
}

// announce makes a window of a hospital that the person manages.
func (s *server) announce(p *page) error {
	f := windowForm{Key: p.form("key"), Hospital: p.form("hospital"), System: p.form("system"), From: p.form("from"), Until: p.form("until"), Note: p.form("note")}
	if !isKey(f.Key) {
		return p.problem(http.StatusBadRequest, "problem_form")
	}
	// A hospital of others is as unknown as one that there is not.
	if !slices.ContainsFunc(p.hospitalOptions(), func(o option) bool { return o.Value == f.Hospital }) {
		return s.mendWindow(p, http.StatusUnprocessableEntity, f, "wrong_hospital")
	}
	if err := p.require(staff.ManageMaintenance, f.Hospital); err != nil {
		return err
	}
	from, okFrom := timeOf(f.From)
	until, okUntil := timeOf(f.Until)
	if !okFrom || !okUntil || until.IsZero() {
		return s.mendWindow(p, http.StatusUnprocessableEntity, f, "wrong_window_time")
	}
	w := payment.Window{HospitalID: f.Hospital, System: payment.System(f.System), From: from, Until: until, Note: f.Note, AnnouncedBy: p.person.Subject}
	_, _, err := s.books.AnnounceWindow(p.ctx(), f.Key, w, p.now)
	for _, rule := range []struct{ code, key string }{
		{payment.CodeWindowSystem, "wrong_system"}, {payment.CodeHospital, "wrong_hospital"},
		{payment.CodeWindowConflict, "wrong_window_conflict"}, {payment.CodeWindow, "wrong_window"},
	} {
		if payment.HasCode(err, rule.code) {
			return s.mendWindow(p, http.StatusUnprocessableEntity, f, rule.key)
		}
	}
	if err != nil {
		return err
	}
	return p.redirect(maintenanceBack(p), good("flash_announced"))
}

func (s *server) mendWindow(p *page, status int, f windowForm, key string) error {
	wrong := []string{say(p.lang, key)}
	if maintenanceBack(p) == "/overview" {
		d, err := s.overviewData(p)
		if err != nil {
			return err
		}
		d.Announce = announceOf(p, f, backOverview)
		d.Announce.Wrong = wrong
		return p.renderStatus(status, "overview.html", d)
	}
	d, err := s.maintenanceData(p, f)
	if err != nil {
		return err
	}
	d.Announce.Wrong = wrong
	return p.renderStatus(status, "maintenance.html", d)
}

// timeOf reads a time of a form; empty is none.
func timeOf(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{formTime, "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, calendar.Zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// endWindow ends a window before its time, or calls off one that has not begun.
func (s *server) endWindow(p *page) error {
	w, err := s.books.Window(p.ctx(), p.param("window"))
	if err != nil {
		return err
	}
	if err := p.require(staff.ManageMaintenance, w.HospitalID); err != nil {
		return err
	}
	if _, err := s.books.EndWindow(p.ctx(), w.ID, p.person.Subject, p.now); err != nil {
		return err
	}
	return p.redirect(maintenanceBack(p), good("flash_window_ended"))
}
