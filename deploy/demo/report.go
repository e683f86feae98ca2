package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// way counts what became of the registrations of one way to pay, the one that
// the patient chose first. Times are in milliseconds.
type way struct {
	Way       string `json:"way"` // wechat, unionpay, insurance, mixed, or all
	Started   int    `json:"started"`
	Completed int    `json:"completed"`
	Refunded  int    `json:"refunded"`
	Closed    int    `json:"closed"`
	Rejected  int    `json:"rejected"`
	InReview  int    `json:"in_review"` // left waiting for a person
	Other     int    `json:"other"`     // anything else: not played to its end
	// Answer is from the backend's request to the API's answer, Order from that
	// request to the voucher with the patient's own time in it, Capture from
	// the channel's own record of the last capture to the voucher.
	Answer  quantiles `json:"api_answer_ms"`
	Order   quantiles `json:"order_to_voucher_ms"`
	Capture quantiles `json:"capture_to_voucher_ms"`
}

// quantiles of a number of measurements, by nearest rank, in milliseconds.
type quantiles struct {
	N   int   `json:"n"`
	P50 int64 `json:"p50"`
	P95 int64 `json:"p95"`
}

func quantilesOf(all []time.Duration) quantiles {
	if len(all) == 0 {
		return quantiles{}
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	rank := func(percent int) int64 {
		// The smallest value that at least percent of all do not exceed.
		n := (len(sorted)*percent + 99) / 100
		return sorted[max(n, 1)-1].Milliseconds()
	}
	return quantiles{N: len(sorted), P50: rank(50), P95: rank(95)}
}

// ways sums outcomes up by way to pay, and over all as the last one. captured
// finds when the money of an order was in at its channels.
func ways(outcomes []outcome, captured func(outcome) (time.Time, bool)) []way {
	names := []payment.Method{payment.ByWeChat, payment.ByUnionPay, payment.ByInsurance, payment.ByMixed}
	var all []way
	for _, name := range names {
		var mine []outcome
		for _, o := range outcomes {
			if o.registration.Choice.Method == name {
				mine = append(mine, o)
			}
		}
		all = append(all, sumUp(string(name), mine, captured))
	}
	return append(all, sumUp("all", outcomes, captured))
}

func sumUp(name string, outcomes []outcome, captured func(outcome) (time.Time, bool)) way {
	w := way{Way: name}
	var answer, order, capture []time.Duration
	for _, o := range outcomes {
		w.count(o)
		if o.paymentID != "" {
			answer = append(answer, o.answered)
		}
		v := o.final.Voucher
		if v == nil {
			continue
		}
		order = append(order, v.IssuedAt.Sub(o.started))
		if at, ok := captured(o); ok {
			capture = append(capture, v.IssuedAt.Sub(at))
		}
	}
	w.Answer, w.Order, w.Capture = quantilesOf(answer), quantilesOf(order), quantilesOf(capture)
	return w
}

func (w *way) count(o outcome) {
	if o.paymentID != "" {
		w.Started++
	}
	switch o.status() {
	case payment.Completed:
		w.Completed++
	case payment.Refunded:
		w.Refunded++
	case payment.Closed:
		w.Closed++
	case payment.Rejected:
		w.Rejected++
	case payment.InReview:
		w.InReview++
	default:
		w.Other++
	}
}

// printWays writes the table. The last columns appear only when they have
// something to say.
func printWays(out io.Writer, all []way) {
	review, other := false, false
	for _, w := range all {
		review = review || w.InReview > 0
		other = other || w.Other > 0
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "way to pay\tstarted\tcompleted\trefunded\tclosed\trejected\t"
	if review {
		head += "in review\t"
	}
	if other {
		head += "unfinished\t"
	}
	fmt.Fprintln(t, head+"API answer\torder to voucher\tcapture to voucher\t")
	for _, w := range all {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t", w.Way, w.Started, w.Completed, w.Refunded, w.Closed, w.Rejected)
		if review {
			fmt.Fprintf(t, "%d\t", w.InReview)
		}
		if other {
			fmt.Fprintf(t, "%d\t", w.Other)
		}
		for _, q := range []quantiles{w.Answer, w.Order, w.Capture} {
			fmt.Fprintf(t, "%s\t", q)
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
	fmt.Fprintln(out, "Times are p50 / p95. Order to voucher has the patient's own time in it; capture to voucher\nbegins with the channel's record of the money.")
}

// String is p50 / p95 for people.
func (q quantiles) String() string {
	text := func(ms int64) string {
		if ms < 10_000 {
			return fmt.Sprintf("%d ms", ms)
		}
		return fmt.Sprintf("%d.%d s", ms/1000, ms%1000/100)
	}
	if q.N == 0 {
		return "-"
	}
	return text(q.P50) + " / " + text(q.P95)
}
