package check

import (
	"slices"
	"strconv"
)

// everythingLogged is I8: the chain of each payment is whole, ends where the
// payment stands, and has a line for everything that moved.
func everythingLogged(r *reading) {
	for subject, what := range r.BrokenChains {
		r.violated("I8", subject, "%s", what)
	}
	for _, p := range r.Payments {
		chain(r, p)
	}
	for _, a := range r.Attempts {
		wantLine(r, a.PaymentID, a.MerchantNo, "attempt", "attempt", strconv.Itoa(a.N))
	}
	for _, c := range r.Captures {
		wantLine(r, c.PaymentID, "capture "+c.ChannelNo, "captured", "attempt", strconv.Itoa(c.Attempt))
	}
	for _, f := range r.Returns {
		wantLine(r, f.PaymentID, f.RefundNo, "refund_reserved", "refund", strconv.Itoa(f.N))
		if f.State == "succeeded" && !f.Offline {
			wantLine(r, f.PaymentID, f.RefundNo, "refund_succeeded", "refund", strconv.Itoa(f.N))
		}
	}
	for _, c := range r.Cases {
		wantLine(r, c.PaymentID, c.ID, "case_opened", "case", c.ID)
		if !c.Open {
			wantLine(r, c.PaymentID, c.ID, "case_decided", "case", c.ID)
		}
	}
}

func chain(r *reading, p Payment) {
	lines := slices.Clone(r.audit[p.ID])
	slices.SortFunc(lines, func(a, b Record) int { return int(a.Seq - b.Seq) })
	status := ""
	for i, l := range lines {
		switch {
		case i > 0 && l.Seq != lines[i-1].Seq+1:
			r.violated("I8", p.ID, "line %d of the log follows line %d", l.Seq, lines[i-1].Seq)
		case i > 0 && l.Prev != lines[i-1].Hash:
			r.violated("I8", p.ID, "line %d of the log does not follow from the one before", l.Seq)
		}
		if s, ok := l.Detail["status"]; ok {
			status = s
		}
	}
	switch {
	case len(lines) == 0:
		r.violated("I8", p.ID, "has no log")
	case lines[len(lines)-1].Hash != p.AuditHead || lines[len(lines)-1].Seq != p.AuditSeq:
		r.violated("I8", p.ID, "the log does not end where the payment says")
	case status != p.Status:
		r.violated("I8", p.ID, "is %s; the log's last word is %q", p.Status, status)
	}
}

func wantLine(r *reading, paymentID, subject, action, name, value string) {
	for _, l := range r.audit[paymentID] {
		if l.Action == action && l.Detail[name] == value {
			return
		}
	}
	r.violated("I8", subject, "the log has no line %q of it", action)
}

// onlyTheGenuine is I9: no forgery was thanked for, what was thanked for is kept
// as it came, and no money is in the books that a channel does not have.
func onlyTheGenuine(r *reading) {
	for _, n := range r.Believed {
		r.violated("I9", n.ID, "a forged %s of %s was acknowledged", n.Kind, n.Channel)
	}
	kept := map[Notice]bool{}
	for _, h := range r.Webhooks {
		kept[Notice{Channel: h.Channel, ID: h.EventID}] = true
		if h.Bytes == 0 {
			r.violated("I9", h.EventID, "a notification of %s was kept without its bytes", h.Channel)
		}
	}
	for _, n := range r.Thanked {
		if !kept[Notice{Channel: n.Channel, ID: n.ID}] {
			r.violated("I9", n.ID, "a %s of %s was acknowledged and not kept", n.Kind, n.Channel)
		}
	}
	type transaction struct{ hospital, channel, no string }
	theirs := map[transaction]Charge{}
	for _, c := range r.Charges {
		if c.CapturedFen > 0 {
			theirs[transaction{c.Hospital, c.Channel, c.ChannelNo}] = c
		}
	}
	seen := map[transaction]bool{}
	for _, c := range r.Captures {
		n := transaction{c.Hospital, c.Channel, c.ChannelNo}
		their, ok := theirs[n]
		switch {
		case !ok:
			r.violated("I9", c.ChannelNo, "the books have a capture that %s does not", c.Channel)
		case their.CapturedFen != c.AmountFen:
			r.violated("I9", c.ChannelNo, "the books have %d fen captured, %s %d", c.AmountFen, c.Channel, their.CapturedFen)
		case seen[n]:
			r.violated("I9", c.ChannelNo, "one capture of %s counts twice", c.Channel)
		}
		seen[n] = true
	}
}

// nobodyIsNamed is I10.
func nobodyIsNamed(r *reading) {
	for _, l := range r.Leaks {
		r.violated("I10", l.Where, "holds %s of a patient", l.What)
	}
}
