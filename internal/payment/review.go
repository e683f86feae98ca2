package payment

import (
	"slices"
	"strings"
	"time"
)

// Reason says why a payment waits for a person.
type Reason string

// The reasons for a review.
const (
	ReviewRisk            Reason = "risk"             // the risk rules want a person to look
	ReviewPassport        Reason = "passport"         // a passport has to be checked
	ReviewClearingFailed  Reason = "clearing_failed"  // the insurance refused or failed
	ReviewClearingUnknown Reason = "clearing_unknown" // the platform itself asks for a person
	ReviewClearingOverdue Reason = "clearing_overdue" // no answer for hours
	ReviewSplitMismatch   Reason = "split_mismatch"   // the platform settled another split
	ReviewRefundFailed    Reason = "refund_failed"    // money could not be returned
)

// ReviewWindow is how long staff have to decide a case.
const ReviewWindow = 24 * time.Hour

// Verdict is what a person decided.
type Verdict string

// The decisions.
const (
	Approve        Verdict = "approve"         // risk, passport: go on
	RetryClearing  Verdict = "retry_clearing"  // ask the platform once more
	ConfirmSettled Verdict = "confirm_settled" // it did settle; reference is the settlement number
	RefundAll      Verdict = "refund"          // return what was captured
	RetryRefund    Verdict = "retry_refund"    // try the refund once more
	RefundOffline  Verdict = "refund_offline"  // handed over on site; reference is the receipt number
	Reject         Verdict = "reject"          // end it; captured money goes back
)

// Allowed lists the decisions that make sense for a reason, in the order in
// which staff should think of them.
func (r Reason) Allowed() []Verdict {
	switch r {
	case ReviewRisk, ReviewPassport:
		return []Verdict{Approve, Reject}
	case ReviewClearingFailed, ReviewClearingUnknown, ReviewClearingOverdue, ReviewSplitMismatch:
		return []Verdict{RetryClearing, ConfirmSettled, RefundAll, Reject}
	case ReviewRefundFailed:
		return []Verdict{RetryRefund, RefundOffline}
	}
	return nil
}

// NeedsReference says whether a decision is worth nothing without a number
// that can be checked.
func (v Verdict) NeedsReference() bool { return v == ConfirmSettled || v == RefundOffline }

// Decision is a person's word on a case, as staff send it by API, command
// line, or as the JSON of the signal in Temporal's UI.
type Decision struct {
	CaseID    string  `json:"case_id"`
	Verdict   Verdict `json:"decision"`
	Operator  string  `json:"operator"`
	Note      string  `json:"note,omitempty"`
	Reference string  `json:"reference,omitempty"`
}

// Case is an open question about a payment.
type Case struct {
	ID       string    `json:"id"` // <payment id>-C<n>
	Reason   Reason    `json:"reason"`
	Detail   string    `json:"detail"` // a code of the other side, no personal data
	Attempt  int       `json:"attempt,omitempty"`
	OpenedAt time.Time `json:"opened_at"`
	Deadline time.Time `json:"deadline"`
	Allowed  []Verdict `json:"allowed"`
}

// Check finds what is wrong with a decision on the case c, which is nil when
// none is open.
func (d Decision) Check(c *Case) error {
	var ps Problems
	switch {
	case c == nil:
		ps.add("case_id", CodeCaseClosed, "no case of this payment is open")
	case d.CaseID != c.ID:
		ps.add("case_id", CodeCaseUnknown, "the open case is another one")
	case !slices.Contains(c.Allowed, d.Verdict):
		ps.add("decision", CodeDecision, "the decisions that can be made now are %s", c.allowedText())
	}
	if n := len(strings.TrimSpace(d.Operator)); n == 0 || n > 64 {
		ps.add("operator", CodeOperator, "a decision names who made it")
	}
	if d.Verdict.NeedsReference() && strings.TrimSpace(d.Reference) == "" {
		ps.add("reference", CodeReference, "this decision needs the settlement or receipt number")
	}
	return ps.orNil()
}

func (c *Case) allowedText() string {
	words := make([]string, len(c.Allowed))
	for i, v := range c.Allowed {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
