package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// maxReason bounds the reason of a refund or a cancellation, in characters:
// channels show the patient at most 80.
const maxReason = 80

// paymentData is the page of one payment.
type paymentData struct {
	View                           store.View
	Moving                         bool
	Doubt                          string // a word's key
	Voucher                        string // the address of its picture
	OpenCases                      []store.DeskCase
	Patient                        patientData
	Money                          moneyData
	Exchanges                      []exchange
	Refunds                        []refundData
	SamePayment                    caseList
	Timeline                       []happening
	MayAudit, MayCancel, MayRefund bool
	TwoDecide                      bool        // somebody could cancel, but for an open case that two people decide
	Left                           money.Money // that can still be returned
	Key, Amount, Reason, Tried     string      // of the forms
	Wrong                          []string
}

// paymentOf finds the payment of the address, for somebody who may do the
// action where it belongs.
func (s *server) paymentOf(p *page, action staff.Action) (store.View, error) {
	v, err := s.books.Payment(p.ctx(), p.param("payment"))
	if err != nil {
		return v, err
	}
	return v, p.require(action, v.HospitalID)
}

func (s *server) paymentPage(p *page) error {
	v, err := s.paymentOf(p, staff.SeePayment)
	if err != nil {
		return err
	}
	d, err := s.paymentData(p, v.ID)
	if err != nil {
		return err
	}
	return p.render("payment.html", d)
}

// paymentData reads a payment of a hospital that the person was found to
// oversee, and writes down that they looked.
func (s *server) paymentData(p *page, id string) (paymentData, error) {
	file, err := s.books.PaymentFile(p.ctx(), id, p.now)
	if err != nil {
		return paymentData{}, err
	}
	seen := store.Viewing{PaymentID: id, By: p.person.Subject, Address: p.from()}
	if err := s.books.ViewLogged(p.ctx(), seen, p.now); err != nil {
		return paymentData{}, err
	}
	who, v := p.names(), file.Payment
	d := paymentNowOf(p, v)
	d.Patient, d.Money = patientOf(p, file, ""), moneyOf(file)
	d.Exchanges = exchangesOf(p, file)
	if p.can(staff.SeeRefunds, v.HospitalID) {
		d.Refunds = refundsOf(p, file)
	}
	d.SamePayment, d.Timeline = samePayment(file, "", who), timelineOf(p, v.HospitalID, file.Timeline, who)
	d.SamePayment.Cases = slices.DeleteFunc(d.SamePayment.Cases, func(c otherCase) bool { return !c.Decided }) // those are above
	if p.can(staff.SeeCase, v.HospitalID) {
		for _, c := range file.Cases {
			if c.State == store.CaseOpen {
				d.OpenCases = append(d.OpenCases, c)
			}
		}
	} else {
		d.SamePayment.Cases = nil
	}
	d.Left = d.Money.Total.Kept
	d.MayAudit = p.can(staff.SeeLog, v.HospitalID)
	d.MayCancel = p.can(staff.Cancel, v.HospitalID) && cancellable(v.Status)
	if d.MayCancel && twoDecide(file.Cases) {
		d.MayCancel, d.TwoDecide = false, true
	}
	d.MayRefund = p.can(staff.Refund, v.HospitalID) && refundable(v.Status) && d.Left.IsPositive()
	if p.can(staff.SeeVoucher, v.HospitalID) {
		d.Voucher = p.server.voucherAddress(v)
	}
	d.Key, d.Amount = newKey(), d.Left.Yuan()
	return d, nil
}

// cancellable says in which states the payment's own workflow takes a
// cancellation: until money is on its way back or the HIS has it.
func cancellable(st payment.Status) bool {
	return !st.Ended() && st != payment.Refunding && st != payment.Registered
}

// twoDecide says whether one of a payment's cases is open that two people
// decide. A cancellation would return its money by one person's will.
func twoDecide(cases []store.DeskCase) bool {
	return slices.ContainsFunc(cases, func(c store.DeskCase) bool { return c.State == store.CaseOpen && c.SecondPerson })
}

// refundable says in which states money goes back by a refund.
func refundable(st payment.Status) bool {
	return st == payment.Registered || st == payment.Completed || st == payment.Refunding
}

func paymentNowOf(p *page, v store.View) paymentData {
	return paymentData{View: v, Moving: v.Case == nil && moves(v.Status) && p.now.Sub(v.UpdatedAt) < following}
}

// paymentNow is where a payment stands, for a page that follows it. Once it is
// at rest the browser goes to the whole page, by its address: to load again what
// it shows could send a form again, of which the page was the answer.
func (s *server) paymentNow(p *page) error {
	v, err := s.paymentOf(p, staff.SeePayment)
	if err != nil {
		return err
	}
	d := paymentNowOf(p, v)
	if !d.Moving {
		p.w.Header().Set("HX-Redirect", base+"/payments/"+v.ID)
	}
	return p.fragment("payment.html", "live", d)
}

// reveal shows the patient in clear, on the page from which it was asked, once
// the purpose is on record. The answer is never kept, and no address leads to it.
func (s *server) reveal(p *page) error {
	v, err := s.paymentOf(p, staff.Reveal)
	if err != nil {
		return err
	}
	caseID := p.form("case")
	if caseID != "" {
		c, err := s.books.DeskCase(p.ctx(), caseID, p.now)
		if err != nil {
			return err
		}
		if c.PaymentID != v.ID {
			return p.notFound()
		}
	}
	clear, err := s.books.RevealPatient(p.ctx(), store.Reveal{PaymentID: v.ID, CaseID: caseID, By: p.person.Subject,
		Purpose: p.form("reason"), Address: p.from()}, p.now)
	status, show := http.StatusOK, func(d *patientData) { d.Clear = &clear }
	switch {
	case errors.Is(err, store.ErrPurpose):
		status, show = http.StatusUnprocessableEntity, func(d *patientData) { d.Wrong = "reveal_wrong" }
	case err != nil:
		return err
	}
	if caseID != "" {
		return s.showCase(p, status, caseID, func(d *caseData) { show(&d.Patient) })
	}
	return s.showPayment(p, status, v.ID, func(d *paymentData) { show(&d.Patient) })
}

// showPayment is the page of a payment again, with what came of a form.
func (s *server) showPayment(p *page, status int, id string, change func(*paymentData)) error {
	d, err := s.paymentData(p, id)
	if err != nil {
		return err
	}
	change(&d)
	return p.renderStatus(status, "payment.html", d)
}

// reasonWrong is the word for a reason that is too short or too long; empty
// when it will do.
func reasonWrong(reason string) string {
	if n := utf8.RuneCountInString(reason); n < minNote || n > maxReason || strings.ContainsAny(reason, "\n\t") {
		return "wrong_reason"
	}
	return ""
}

// cancel ends a payment; what came in goes back.
func (s *server) cancel(p *page) error {
	v, err := s.paymentOf(p, staff.Cancel)
	if err != nil {
		return err
	}
	file, err := s.books.PaymentFile(p.ctx(), v.ID, p.now)
	if err != nil {
		return err
	}
	if twoDecide(file.Cases) {
		return s.showPayment(p, http.StatusConflict, v.ID, func(d *paymentData) { d.Doubt = "cancel_in_case" })
	}
	reason := p.form("reason")
	if key := reasonWrong(reason); key != "" {
		return s.mendPayment(p, http.StatusUnprocessableEntity, v.ID, "cancel", say(p.lang, key))
	}
	if err := p.ask(store.Asking{PaymentID: v.ID, Reason: reason}); err != nil {
		return err
	}
	ctx, stop := p.asking()
	defer stop()
	a, err := s.engine.Cancel(ctx, Ref{HospitalID: v.HospitalID, OrderNo: v.OrderNo}, payment.Cancellation{Reason: reason})
	if err != nil {
		return s.paymentRefused(p, v, "cancel", err)
	}
	return p.redirect("/payments/"+v.ID, good("flash_cancelled", sayCode(p.lang, "status", string(a.Status))))
}

// refund returns money of a payment that is registered.
func (s *server) refund(p *page) error {
	v, err := s.paymentOf(p, staff.Refund)
	if err != nil {
		return err
	}
	reason, key := p.form("reason"), p.form("key")
	amount, amountErr := money.Parse(narrow(p.form("amount")), money.CNY)
	if !isKey(key) {
		return p.problem(http.StatusBadRequest, "problem_form")
	}
	if word := reasonWrong(reason); word != "" {
		return s.mendPayment(p, http.StatusUnprocessableEntity, v.ID, "refund", say(p.lang, word))
	}
	if amountErr != nil || !amount.IsPositive() {
		return s.mendPayment(p, http.StatusUnprocessableEntity, v.ID, "refund", say(p.lang, "wrong_amount"))
	}
	if err := p.ask(store.Asking{PaymentID: v.ID, Amount: amount, Reason: reason}); err != nil {
		return err
	}
	ctx, stop := p.asking()
	defer stop()
	rows, err := s.engine.Refund(ctx, v, RefundOrder{Key: key, Amount: amount, Reason: reason, Actor: p.person.Subject})
	if err != nil {
		return s.paymentRefused(p, v, "refund", err)
	}
	parts := make([]string, len(rows))
	for i, r := range rows {
		parts[i] = yuan(r.Refund.Amount)
	}
	return p.redirect("/payments/"+v.ID, good("flash_refunded", strings.Join(parts, " + ")))
}

// narrow writes digits and the point as money.Parse reads them: a Chinese input
// method makes them wide, or a full stop.
func narrow(amount string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '．' || r == '。':
			return '.'
		}
		return r
	}, amount)
}

// paymentRefused words why a refund or a cancellation was not taken.
func (s *server) paymentRefused(p *page, v store.View, what string, err error) error {
	left := v.Captured
	for _, t := range v.Tenders {
		left = less(left, t.Refunded)
	}
	for _, rule := range []struct{ code, text string }{
		{payment.CodeRefundExceeds, say(p.lang, "refund_exceeds", yuan(left))},
		{payment.CodeRefundAmount, say(p.lang, "refund_whole")},
		{payment.CodeRefundConflict, say(p.lang, "refund_conflict")},
		{payment.CodeState, say(p.lang, "payment_state")},
	} {
		if payment.HasCode(err, rule.code) {
			return s.mendPayment(p, http.StatusConflict, v.ID, what, rule.text)
		}
	}
	if _, known := refusalOf(err); known {
		return err
	}
	s.unanswered(p, err)
	return s.showPayment(p, http.StatusServiceUnavailable, v.ID, func(d *paymentData) {
		d.Doubt, d.Key = "payment_doubt", keptKey(p, d.Key)
	})
}

// keptKey keeps the key of a form that may have been carried out, so that the
// same form again is the same refund.
func keptKey(p *page, fresh string) string {
	if key := p.form("key"); isKey(key) {
		return key
	}
	return fresh
}

// mendPayment shows the page again with what is to be mended in a form.
func (s *server) mendPayment(p *page, status int, id, what string, wrong ...string) error {
	return s.showPayment(p, status, id, func(d *paymentData) {
		d.Tried, d.Reason, d.Key = what, cut(p.form("reason"), maxReason), keptKey(p, d.Key)
		if what == "refund" {
			d.Amount = cut(p.form("amount"), 12)
		}
		d.Wrong = slices.Clone(wrong)
		if !d.MayCancel && !d.MayRefund { // the forms are gone, their message is not
			d.Doubt = "payment_state"
		}
	})
}
