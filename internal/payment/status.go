package payment

// Status is where a payment stands.
type Status string

// The states of a payment, in the order of a life without trouble, then the
// side states, then the ends.
const (
	Pending         Status = "pending"          // opened in the books
	Verifying       Status = "verifying"        // the patient has to prove who they are
	AwaitingPayment Status = "awaiting_payment" // the patient has to pay
	Clearing        Status = "clearing"         // the insurance platform is settling
	Paid            Status = "paid"             // all money is in, the voucher is out
	Registered      Status = "registered"       // the HIS has it
	Completed       Status = "completed"        // the booking backend knows

	InReview  Status = "in_review" // a person decides
	Suspended Status = "suspended" // a maintenance window is waited out
	Refunding Status = "refunding" // captured money is on its way back

	Closed   Status = "closed"   // nobody paid
	Refunded Status = "refunded" // all money was returned
	Rejected Status = "rejected" // verification, risk rules or a person refused it
)

var next = map[Status][]Status{
	Pending:         {Verifying, AwaitingPayment, Clearing, InReview, Suspended, Rejected, Closed},
	Verifying:       {AwaitingPayment, Clearing, InReview, Suspended, Rejected, Closed},
	AwaitingPayment: {Verifying, Clearing, Paid, InReview, Suspended, Refunding, Rejected, Closed},
	Clearing:        {AwaitingPayment, Verifying, Paid, InReview, Suspended, Refunding, Rejected, Closed},
	Paid:            {Registered, InReview, Suspended, Refunding},
	Registered:      {Completed, Refunding},
	Completed:       {Refunding},
	InReview:        {Verifying, AwaitingPayment, Clearing, Paid, Suspended, Refunding, Rejected, Closed},
	Suspended:       {Verifying, AwaitingPayment, Clearing, Paid, InReview, Refunding, Rejected, Closed},
	Refunding:       {Refunded, InReview, Completed, Rejected, Closed},
}

// Statuses lists every state.
func Statuses() []Status {
	return []Status{Pending, Verifying, AwaitingPayment, Clearing, Paid, Registered, Completed,
		InReview, Suspended, Refunding, Closed, Refunded, Rejected}
}

// Valid says whether s is one of the states.
func (s Status) Valid() bool {
	for _, k := range Statuses() {
		if k == s {
			return true
		}
	}
	return false
}

// CanBecome says whether a payment in s may go to t next. Staying is always
// allowed: a repeated step changes nothing.
func (s Status) CanBecome(t Status) bool {
	if s == t {
		return true
	}
	for _, k := range next[s] {
		if k == t {
			return true
		}
	}
	return false
}

// Ended says whether the payment's own workflow is over in s. A completed
// payment can still be refunded later, by a workflow of its own.
func (s Status) Ended() bool {
	return s == Completed || s == Closed || s == Refunded || s == Rejected
}
