package check

import (
	"cmp"
	"fmt"
	"slices"
)

// Check lists every rule that is broken, in order of the rules; none is what a
// run wants.
func Check(w World) []Violation {
	r := newReading(w)
	for _, rule := range []func(*reading){
		oneCharge, oneOwner, nothingTwice, derivedNumbers, writtenFirst, refundsWithin,
		ledgerBalances, ledgerIsTheirs, everythingLogged, onlyTheGenuine, nobodyIsNamed, everybodyIsTold, everythingRests,
	} {
		rule(r)
	}
	slices.SortStableFunc(r.found, func(a, b Violation) int { return cmp.Compare(order(a.Rule), order(b.Rule)) })
	return r.found
}

// order sorts I2 before I10.
func order(rule string) string { return fmt.Sprintf("%4s", rule) }

// reading is a world with what is looked up often, and what was found.
type reading struct {
	World
	found []Violation

	orders   map[Key]Order
	payments map[string]Payment // by id
	byKey    map[Key]Payment
	charges  map[Key][]Charge
	refunds  map[Key][]Refund
	booked   map[Key][]Appointment
	audit    map[string][]Record
	cases    map[string][]Case // by payment
}

func newReading(w World) *reading {
	r := &reading{World: w, orders: map[Key]Order{}, payments: map[string]Payment{}, byKey: map[Key]Payment{},
		charges: map[Key][]Charge{}, refunds: map[Key][]Refund{}, booked: map[Key][]Appointment{},
		audit: map[string][]Record{}, cases: map[string][]Case{}}
	for _, o := range w.Orders {
		r.orders[o.Key] = o
	}
	for _, c := range w.Cases {
		r.cases[c.PaymentID] = append(r.cases[c.PaymentID], c)
	}
	for _, p := range w.Payments {
		for _, c := range r.cases[p.ID] {
			p.CaseOpen = p.CaseOpen || c.Open
			p.PersonDecided = p.PersonDecided || c.ByPerson()
		}
		r.payments[p.ID], r.byKey[p.Key] = p, p
	}
	for _, c := range w.Charges {
		k := Key{c.Hospital, orderOf(c.MerchantNo)}
		r.charges[k] = append(r.charges[k], c)
	}
	for _, f := range w.Refunds {
		k := Key{f.Hospital, orderOf(f.MerchantNo)}
		r.refunds[k] = append(r.refunds[k], f)
	}
	for _, a := range w.Appointments {
		if a.Status == "booked" {
			r.booked[a.Key] = append(r.booked[a.Key], a)
		}
	}
	for _, a := range w.Audit {
		r.audit[a.Subject] = append(r.audit[a.Subject], a)
	}
	return r
}

func (r *reading) violated(rule, subject, format string, args ...any) {
	r.found = append(r.found, Violation{rule, subject, fmt.Sprintf(format, args...)})
}

// orderOf is the order of a number that ends in a mark and two digits; numbers
// of another form are their own order, which nobody asked for.
func orderOf(no string) string {
	if o, _, ok := split(no); ok {
		return o
	}
	return no
}

// split takes a number apart as the rule says that it is made: the order, A for
// an attempt or R for a refund, two digits.
func split(no string) (order string, mark byte, ok bool) {
	n := len(no) - 3
	if n < 6 || no[n] != 'A' && no[n] != 'R' || !digit(no[n+1]) || !digit(no[n+2]) || no[n+1:] == "00" {
		return "", 0, false
	}
	return no[:n], no[n], true
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

func ended(status string) bool {
	return slices.Contains([]string{"completed", "closed", "refunded", "rejected"}, status)
}
