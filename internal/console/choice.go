package console

import (
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// choice is one decision as it is offered: what it will do, in words and in
// money, and what it needs.
type choice struct {
	Verdict                       payment.Verdict
	Name, Does, Needs, When, Tone string
	Money                         []string // what moves
	NeedsReference, AsksHandedBy  bool
	NeedsNote                     bool
	ReferenceLabel, ReferenceHint string
	Chosen                        bool // was sent, and came back
	Reference, HandedBy, Note     string
	Wrong                         []string
}

func choiceOf(p *page, file store.CaseFile, v payment.Verdict) choice {
	l, word, reason := p.lang, string(v), string(file.Case.Reason)
	c := choice{Verdict: v, Name: sayCode(l, "verdict_name", word),
		Does:  sayFirst(l, "verdict_does_"+word+"_"+reason, "verdict_does_"+word),
		Needs: sayFirst(l, "verdict_needs_"+word), When: sayFirst(l, "verdict_when_"+word),
		Money: effectOf(p, file, v), NeedsReference: v.NeedsReference(), AsksHandedBy: v == payment.RefundOffline, NeedsNote: needsNote(v)}
	if v == payment.RefundAll || v == payment.Reject {
		c.Tone = "danger"
	}
	if c.NeedsReference {
		kind := "settlement"
		if v == payment.RefundOffline {
			kind = "receipt"
		}
		c.ReferenceLabel, c.ReferenceHint = say(l, "label_"+kind), say(l, "hint_"+kind)
	}
	return c
}

// needsNote says which decisions need a reason: all but those that only ask
// once more.
func needsNote(v payment.Verdict) bool {
	return v != payment.RetryClearing && v != payment.RetryRefund
}

// effectOf says which money a decision moves, and how.
func effectOf(p *page, file store.CaseFile, v payment.Verdict) []string {
	l := p.lang
	part := attemptAmount(file)
	switch v {
	case payment.RefundAll, payment.Reject:
		var out []string
		for _, a := range file.Attempts {
			if kept := less(a.Captured, a.Refunded); kept.IsPositive() {
				out = append(out, say(l, "choice_back", yuan(kept), sayCode(l, "channel", string(a.Channel))))
			}
		}
		if len(out) == 0 {
			out = []string{say(l, "choice_no_money")}
		}
		return out
	case payment.RetryClearing:
		return oneEffect(l, "choice_again", part)
	case payment.ConfirmSettled:
		return oneEffect(l, "choice_insurance_in", part)
	case payment.ConvertToSelfPay:
		return oneEffect(l, "choice_self_pay", part)
	case payment.RetryRefund:
		var out []string
		for _, r := range refundsInQuestion(file) {
			out = append(out, say(l, "choice_back", yuan(r.Refund.Amount), sayCode(l, "channel", string(r.Channel))))
		}
		return out
	case payment.RefundOffline:
		return oneEffect(l, "choice_back_site", onSite(file))
	}
	return nil
}

func oneEffect(l Language, key string, m money.Money) []string {
	if !m.IsPositive() {
		return nil
	}
	return []string{say(l, key, yuan(m))}
}

// attemptAmount is what the attempt asked for that a case is about.
func attemptAmount(file store.CaseFile) money.Money {
	for _, a := range file.Attempts {
		if a.Attempt == file.Case.Attempt {
			return a.Amount
		}
	}
	return money.Money{}
}

// onSite is what staff hand over: the refund in question, or, for the
// insurance's cases, everything that came in.
func onSite(file store.CaseFile) money.Money {
	var sum money.Money
	if file.Case.Reason == payment.ReviewRefundFailed {
		for _, r := range refundsInQuestion(file) {
			sum = plus(sum, r.Refund.Amount)
		}
		return sum
	}
	for _, a := range file.Attempts {
		sum = plus(sum, less(a.Captured, a.Refunded))
	}
	return sum
}

// plus is a + b. Amounts of one payment have one currency.
func plus(a, b money.Money) money.Money {
	sum, err := a.Add(b)
	if err != nil {
		return a
	}
	return sum
}

// refundsInQuestion are the refunds that a case is about: the one in its id, or
// those of its attempt that are not back.
func refundsInQuestion(file store.CaseFile) []store.RefundFile {
	n := refundOfCase(file.Payment.ID, file.Case.ID)
	var out []store.RefundFile
	for _, r := range file.Refunds {
		if n != 0 && r.N == n || n == 0 && r.Attempt == file.Case.Attempt && r.State != channel.RefundSucceeded {
			out = append(out, r)
		}
	}
	return out
}
