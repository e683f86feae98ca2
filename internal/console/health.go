package console

import (
	"slices"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Whether a system works is judged by what the books know of the latest
// payments. The bounds are such that one patient whose card is refused, or one
// answer that is lost, is no outage.
const (
	// enoughCharges is how many charges have to show the same trouble.
	enoughCharges = 3
	// noticeLag is how much later than the last notification money may have come
	// in: a channel whose notifications do not arrive is asked instead, and
	// patients wait longer than they should.
	noticeLag = 15 * time.Minute
	// hisLag is for how long a payment may wait for the HIS.
	hisLag = 5 * time.Minute
)

// The states of a system, the worst first.
const (
	stateBad         = "bad"
	stateMaintenance = "maintenance"
	stateGood        = "good"
	stateQuiet       = "quiet" // nothing was asked of it lately
)

// healthData is how the systems work, each over all hospitals of the page.
type healthData struct {
	Channels []channelRow
	HIS      hisRow
	Refunds  []refundsRow
}

// channelRow is a channel. Why says what is wrong, and where.
type channelRow struct {
	Channel              payment.Channel
	State                string
	Why                  []string
	Quarter, Hour        store.Charges
	LastPaid, LastNotice time.Time
}

type hisRow struct {
	State               string
	Why                 []string
	Registered, Refused int
	LastRegistered      time.Time
	Waiting             int
	Oldest              time.Time
}

// refundsRow are the refunds of a channel that are not back.
type refundsRow struct {
	Channel                payment.Channel
	OnTheWay, Late, Failed int
	Oldest                 time.Time
}

// healthOf judges each system at each hospital and puts the hospitals together.
func healthOf(p *page, h store.Health, backlog []store.Unregistered, windows []windowRow) healthData {
	var d healthData
	inMaintenance := func(hospital string, system payment.System) bool {
		return slices.ContainsFunc(windows, func(w windowRow) bool {
			return w.Running && w.HospitalID == hospital && (w.System == system || w.System == payment.SystemHospital)
		})
	}
	where := func(hospital, text string) string {
		return p.server.hospitalName(p.lang, hospital) + say(p.lang, "health_colon") + text
	}
	for _, ch := range payment.Channels() {
		row := channelRow{Channel: ch, State: stateQuiet}
		known := false
		for _, c := range h.Channels {
			if c.Channel != ch {
				continue
			}
			known = true
			state, why := judged(p.lang, c)
			if state == stateBad && inMaintenance(c.HospitalID, payment.SystemOf(ch)) {
				state, why = stateMaintenance, say(p.lang, "health_in_maintenance")
			}
			row.State = worse(row.State, state)
			if why != "" {
				row.Why = append(row.Why, where(c.HospitalID, why))
			}
			row.Quarter, row.Hour = sum(row.Quarter, c.Quarter), sum(row.Hour, c.Hour)
			row.LastPaid, row.LastNotice = later(row.LastPaid, c.LastPaid), later(row.LastNotice, c.LastNotice)
		}
		if known {
			d.Channels = append(d.Channels, row)
		}
	}
	d.HIS.State = stateQuiet
	for _, his := range h.HIS {
		waiting := store.Unregistered{HospitalID: his.HospitalID}
		for _, b := range backlog {
			if b.HospitalID == his.HospitalID {
				waiting = b
			}
		}
		state, why := judgedHIS(p, his, waiting)
		if state == stateBad && inMaintenance(his.HospitalID, payment.SystemHIS) {
			state, why = stateMaintenance, say(p.lang, "health_in_maintenance")
		}
		d.HIS.State = worse(d.HIS.State, state)
		if why != "" {
			d.HIS.Why = append(d.HIS.Why, where(his.HospitalID, why))
		}
		d.HIS.Registered += his.Registered
		d.HIS.Refused += his.Refused
		d.HIS.LastRegistered = later(d.HIS.LastRegistered, his.LastRegistered)
		d.HIS.Waiting += waiting.Count
		if waiting.Count > 0 && (d.HIS.Oldest.IsZero() || waiting.Oldest.Before(d.HIS.Oldest)) {
			d.HIS.Oldest = waiting.Oldest
		}
	}
	d.Refunds = refundsNow(h.Refunds)
	return d
}

// judged says how a channel works at a hospital, by the last quarter of an hour
// where enough was asked of it, else by the hour, and why it does not.
func judged(l Language, c store.ChannelHealth) (state, why string) {
	look, minutes := c.Quarter, 15
	if look.Begun < enoughCharges {
		look, minutes = c.Hour, 60
	}
	half := func(n int) bool { return n >= enoughCharges && 2*n >= look.Begun }
	silent := c.LastNotice.IsZero() || c.LastPaid.Sub(c.LastNotice) > noticeLag
	switch {
	case look.Begun == 0:
		return stateQuiet, ""
	case half(look.Unknown):
		return stateBad, say(l, "health_unanswered", look.Unknown, look.Begun, minutes)
	case half(look.Failed):
		return stateBad, say(l, "health_failing", look.Failed, look.Begun, minutes)
	case c.Channel != payment.Insurance && c.Hour.Captured >= enoughCharges && silent: // the insurance is always asked
		return stateBad, say(l, "health_no_notices")
	}
	return stateGood, ""
}

func judgedHIS(p *page, h store.HISHealth, waiting store.Unregistered) (state, why string) {
	switch {
	case waiting.Count > 0 && p.now.Sub(waiting.Oldest) > hisLag:
		return stateBad, say(p.lang, "health_his_waiting", waiting.Count, lasted(p.lang, p.now.Sub(waiting.Oldest)))
	case h.Refused >= enoughCharges && h.Refused >= h.Registered:
		return stateBad, say(p.lang, "health_his_refusing", h.Refused, h.Refused+h.Registered)
	case h.Registered == 0:
		return stateQuiet, ""
	}
	return stateGood, ""
}

func refundsNow(all []store.RefundHealth) []refundsRow {
	var out []refundsRow
	for _, ch := range payment.Channels() {
		row := refundsRow{Channel: ch}
		for _, r := range all {
			if r.Channel != ch {
				continue
			}
			row.OnTheWay += r.OnTheWay
			row.Late += r.Late
			row.Failed += r.Failed
			if row.Oldest.IsZero() || r.Oldest.Before(row.Oldest) {
				row.Oldest = r.Oldest
			}
		}
		if row.OnTheWay+row.Failed > 0 {
			out = append(out, row)
		}
	}
	return out
}

// worse is the state to show of two.
func worse(a, b string) string {
	for _, s := range []string{stateBad, stateMaintenance, stateGood} {
		if a == s || b == s {
			return s
		}
	}
	return stateQuiet
}

func sum(a, b store.Charges) store.Charges {
	return store.Charges{Begun: a.Begun + b.Begun, Captured: a.Captured + b.Captured, Failed: a.Failed + b.Failed, Unknown: a.Unknown + b.Unknown}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
