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
	ReviewClearingFailed  Reason = "clearing_failed"  // the insurance refused or failed
	ReviewClearingUnknown Reason = "clearing_unknown" // the platform itself asks for a person
	ReviewClearingOverdue Reason = "clearing_overdue" // no answer for hours
	ReviewSplitMismatch   Reason = "split_mismatch"   // the platform settled another split
	ReviewRefundFailed    Reason = "refund_failed"    // money could not be returned
	ReviewHISDelayed      Reason = "his_delayed"      // paid, and the HIS cannot be reached for hours
)

// ReviewWindow is how long staff have to decide a case.
const ReviewWindow = 24 * time.Hour

// Verdict is what a person decided.
type Verdict string

// The decisions.
const (
	Approve          Verdict = "approve"             // risk: go on
	RetryClearing    Verdict = "retry_clearing"      // ask the platform once more
	ConfirmSettled   Verdict = "confirm_settled"     // it did settle; reference is the settlement number
	ConvertToSelfPay Verdict = "convert_to_self_pay" // the patient pays the insurance's part by another channel
	RefundAll        Verdict = "refund"              // return what was captured
	RetryRefund      Verdict = "retry_refund"        // try the refund once more
	RefundOffline    Verdict = "refund_offline"      // handed over on site; reference is the receipt number
	Reject           Verdict = "reject"              // end it; captured money goes back

	// Resolved is no person's decision: what the case asked about is over.
	Resolved Verdict = "resolved"
)

// Situation is what decides, beside the reason, which decisions make sense.
type Situation struct {
	MoneyIn   bool // a tender was captured
	Dead      bool // the attempt in question can never settle
	Exhausted bool // no further attempt can be made
}

// AllowedIn lists the decisions that make sense for a reason now.
func (r Reason) AllowedIn(s Situation) []Verdict {
	return slices.DeleteFunc(r.Allowed(), func(v Verdict) bool {
		switch v {
		case RefundOffline:
			return r != ReviewRefundFailed && !s.MoneyIn // there is nothing to hand over
		case ConfirmSettled:
			return s.Dead
		case RetryClearing:
			return s.Dead && s.Exhausted
		case ConvertToSelfPay:
			return s.Exhausted
		}
		return false
	})
}

// Allowed lists the decisions that a reason can take, in the order in which
// staff should think of them.
func (r Reason) Allowed() []Verdict {
	switch r {
	case ReviewRisk:
		return []Verdict{Approve, Reject}
	case ReviewClearingFailed, ReviewClearingUnknown, ReviewClearingOverdue:
		return []Verdict{RetryClearing, ConfirmSettled, ConvertToSelfPay, RefundAll, RefundOffline, Reject}
	case ReviewSplitMismatch:
		return []Verdict{RefundAll, Reject}
	case ReviewRefundFailed:
		return []Verdict{RetryRefund, RefundOffline}
	case ReviewHISDelayed:
		return []Verdict{RefundAll}
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
	// HandedBy is who gave the money back on site; the operator, when empty.
	HandedBy string `json:"handed_by,omitempty"`
}

// Case is an open question about a payment.
type Case struct {
	ID       string    `json:"id"` // <payment id>-C<n>, or <payment id>-R<nn>-C<n> of a refund
	Reason   Reason    `json:"reason"`
	Detail   string    `json:"detail"` // a code of the other side, no personal data
	Attempt  int       `json:"attempt,omitempty"`
	OpenedAt time.Time `json:"opened_at"`
	Deadline time.Time `json:"deadline"`
	Allowed  []Verdict `json:"allowed"`
	// Workflow is the id of the Temporal workflow that waits for the decision.
	Workflow string `json:"workflow"`
	// SecondPerson is set when one person's decision is not enough. Proposal is
	// then the first one's, which another person has to confirm.
	SecondPerson bool      `json:"second_person,omitempty"`
	Proposal     *Decision `json:"proposal,omitempty"`
	// Escalations counts how often the case was found overdue.
	Escalations int `json:"escalations,omitempty"`
}

// Confirms says whether a decision of another person confirms the proposal. One
// that differs takes the proposal's place instead.
func (c Case) Confirms(d Decision) bool {
	p := c.Proposal
	return p != nil && p.Verdict == d.Verdict && p.Reference == d.Reference && p.HandedBy == d.HandedBy && !samePerson(p.Operator, d.Operator)
}

// samePerson does not let somebody be two by writing the name otherwise.
func samePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// Operators of decisions that no person made.
const (
	ByPatient = "patient" // withdrew the payment, or chose another method
	ByChannel = "channel" // settled after all, as a notification told
	ByHIS     = "his"     // answered after all
)

// ByNobody says whether an operator is no person, so that no second one is
// needed.
func ByNobody(operator string) bool {
	return operator == ByPatient || operator == ByChannel || operator == ByHIS
}

// CheckPerson is Check for a decision that a person sent: it cannot come in
// the name of anybody but a person.
func (d Decision) CheckPerson(c *Case) error {
	if ByNobody(strings.ToLower(strings.TrimSpace(d.Operator))) {
		return Problems{{Code: CodeOperator, Field: "operator", Text: "a decision names the person who made it"}}
	}
	return d.Check(c)
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
	case d.Verdict == Resolved && ByNobody(d.Operator):
	case !slices.Contains(c.Allowed, d.Verdict):
		ps.add("decision", CodeDecision, "the decisions that can be made now are %s", c.allowedText())
	case c.Proposal != nil && samePerson(c.Proposal.Operator, d.Operator):
		ps.add("operator", CodeSecondPerson, "another person has to confirm this decision")
	}
	if n := len(strings.TrimSpace(d.Operator)); n == 0 || n > 64 {
		ps.add("operator", CodeOperator, "a decision names who made it")
	}
	if len(d.HandedBy) > 64 {
		ps.add("handed_by", CodeOperator, "a name of at most 64 bytes")
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
