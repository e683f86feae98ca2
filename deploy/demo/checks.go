package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
	"github.com/regpay/regpay/internal/store"
)

// check is one thing that has to be true at the end of the day.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// settleTime is how long the books may take to agree once the last patient has
// gone: a second payment of the same order is returned by a workflow of its own.
const settleTime = 20 * time.Second

// checks looks until everything is true or settleTime is over.
func (d *day) checks(ctx context.Context, outcomes []outcome) ([]check, local.Books, error) {
	deadline := time.Now().Add(settleTime)
	for {
		all, books, err := d.look(ctx, outcomes)
		if err != nil {
			return nil, books, fmt.Errorf("check the books: %w", err)
		}
		ok := true
		for _, c := range all {
			ok = ok && c.OK
		}
		if ok || time.Now().After(deadline) {
			return all, books, nil
		}
		if err := pause(ctx, lookEvery/2); err != nil {
			return nil, books, err
		}
	}
}

func (d *day) look(ctx context.Context, outcomes []outcome) ([]check, local.Books, error) {
	theirs, err := d.in.Sandbox.Books(ctx)
	if err != nil {
		return nil, theirs, err
	}
	ours, err := d.in.Books(ctx)
	if err != nil {
		return nil, theirs, err
	}
	balances, err := ours.TrialBalance(ctx)
	if err != nil {
		return nil, theirs, err
	}
	unbalanced, err := ours.Unbalanced(ctx)
	if err != nil {
		return nil, theirs, err
	}
	totals, err := ours.ChannelTotals(ctx)
	if err != nil {
		return nil, theirs, err
	}
	return []check{
		ledgerBalances(balances, unbalanced),
		channelsAgree(totals, theirs),
		registeredOnce(outcomes, theirs.HIS.Appointments),
		d.toldOnce(outcomes),
	}, theirs, nil
}

func ledgerBalances(b store.Balances, unbalanced []string) check {
	c := check{Name: "ledger_balances"}
	accounts := 0
	for _, all := range b {
		accounts += len(all)
	}
	c.OK = b.Balanced() && len(unbalanced) == 0 && accounts > 0
	c.Detail = fmt.Sprintf("%d accounts sum to zero in every currency, and so does every transaction", accounts)
	if !c.OK {
		c.Detail = fmt.Sprintf("%d accounts, balanced: %t, transactions that do not sum to zero: %d", accounts, b.Balanced(), len(unbalanced))
	}
	return c
}

// account is one hospital at one channel.
type account struct {
	hospital string
	channel  payment.Channel
}

// turnover is what went through an account, in fen.
type turnover struct{ captured, refunded int64 }

// channelsAgree compares the ledger with what each channel itself has on
// record for each hospital.
func channelsAgree(totals []store.ChannelTotal, b local.Books) check {
	ours := map[account]turnover{}
	for _, t := range totals {
		ours[account{t.HospitalID, t.Channel}] = turnover{t.Captured.Minor(), t.Refunded.Minor()}
	}
	theirs := channelTurnover(b)
	seen := map[account]bool{}
	var differ []string
	var sum turnover
	for _, side := range []map[account]turnover{ours, theirs} {
		for a := range side {
			if seen[a] {
				continue
			}
			seen[a] = true
			sum.captured += ours[a].captured
			sum.refunded += ours[a].refunded
			if ours[a] != theirs[a] {
				differ = append(differ, fmt.Sprintf("%s %s: the ledger has %s captured and %s refunded, the channel %s and %s", a.hospital, a.channel,
					yuan(ours[a].captured), yuan(ours[a].refunded), yuan(theirs[a].captured), yuan(theirs[a].refunded)))
			}
		}
	}
	sort.Strings(differ)
	c := check{Name: "ledger_equals_channels", OK: len(differ) == 0 && len(seen) > 0}
	c.Detail = fmt.Sprintf("%d accounts of hospitals at channels, CNY %s captured and %s refunded, to the fen", len(seen), yuan(sum.captured), yuan(sum.refunded))
	if !c.OK {
		c.Detail = strings.Join(differ, "; ")
	}
	return c
}

// channelTurnover is what the channels' own books say. The insurance settles
// and reverses an order with the patient's own part in it, which another tender
// of a mixed payment pays and gets back; that part is not the platform's money.
func channelTurnover(b local.Books) map[account]turnover {
	all := map[account]turnover{}
	for ch, book := range map[payment.Channel]sandbox.BookSnapshot{
		payment.WeChat: b.WeChat, payment.UnionPay: b.UnionPay, payment.Insurance: b.Insurance,
	} {
		settled := map[string]sandbox.Charge{}
		for _, c := range book.Charges {
			if c.State != sandbox.ChargeCaptured {
				continue
			}
			settled[c.Hospital+"/"+c.MerchantNo] = c
			t := all[account{c.Hospital, ch}]
			t.captured += c.CapturedFen - ownPart(c)
			all[account{c.Hospital, ch}] = t
		}
		for _, r := range book.Refunds {
			if r.State != sandbox.RefundSuccess {
				continue
			}
			fen := r.AmountFen
			if c := settled[r.Hospital+"/"+r.MerchantNo]; fen == c.CapturedFen {
				fen -= ownPart(c)
			}
			t := all[account{r.Hospital, ch}]
			t.refunded += fen
			all[account{r.Hospital, ch}] = t
		}
	}
	return all
}

// ownPart is what the patient pays elsewhere of an insurance settlement, in fen.
func ownPart(c sandbox.Charge) int64 {
	if c.Split == nil {
		return 0
	}
	return c.OwnFen
}

// registeredOnce wants exactly one booked appointment, for the whole amount,
// for every completed order, and none for any other.
func registeredOnce(outcomes []outcome, appointments []his.AppointmentEntry) check {
	type order struct{ hospital, no string }
	booked := map[order][]his.AppointmentEntry{}
	for _, a := range appointments {
		if a.Status == "booked" {
			o := order{a.Hospital, a.OrderNo}
			booked[o] = append(booked[o], a)
		}
	}
	completed := 0
	var wrong []string
	for _, o := range outcomes {
		key := order{o.registration.Hospital, o.order}
		has := booked[key]
		delete(booked, key)
		want := 0
		if o.status() == payment.Completed {
			want = 1
			completed++
		}
		switch {
		case len(has) != want:
			wrong = append(wrong, fmt.Sprintf("%s is %s and has %d appointments", o.order, o.status(), len(has)))
		case want == 1 && has[0].Slot != o.registration.Slot.ID:
			wrong = append(wrong, o.order+" is booked on another slot")
		case want == 1 && has[0].AmountFen != o.registration.amount():
			wrong = append(wrong, fmt.Sprintf("%s is booked with %s instead of %s", o.order, yuan(has[0].AmountFen), yuan(o.registration.amount())))
		}
	}
	for o := range booked {
		wrong = append(wrong, o.no+" is booked and was never played")
	}
	sort.Strings(wrong)
	c := check{Name: "registered_once", OK: len(wrong) == 0 && completed > 0}
	c.Detail = fmt.Sprintf("%d completed orders, each with one appointment for its slot and amount, and no other order has one", completed)
	if !c.OK {
		c.Detail = shorten(wrong)
	}
	return c
}

// toldOnce wants the backend to know of every order's end, by messages that
// verified, and no end told twice. A completed order of which a part went back
// later is another message; one that comes again under its id is not.
func (d *day) toldOnce(outcomes []outcome) check {
	type end struct {
		status   payment.Status
		refunded int64
	}
	var wrong []string
	ends := 0
	for _, o := range outcomes {
		if o.paymentID == "" {
			continue
		}
		told, _ := d.backend.Of(o.paymentID)
		count := map[end]int{}
		for _, m := range told {
			if m.Data.Status.Ended() {
				count[end{m.Data.Status, m.Data.RefundedFen}]++
			}
		}
		for e, n := range count {
			if n > 1 {
				wrong = append(wrong, fmt.Sprintf("%s was told %d times to be %s", o.order, n, e.status))
			}
		}
		if n := len(told); n == 0 || told[n-1].Data.Status != o.status() {
			wrong = append(wrong, fmt.Sprintf("%s is %s and its backend does not know", o.order, o.status()))
		}
		ends += len(count)
	}
	messages, repeats, refused := d.backend.Deliveries()
	sort.Strings(wrong)
	c := check{Name: "callbacks_told_once", OK: len(wrong) == 0 && refused == 0 && messages > 0}
	c.Detail = fmt.Sprintf("%d signed messages verified, %d of them an order's end, once each", messages, ends)
	if repeats > 0 {
		c.Detail += fmt.Sprintf("; %d deliveries came again and were dropped by their id", repeats)
	}
	if !c.OK {
		c.Detail = fmt.Sprintf("%d signatures refused; %s", refused, shorten(wrong))
	}
	return c
}

// title is a check for people.
func (c check) title() string {
	return map[string]string{
		"ledger_balances":        "the ledger balances",
		"ledger_equals_channels": "the ledger equals every channel's own books",
		"registered_once":        "every completed order is registered once in the HIS",
		"callbacks_told_once":    "the booking backend was told of every order, signed, once",
		"ended_as_expected":      "every registration ended as the file expects",
	}[c.Name]
}

func shorten(all []string) string {
	const shown = 5
	if len(all) > shown {
		return fmt.Sprintf("%s; and %d more", strings.Join(all[:shown], "; "), len(all)-shown)
	}
	return strings.Join(all, "; ")
}

func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// captures finds in the channels' books when an order's last money came in.
func captures(b local.Books) func(outcome) (time.Time, bool) {
	type charge struct{ hospital, no string }
	at := map[charge]time.Time{}
	for _, book := range []sandbox.BookSnapshot{b.WeChat, b.UnionPay, b.Insurance} {
		for _, c := range book.Charges {
			key := charge{c.Hospital, c.MerchantNo}
			// The first capture of a number is the one that counts.
			if t, known := at[key]; c.CapturedAt != nil && (!known || c.CapturedAt.Before(t)) {
				at[key] = *c.CapturedAt
			}
		}
	}
	return func(o outcome) (last time.Time, ok bool) {
		for _, t := range o.final.Tenders {
			if when, known := at[charge{o.registration.Hospital, t.MerchantNo}]; known && when.After(last) {
				last, ok = when, true
			}
		}
		return last, ok
	}
}
