package console

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// Bounds of what staff write with a decision. Those in bytes are of the rules
// of package payment.
const (
	minNote      = 4 // characters
	maxNote      = 500
	maxReference = 64 // bytes
	maxHandedBy  = 64
)

// sent is a decision's form as it came in.
type sent struct {
	payment.Decision
	confirms, checked, anyway bool
}

func sentBy(p *page, caseID string) sent {
	return sent{
		Decision: payment.Decision{CaseID: caseID, Verdict: payment.Verdict(p.form("decision")), Operator: p.person.Subject,
			Note: p.form("note"), Reference: p.form("reference"), HandedBy: p.form("handed_by")},
		confirms: p.form("confirms") == "yes", checked: p.form("checked") == "yes", anyway: p.form("anyway") == "yes",
	}
}

// wrong lists the words for what is to be mended in the form.
func (d sent) wrong() []string {
	var keys []string
	if d.Verdict.NeedsReference() && d.Reference == "" {
		keys = append(keys, "wrong_reference")
	}
	if needsNote(d.Verdict) && !d.confirms && utf8.RuneCountInString(d.Note) < minNote {
		keys = append(keys, "wrong_note")
	}
	if utf8.RuneCountInString(d.Note) > maxNote || len(d.Reference) > maxReference || len(d.HandedBy) > maxHandedBy {
		keys = append(keys, "wrong_text")
	}
	return keys
}

// decide gives a person's decision to the workflow that waits for it. The rules
// are checked against the books first, for a clear answer; the workflow checks
// them again, since another decision may have come in between.
func (s *server) decide(p *page) error {
	c, err := s.openCase(p, staff.Decide)
	if err != nil {
		return err
	}
	d := sentBy(p, c.ID)
	if c.State != store.CaseOpen {
		return s.tooLate(p, d)
	}
	if keys := d.wrong(); len(keys) > 0 {
		return s.mend(p, http.StatusUnprocessableEntity, d, keys...)
	}
	if c.Claim != nil && !c.Claim.Of(p.person.Subject) && !d.anyway {
		return s.mend(p, http.StatusConflict, d, "wrong_anyway")
	}
	if err := d.CheckPerson(&c.Case); err != nil {
		return s.refused(p, d, err)
	}
	// A confirmation carries out what this person saw: a proposal that was
	// replaced meanwhile is not confirmed unread, and nothing new is proposed.
	if d.confirms {
		if !d.checked {
			return s.again(p, http.StatusUnprocessableEntity, c.ID, "wrong_checked")
		}
		if !c.Confirms(d.Decision) {
			return s.again(p, http.StatusConflict, c.ID, "proposal_changed")
		}
	} else if c.Confirms(d.Decision) {
		// What this person meant as a proposal is one that a colleague made
		// meanwhile: it would be carried out, with a reason that nobody else read.
		return s.again(p, http.StatusConflict, c.ID, "proposal_changed")
	}
	if c.Claim.Of(p.person.Subject) {
		if _, err := s.books.TouchClaim(p.ctx(), c.ID, p.person, p.now); err != nil {
			return err
		}
	}
	v, err := s.books.Payment(p.ctx(), c.PaymentID)
	if err != nil {
		return err
	}
	if err := p.ask(store.Asking{PaymentID: c.PaymentID, CaseID: c.ID, Verdict: d.Verdict, Reason: d.Note}); err != nil {
		return err
	}
	ctx, cancel := p.asking()
	defer cancel()
	if err := s.engine.Decide(ctx, Ref{HospitalID: v.HospitalID, OrderNo: v.OrderNo}, d.Decision); err != nil {
		return s.refused(p, d, err)
	}
	return p.redirect("/cases/"+c.ID, good(s.became(p, c, d), sayCode(p.lang, "verdict_name", string(d.Verdict))))
}

// became is the word for what came of a decision that was taken. A proposal may
// have come or gone since c was read, so the books are asked once more; where
// they are behind the workflow, what they said before counts.
func (s *server) became(p *page, c store.DeskCase, d sent) string {
	proposed := c.SecondPerson && !c.Confirms(d.Decision)
	if now, err := s.books.DeskCase(p.ctx(), c.ID, p.now); err == nil {
		switch {
		case now.State != store.CaseOpen:
			proposed = false
		case now.Proposal != nil && now.Proposal.Operator == d.Operator:
			proposed = true
		}
	}
	if proposed {
		return "flash_proposed"
	}
	return "flash_decided"
}

// refused words why a decision was not taken. Where nothing is known of it the
// page says so, and shows the books.
func (s *server) refused(p *page, d sent, err error) error {
	for code, key := range map[string]string{
		payment.CodeDecision: "wrong_choice", payment.CodeReference: "wrong_reference",
		payment.CodeOperator: "wrong_operator", payment.CodeContradicted: "contradicted", payment.CodeState: "already_returned",
	} {
		if payment.HasCode(err, code) {
			return s.mend(p, http.StatusConflict, d, key)
		}
	}
	switch {
	case payment.HasCode(err, payment.CodeSecondPerson):
		return s.again(p, http.StatusConflict, d.CaseID, "proposal_waits")
	case payment.HasCode(err, payment.CodeCaseClosed), payment.HasCode(err, payment.CodeCaseUnknown):
		return s.tooLate(p, d)
	}
	if r, known := refusalOf(err); known && r.key != "problem_rule" {
		return err
	} else if known {
		return s.again(p, http.StatusConflict, d.CaseID, "problem_rule")
	}
	s.unanswered(p, err)
	return s.again(p, http.StatusServiceUnavailable, d.CaseID, "case_doubt")
}

// tooLate answers a decision on a case that is closed: who was first, and what
// they decided. A person's own decision, sent twice, is no defeat.
func (s *server) tooLate(p *page, d sent) error {
	c, err := s.books.DeskCase(p.ctx(), d.CaseID, p.now)
	if err != nil {
		return err
	}
	if first := c.Decision; first != nil && first.Operator == d.Operator && first.Verdict == d.Verdict && first.Reference == d.Reference {
		return p.redirect("/cases/"+d.CaseID, good("flash_decided", sayCode(p.lang, "verdict_name", string(d.Verdict))))
	}
	return s.showCase(p, http.StatusConflict, d.CaseID, func(page *caseData) {
		if page.Decided != nil {
			page.Lost = &outcome{By: page.Decided.By, Verdict: page.Decided.Verdict, At: page.Decided.At}
			return
		}
		page.Doubt = "flash_case_closed" // the workflow has gone on, and the books follow
	})
}

// mend shows the form again, with what is to be mended in it.
func (s *server) mend(p *page, status int, d sent, keys ...string) error {
	return s.showCase(p, status, d.CaseID, func(page *caseData) {
		i := slices.IndexFunc(page.Choices, func(c choice) bool { return c.Verdict == d.Verdict })
		if i < 0 || d.confirms {
			page.Doubt = keys[0]
			return
		}
		c := &page.Choices[i]
		c.Chosen, c.Reference, c.HandedBy, c.Note = true, cut(d.Reference, maxReference), cut(d.HandedBy, maxHandedBy), cut(d.Note, maxNote)
		for _, key := range keys {
			c.Wrong = append(c.Wrong, say(p.lang, key))
		}
	})
}

// again shows the case as it is now, with a sentence above it.
func (s *server) again(p *page, status int, caseID, key string) error {
	return s.showCase(p, status, caseID, func(page *caseData) { page.Doubt = key })
}
