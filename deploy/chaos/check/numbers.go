package check

// nothingTwice is I3: what was sent again, since nobody knew what had become of
// it, was carried out once.
func nothingTwice(r *reading) {
	type number struct{ hospital, channel, no string }
	entries, captured := map[number]int{}, map[number]int{}
	for _, c := range r.Charges {
		n := number{c.Hospital, c.Channel, c.MerchantNo}
		entries[n]++
		if c.CapturedFen > 0 {
			captured[n]++
		}
	}
	for n, count := range entries {
		twice := r.orders[Key{n.hospital, orderOf(n.no)}].PaysTwice
		// A channel that takes a second payment of one order enters it beside
		// the first; only the patient can have made it.
		if count > 1 && (!twice || count-captured[n] > 0 && captured[n] > 0 || count > 2) {
			r.violated("I3", n.no, "%s has %d charges under one number", n.channel, count)
		}
	}
	refunds := map[number]int{}
	for _, f := range r.Refunds {
		if f.State != "failed" {
			refunds[number{f.Hospital, f.Channel, f.RefundNo}]++
		}
	}
	for n, count := range refunds {
		if count > 1 {
			r.violated("I3", n.no, "%s has %d refunds under one number", n.channel, count)
		}
	}
	for _, k := range keys(r.booked) {
		if n := len(r.booked[k]); n > 1 {
			r.violated("I3", k.String(), "the HIS has %d registrations", n)
		}
	}
}

// derivedNumbers is I4.
func derivedNumbers(r *reading) {
	for _, c := range r.Charges {
		o, mark, ok := split(c.MerchantNo)
		if _, asked := r.orders[Key{c.Hospital, o}]; !ok || mark != 'A' || !asked {
			r.violated("I4", c.MerchantNo, "%s has a charge whose number is not made of an order's", c.Channel)
		}
	}
	for _, f := range r.Refunds {
		o, mark, ok := split(f.RefundNo)
		if !ok || mark != 'R' || o != orderOf(f.MerchantNo) {
			r.violated("I4", f.RefundNo, "%s has a refund of %s whose number is not made of its order's", f.Channel, f.MerchantNo)
		}
	}
}

// writtenFirst is I5: nothing is at a channel that is not on our disk, and the
// disk had it first.
func writtenFirst(r *reading) {
	type number struct{ hospital, channel, no string }
	attempts, returns := map[number]Attempt{}, map[number]bool{}
	for _, a := range r.Attempts {
		attempts[number{a.Hospital, a.Channel, a.MerchantNo}] = a
	}
	for _, f := range r.Returns {
		returns[number{f.Hospital, f.Channel, f.RefundNo}] = true
	}
	for _, c := range r.Charges {
		a, ok := attempts[number{c.Hospital, c.Channel, c.MerchantNo}]
		switch {
		case !ok:
			r.violated("I5", c.MerchantNo, "%s has a charge that was never written down", c.Channel)
		case a.At.After(c.At):
			r.violated("I5", c.MerchantNo, "%s had the charge before it was written down", c.Channel)
		}
	}
	for _, f := range r.Refunds {
		if !returns[number{f.Hospital, f.Channel, f.RefundNo}] {
			r.violated("I5", f.RefundNo, "%s has a refund that was never written down", f.Channel)
		}
	}
}

// everybodyIsTold: the booking backend knows how its payments ended.
func everybodyIsTold(r *reading) {
	for _, o := range r.Orders {
		if p, ok := r.byKey[o.Key]; ok && o.Tells && ended(p.Status) && o.Told != p.Status {
			r.violated("told", o.String(), "is %s and its backend was told %q", p.Status, o.Told)
		}
	}
}

// everythingRests: nothing is left running but what waits for a person.
func everythingRests(r *reading) {
	waiting := map[string]bool{}
	for _, c := range r.Cases {
		if c.Open {
			waiting[c.Workflow] = true
		}
	}
	for _, w := range r.Running {
		if !waiting[w.ID] {
			r.violated("rest", w.ID, "%s still runs and waits for nobody", w.Type)
		}
	}
	for _, f := range r.Returns {
		if f.State != "succeeded" && !r.payments[f.PaymentID].CaseOpen {
			r.violated("rest", f.RefundNo, "a refund is %s and nobody sees to it", f.State)
		}
	}
}
