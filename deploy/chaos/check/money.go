package check

import "slices"

// oneCharge is I1: what the channels kept of an order is what its registration
// costs, through one charge a channel; everything else went back.
func oneCharge(r *reading) {
	for _, k := range keys(r.charges) {
		o, asked := r.orders[k]
		p, known := r.byKey[k]
		var kept int64
		effective := map[string]int{}
		for _, c := range r.charges[k] {
			left := c.CapturedFen - c.RefundedFen
			kept += left
			if left > 0 {
				effective[c.Channel]++
			}
		}
		for channel, n := range effective {
			if n > 1 {
				r.violated("I1", k.String(), "%s has %d charges of it that were not returned", channel, n)
			}
		}
		switch {
		case !asked:
			if kept != 0 {
				r.violated("I1", k.String(), "%d fen were taken for an order that nobody made", kept)
			}
		case kept > o.AmountFen:
			r.violated("I1", k.String(), "%d fen were kept of an order of %d", kept, o.AmountFen)
		case !known || p.CaseOpen:
		case p.Status == "completed" && kept != o.AmountFen-o.ReturnFen:
			r.violated("I1", k.String(), "completed with %d fen kept instead of %d", kept, o.AmountFen-o.ReturnFen)
		case p.Status != "completed" && kept != 0:
			r.violated("I1", k.String(), "%s with %d fen kept", p.Status, kept)
		}
	}
}

// oneOwner is I2: registered and paid for, or all money back, or a question to
// a person that has a deadline. That the money is back is oneCharge's to see.
func oneOwner(r *reading) {
	for _, o := range r.Orders {
		p, known := r.byKey[o.Key]
		booked := r.booked[o.Key]
		switch {
		case !known && o.Refused != "":
			if len(booked) > 0 {
				r.violated("I2", o.String(), "was refused and is registered")
			}
		case !known:
			r.violated("I2", o.String(), "was asked for and is not in the books")
		case p.Status == "completed":
			switch {
			case len(booked) != 1:
				r.violated("I2", o.String(), "completed with %d registrations", len(booked))
			case booked[0].Slot != o.Slot || booked[0].PaidFen != o.AmountFen:
				r.violated("I2", o.String(), "registered for slot %s with %d fen instead of %s with %d", booked[0].Slot, booked[0].PaidFen, o.Slot, o.AmountFen)
			case p.Voucher == "" || !p.VoucherFinal:
				r.violated("I2", o.String(), "completed without a voucher that is final")
			}
			if len(r.charges[o.Key]) == 0 {
				r.violated("I2", o.String(), "completed and no channel has a charge")
			}
		case ended(p.Status):
			if len(booked) > 0 {
				r.violated("I2", o.String(), "%s and still registered", p.Status)
			}
		case !p.CaseOpen:
			r.violated("I2", o.String(), "left %s without an owner", p.Status)
		}
	}
	for _, k := range keys(r.booked) {
		if _, asked := r.orders[k]; !asked {
			r.violated("I2", k.String(), "is registered and nobody made the order")
		}
	}
	for _, c := range r.Cases {
		if c.Open && (c.Allowed == 0 || c.Workflow == "" || !c.Deadline.After(c.OpenedAt)) {
			r.violated("I2", c.ID, "an open case without somebody who waits for it, a deadline or a decision that can be made")
		}
	}
}

// refundsWithin is I6.
func refundsWithin(r *reading) {
	for _, c := range r.Charges {
		if c.RefundedFen > c.CapturedFen {
			r.violated("I6", c.MerchantNo, "%s returned %d fen of %d", c.Channel, c.RefundedFen, c.CapturedFen)
		}
	}
	type charge struct{ hospital, channel, no string }
	captured, returned := map[charge]int64{}, map[charge]int64{}
	for _, c := range r.Charges {
		captured[charge{c.Hospital, c.Channel, c.MerchantNo}] += c.CapturedFen
	}
	for _, f := range r.Refunds {
		if f.State != "failed" {
			returned[charge{f.Hospital, f.Channel, f.MerchantNo}] += f.AmountFen
		}
	}
	for c, fen := range returned {
		if fen > captured[c] {
			r.violated("I6", c.no, "%s has refunds of %d fen for captures of %d", c.channel, fen, captured[c])
		}
	}
	for _, p := range r.Payments {
		if p.RefundedFen > p.ReservedFen || p.ReservedFen > p.CapturedFen {
			r.violated("I6", p.String(), "the books have captured %d, set aside %d and returned %d fen", p.CapturedFen, p.ReservedFen, p.RefundedFen)
		}
	}
}

// ledgerBalances is I7's first half.
func ledgerBalances(r *reading) {
	type sum struct{ transaction, currency string }
	sums, lines := map[sum]int64{}, map[sum]int{}
	for _, e := range r.Ledger {
		s := sum{e.Transaction, e.Currency}
		sums[s] += e.Fen
		lines[s]++
	}
	for s, fen := range sums {
		if fen != 0 || lines[s] < 2 {
			r.violated("I7", s.transaction, "%d lines sum to %d fen of %s", lines[s], fen, s.currency)
		}
	}
}

// ledgerIsTheirs is I7's second half: what the ledger has of each order at each
// channel is what the channel's own book has.
func ledgerIsTheirs(r *reading) {
	type account struct {
		Key
		channel string
	}
	type turnover struct{ captured, returned int64 }
	ours, theirs := map[account]turnover{}, map[account]turnover{}
	for _, e := range r.Ledger {
		if e.Account != "receivable/"+e.Channel {
			continue
		}
		k := Key{e.Hospital, e.PaymentID}
		if p, ok := r.payments[e.PaymentID]; ok {
			k = p.Key
		}
		a := account{k, e.Channel}
		t := ours[a]
		switch e.Kind {
		case "capture":
			t.captured += e.Fen
		case "refund":
			t.returned -= e.Fen
		}
		ours[a] = t
	}
	for _, k := range keys(r.charges) {
		for _, c := range r.charges[k] {
			if c.CapturedFen == 0 && c.RefundedFen == 0 {
				continue
			}
			t := theirs[account{k, c.Channel}]
			t.captured += c.CapturedFen
			t.returned += c.RefundedFen
			theirs[account{k, c.Channel}] = t
		}
	}
	for a, t := range theirs {
		if ours[a] != t {
			r.violated("I7", a.String(), "%s captured %d and returned %d fen; the ledger has %d and %d", a.channel, t.captured, t.returned, ours[a].captured, ours[a].returned)
		}
	}
	for a, t := range ours {
		if _, ok := theirs[a]; !ok && t != (turnover{}) {
			r.violated("I7", a.String(), "the ledger has %d fen captured by %s, which knows of nothing", t.captured, a.channel)
		}
	}
}

// keys lists a map's keys in order, so that reports can be compared.
func keys[V any](m map[Key]V) []Key {
	all := make([]Key, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Key) int {
		switch {
		case a.String() < b.String():
			return -1
		case a.String() > b.String():
			return 1
		}
		return 0
	})
	return all
}
