package console

import (
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// following is for how long a decided case's page follows the payment.
const following = 10 * time.Minute

// caseData is the page of one case.
type caseData struct {
	ID, Workflow        string
	Reason              payment.Reason
	Detail, DetailText  string // the other side's code, and its meaning where it is known
	View                store.View
	Open, Overdue, Soon bool
	OpenedAt, Deadline  time.Time
	Escalations         int
	Claim               claimData
	MayClaim, MayDecide bool
	MayAudit            bool
	Lost, Decided       *outcome
	Doubt               string // a word's key
	Moving              bool
	SecondPerson        bool
	Proposal            *proposalData
	Choices             []choice
	Reauthorise         bool
	Patient             patientData
	Money               moneyData
	Exchanges           []exchange
	Refunds             []refundData
	SamePayment         caseList
	SamePatient         caseList
	Timeline            []happening
}

// claimData says who has the case in hand.
type claimData struct {
	Mine, Others bool
	Name         string
	Until        time.Time
}

// outcome is a decision that was made, in words.
type outcome struct {
	By, Verdict               string
	At                        time.Time
	Reference, HandedBy, Note string
}

// proposalData is the first person's decision on a case that two people decide.
type proposalData struct {
	Mine                      bool
	By                        string
	Choice                    choice
	Reference, HandedBy, Note string
}

// caseFile shows a case with everything that is needed to decide it.
func (s *server) caseFile(p *page) error {
	c, err := s.openCase(p, staff.SeeCase)
	if err != nil {
		return err
	}
	if c.Claim.Of(p.person.Subject) {
		if _, err := s.books.TouchClaim(p.ctx(), c.ID, p.person, p.now); err != nil {
			return err
		}
	}
	data, err := s.caseData(p, c.ID)
	if err != nil {
		return err
	}
	return p.render("casefile.html", data)
}

// caseData reads a case of a hospital that the person was found to oversee, and
// writes down that they looked.
func (s *server) caseData(p *page, caseID string) (caseData, error) {
	file, err := s.books.CaseFile(p.ctx(), caseID, p.now)
	if err != nil {
		return caseData{}, err
	}
	seen := store.Viewing{PaymentID: file.Payment.ID, CaseID: caseID, By: p.person.Subject, Address: p.from()}
	if err := s.books.ViewLogged(p.ctx(), seen, p.now); err != nil {
		return caseData{}, err
	}
	earlier, err := s.books.EarlierOf(p.ctx(), file.Payment.ID)
	if err != nil {
		return caseData{}, err
	}
	who := p.names()
	c, hospital := file.Case, file.Payment.HospitalID
	d := caseNowOf(p, c, file.Payment, who)
	d.Overdue, d.Soon = overdue(p, c), c.Deadline.Sub(p.now) < soon
	d.Detail, d.DetailText = c.Detail, detailMeaning(p.lang, c.Reason, c.Detail)
	d.OpenedAt, d.Deadline, d.Escalations, d.Workflow = c.OpenedAt, c.Deadline, c.Escalations, c.Workflow
	d.MayClaim, d.MayDecide, d.MayAudit = p.can(staff.ClaimCase, hospital), p.can(staff.Decide, hospital), p.can(staff.SeeLog, hospital)
	if c.Claim != nil {
		d.Claim = claimData{Mine: c.Claim.Of(p.person.Subject), Others: !c.Claim.Of(p.person.Subject), Name: c.Claim.Name, Until: c.Claim.Until}
	}
	if d.Open {
		d.SecondPerson = c.SecondPerson
		d.addDecisions(p, file, who)
	}
	d.Moving = d.Moving || d.Decided != nil && p.now.Sub(d.Decided.At) < following && refundMoves(file)
	d.Patient, d.Money = patientOf(p, file.File, c.ID), moneyOf(file.File)
	d.Exchanges, d.Refunds = exchangesOf(p, file.File), refundsOf(p, file.File)
	d.SamePayment, d.SamePatient = samePayment(file.File, c.ID, who), samePatient(earlier, who)
	d.Timeline = timelineOf(p, hospital, file.Timeline, who)
	return d, nil
}

// addDecisions adds what the person can decide now, or whom the case waits for.
func (d *caseData) addDecisions(p *page, file store.CaseFile, who *names) {
	c := file.Case
	mine := false
	if prop := c.Proposal; prop != nil {
		mine = prop.Operator == p.person.Subject
		d.Proposal = &proposalData{Mine: mine, By: who.of(prop.Operator), Choice: choiceOf(p, file, prop.Verdict),
			Reference: prop.Reference, HandedBy: prop.HandedBy, Note: prop.Note}
	}
	if !d.MayDecide || mine {
		return
	}
	for _, v := range c.Allowed {
		if c.Proposal != nil && c.Proposal.Verdict == v && !v.NeedsReference() {
			continue // it is no other decision, and is confirmed above; another reference makes it one
		}
		d.Choices = append(d.Choices, choiceOf(p, file, v))
	}
	switch c.Reason {
	case payment.ReviewClearingFailed, payment.ReviewClearingUnknown, payment.ReviewClearingOverdue:
		d.Reauthorise = true
	}
}

// caseNowOf is the part of a case's page that follows the payment.
func caseNowOf(p *page, c store.DeskCase, v store.View, who *names) caseData {
	d := caseData{ID: c.ID, Reason: c.Reason, View: v, Open: c.State == store.CaseOpen}
	if c.Decision == nil {
		return d
	}
	d.Decided = &outcome{By: who.of(c.Decision.Operator), Verdict: sayCode(p.lang, "verdict_name", string(c.Decision.Verdict)), At: c.DecidedAt,
		Reference: c.Decision.Reference, HandedBy: c.Decision.HandedBy, Note: c.Decision.Note}
	d.Moving = p.now.Sub(c.DecidedAt) < following && v.Case == nil && moves(v.Status)
	return d
}

// moves says whether a payment in a state goes on without the patient.
func moves(st payment.Status) bool {
	switch st {
	case payment.Pending, payment.InReview, payment.Clearing, payment.Paid, payment.Registered, payment.Refunding:
		return true
	}
	return false
}

// refundMoves says whether the refund that a case is about is on its way.
func refundMoves(file store.CaseFile) bool {
	n := refundOfCase(file.Payment.ID, file.Case.ID)
	for _, r := range file.Refunds {
		if r.N == n && r.State == channel.RefundProcessing {
			return true
		}
	}
	return false
}

// caseNow is where a decided case's payment stands, for a page that follows it.
// Once nothing moves any more the browser goes to the case's own page: this one
// may be the answer to a form, which loading it again would send again.
func (s *server) caseNow(p *page) error {
	c, err := s.openCase(p, staff.SeeCase)
	if err != nil {
		return err
	}
	v, err := s.books.Payment(p.ctx(), c.PaymentID)
	if err != nil {
		return err
	}
	d := caseNowOf(p, c, v, p.names())
	if !d.Moving {
		p.w.Header().Set("HX-Redirect", base+"/cases/"+c.ID)
	}
	return p.fragment("casefile.html", "live", d)
}

// showCase is the page of a case again, with what came of a form.
func (s *server) showCase(p *page, status int, caseID string, change func(*caseData)) error {
	d, err := s.caseData(p, caseID)
	if err != nil {
		return err
	}
	change(&d)
	return p.renderStatus(status, "casefile.html", d)
}
