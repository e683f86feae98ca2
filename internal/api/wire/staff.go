package wire

import (
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Case is an open question for staff.
type Case struct {
	CaseID   string            `json:"case_id"`
	Reason   payment.Reason    `json:"reason"`
	Detail   string            `json:"detail,omitempty" doc:"The other side's code"`
	Attempt  int               `json:"attempt,omitempty"`
	OpenedAt time.Time         `json:"opened_at"`
	Deadline time.Time         `json:"deadline"`
	Allowed  []payment.Verdict `json:"allowed" nullable:"false" doc:"The decisions that can be made"`
	// SecondPerson and Proposal are of cases that two people decide.
	SecondPerson bool      `json:"second_person,omitempty" doc:"Two people decide: the second confirms the first one's proposal"`
	Proposal     *Proposal `json:"proposal,omitempty"`
	Escalations  int       `json:"escalations,omitempty" doc:"How often the case was found overdue, once a day"`
}

// Proposal is the first person's decision on a case that two people decide.
type Proposal struct {
	Decision  payment.Verdict `json:"decision"`
	Operator  string          `json:"operator"`
	Note      string          `json:"note,omitempty"`
	Reference string          `json:"reference,omitempty"`
	HandedBy  string          `json:"handed_by,omitempty"`
}

// CaseOf writes a case.
func CaseOf(c payment.Case) Case {
	allowed := c.Allowed
	if allowed == nil {
		allowed = []payment.Verdict{}
	}
	out := Case{CaseID: c.ID, Reason: c.Reason, Detail: c.Detail, Attempt: c.Attempt,
		OpenedAt: utc(c.OpenedAt), Deadline: utc(c.Deadline), Allowed: allowed, SecondPerson: c.SecondPerson, Escalations: c.Escalations}
	if p := c.Proposal; p != nil {
		out.Proposal = &Proposal{Decision: p.Verdict, Operator: p.Operator, Note: p.Note, Reference: p.Reference, HandedBy: p.HandedBy}
	}
	return out
}

// Review is an open case with the payment that it is about.
type Review struct {
	Case
	PaymentID  string `json:"payment_id"`
	HospitalID string `json:"hospital_id"`
	OrderNo    string `json:"order_no"`
	AmountFen  int64  `json:"amount_fen" doc:"In fen"`
}

// Reviews is a page of open cases, the most urgent first.
type Reviews struct {
	Items []Review `json:"items" nullable:"false"`
	Next  string   `json:"next,omitempty" doc:"Value of cursor for the next page"`
}

// Decision is a person's word on a case.
type Decision struct {
	CaseID    string          `json:"case_id" maxLength:"80"`
	Decision  payment.Verdict `json:"decision" enum:"approve,retry_clearing,confirm_settled,convert_to_self_pay,refund,retry_refund,refund_offline,reject"`
	Operator  string          `json:"operator" maxLength:"64" doc:"Who decided; kept in the audit log. Names that begin with local: or oidc: are of the review console and refused"`
	Note      string          `json:"note,omitempty" maxLength:"500" doc:"No personal data"`
	Reference string          `json:"reference,omitempty" maxLength:"64" doc:"Settlement or receipt number, for confirm_settled and refund_offline"`
	HandedBy  string          `json:"handed_by,omitempty" maxLength:"64" doc:"Who gave the money back on site, for refund_offline; the operator when empty"`
}

// Domain is the decision as the domain has it.
func (d Decision) Domain() payment.Decision {
	return payment.Decision{CaseID: d.CaseID, Verdict: d.Decision, Operator: d.Operator, Note: d.Note, Reference: d.Reference, HandedBy: d.HandedBy}
}

// Decided acknowledges a decision; what came of it is seen in the payment.
type Decided struct {
	PaymentID string          `json:"payment_id"`
	CaseID    string          `json:"case_id"`
	Decision  payment.Verdict `json:"decision"`
	// Proposed is set when another person has to confirm the decision.
	Proposed bool `json:"proposed,omitempty" doc:"Another person has to confirm the decision before anything follows from it"`
}
