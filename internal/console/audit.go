package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const logPage = 100 // records a page

// auditData is the page of one audit log.
type auditData struct {
	Subject   string
	Others    []option // logs that are of no payment
	NotFound  bool
	IsPayment bool
	Chain     string // "", good or broken
	Broken    string // what does not fit
	Rows      []logRow
	Next      string
}

type logRow struct {
	Seq              int64
	At               time.Time
	By, Text, Action string
	Details          []fact
}

// auditLog shows a log, newest first, and verifies its whole chain when it is
// opened. Further pages are not verified again.
func (s *server) auditLog(p *page) error {
	d := auditData{Subject: cut(p.query("subject"), 64)}
	d.Others = s.otherLogs(p, d.Subject)
	if d.Subject == "" {
		return p.render("audit.html", d)
	}
	if err := s.mayReadLog(p, &d); err != nil {
		if r, known := refusalOf(err); known && r.status == http.StatusNotFound {
			d.NotFound = true
			return p.render("audit.html", d)
		}
		return err
	}
	if err := s.logSeen(p, d); err != nil {
		return err
	}
	before, err := strconv.ParseInt(p.query("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	if before == 0 {
		switch err := s.books.VerifyAudit(p.ctx(), d.Subject); {
		case err == nil:
			d.Chain = "good"
		case errors.Is(err, audit.ErrBroken):
			d.Chain, d.Broken = "broken", err.Error()
		case !errors.Is(err, store.ErrNotFound): // a log without a record yet
			return err
		}
	}
	lines, err := s.books.LogPage(p.ctx(), d.Subject, before, logPage)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	who := p.names()
	actors := make([]string, len(lines))
	for i, r := range lines {
		actors[i] = r.Actor
	}
	who.learn(actors...)
	for _, r := range lines {
		d.Rows = append(d.Rows, logRow{Seq: r.Seq, At: r.At, By: who.of(r.Actor), Text: sayCode(p.lang, "action", r.Action), Action: r.Action,
			Details: detailsOf(p, r.Detail)})
	}
	if len(lines) == logPage && lines[len(lines)-1].Seq > 1 {
		d.Next = base + "/audit?subject=" + url.QueryEscape(d.Subject) + "&before=" + strconv.FormatInt(lines[len(lines)-1].Seq, 10)
	}
	return p.render("audit.html", d)
}

// logSeen notes that the person reads a log that tells of people: a payment's,
// that of the staff with their sign-ins, and a hospital's block list.
func (s *server) logSeen(p *page, d auditData) error {
	switch {
	case d.IsPayment:
		seen := store.Viewing{PaymentID: d.Subject, Log: true, By: p.person.Subject, Address: p.from()}
		return s.books.ViewLogged(p.ctx(), seen, p.now)
	case d.Subject == store.SubjectStaff, strings.HasPrefix(d.Subject, store.SubjectRisk("")):
		return s.books.LogViewed(p.ctx(), d.Subject, p.person.Subject, p.from(), p.now)
	}
	return nil
}

// mayReadLog asks whether the log is one of the person's: a payment's by its
// hospital, and those of the whole installation for who oversees all of it.
func (s *server) mayReadLog(p *page, d *auditData) error {
	if strings.HasPrefix(d.Subject, "pay_") {
		v, err := s.books.Payment(p.ctx(), d.Subject)
		if err != nil {
			return err
		}
		d.IsPayment = true
		return p.require(staff.SeeLog, v.HospitalID)
	}
	for _, o := range d.Others {
		if o.Value == d.Subject {
			return nil
		}
	}
	return p.notFound()
}

// otherLogs are the logs beside the payments' that the person can read.
func (s *server) otherLogs(p *page, chosen string) []option {
	var all []option
	if p.oversees(staff.AllHospitals) {
		all = append(all, option{store.SubjectStaff, say(p.lang, "audit_staff"), chosen == store.SubjectStaff},
			option{store.SubjectAPIKeys, say(p.lang, "audit_api_keys"), chosen == store.SubjectAPIKeys})
	}
	for _, h := range p.hospitalOptions() {
		for _, log := range []struct{ subject, word string }{
			{store.SubjectMaintenance(h.Value), "audit_maintenance_of"}, {store.SubjectRisk(h.Value), "audit_risk_of"},
		} {
			all = append(all, option{log.subject, say(p.lang, log.word, h.Text), chosen == log.subject})
		}
	}
	return all
}
