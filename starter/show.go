package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
)

type showCommand struct {
	remoteFlags
	Payment  string `arg:"" help:"The payment's id (pay_…), or an order number."`
	Hospital string `help:"The order's hospital, when several have that order number."`
	Refresh  bool   `help:"Have the channel asked whether the patient paid."`
	Timeline bool   `help:"Show what happened, too."`
	Refunds  bool   `help:"Show the refunds, too."`
}

// shown is what --json prints.
type shown struct {
	wire.Payment
	Timeline []wire.Event  `json:"timeline,omitempty"`
	Refunds  []wire.Refund `json:"refunds,omitempty"`
}

func (c showCommand) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c showCommand) run(ctx context.Context, api *client.Client, t terminal) error {
	id, err := paymentID(ctx, api, c.Payment, c.Hospital)
	if err != nil {
		return err
	}
	var s shown
	if s.Payment, err = api.Payment(ctx, id, c.Refresh); err != nil {
		return told(err)
	}
	if c.Timeline {
		l, err := api.Timeline(ctx, id)
		if err != nil {
			return told(err)
		}
		s.Timeline = l.Items
	}
	if c.Refunds {
		r, err := api.Refunds(ctx, id)
		if err != nil {
			return told(err)
		}
		s.Refunds = r.Items
	}
	return t.show(s, func(w io.Writer) {
		writePayment(w, s.Payment)
		writeRefunds(w, s.Refunds)
		writeTimeline(w, s.Timeline)
	})
}

// paymentID finds the payment of an order number; an id is one already.
func paymentID(ctx context.Context, api *client.Client, given, hospital string) (string, error) {
	if strings.HasPrefix(given, "pay_") {
		return given, nil
	}
	page, err := api.Payments(ctx, client.Search{OrderNo: given, Hospital: hospital, Limit: 2})
	switch {
	case err != nil:
		return "", told(err)
	case len(page.Items) == 0:
		return "", coded{exitNotFound, fmt.Errorf("no payment of order %s", given)}
	case len(page.Items) > 1:
		return "", coded{exitUsage, errors.New("several hospitals have this order number: give --hospital")}
	}
	return page.Items[0].PaymentID, nil
}

func writePayment(w io.Writer, p wire.Payment) {
	var t table
	t.add("payment", p.PaymentID)
	t.add("order", p.HospitalID+" / "+p.OrderNo)
	status := string(p.Status)
	if p.Reason != "" {
		status += " (" + p.Reason + ")"
	}
	t.add("status", status)
	t.add("patient", p.Patient.Name+" "+p.Patient.Phone)
	t.add("slot", clock(p.SlotAt)+" "+p.Department+" "+p.Doctor)
	t.add("amount", yuan(p.AmountFen)+" by "+string(p.Method))
	t.add("captured", yuan(p.CapturedFen))
	if p.RefundedFen > 0 {
		t.add("refunded", yuan(p.RefundedFen))
	}
	t.add("opened", clock(p.CreatedAt))
	t.add("pay by", clock(p.PayBy))
	if v := p.Voucher; v != nil {
		t.add("voucher", v.Code+" ("+string(v.State)+")")
	}
	if p.AppointmentID != "" {
		t.add("appointment", p.AppointmentID)
	}
	if c := p.Case; c != nil {
		t.add("case", c.CaseID+" "+string(c.Reason)+" "+c.Detail)
		t.add("decide by", clock(c.Deadline)+": "+words(c))
	}
	t.write(w, "")
	if len(p.Tenders) == 0 {
		return
	}
	tenders := table{}
	tenders.add("#", "channel", "state", "amount", "captured", "refunded", "number", "channel's number")
	for _, d := range p.Tenders {
		tenders.add(fmt.Sprint(d.Attempt), strings.TrimSpace(string(d.Channel)+" "+string(d.Scene)), string(d.State), yuan(d.AmountFen),
			yuan(d.CapturedFen), yuan(d.RefundedFen), d.MerchantNo, dash(d.ChannelNo))
	}
	fmt.Fprintln(w)
	tenders.write(w, "  ")
}

func words(c *wire.Case) string {
	all := make([]string, len(c.Allowed))
	for i, v := range c.Allowed {
		all[i] = string(v)
	}
	return strings.Join(all, ", ")
}

func writeRefunds(w io.Writer, all []wire.Refund) {
	if len(all) == 0 {
		return
	}
	var t table
	t.add("refund", "#", "state", "amount", "expected by", "key", "by", "code")
	for _, r := range all {
		t.add(r.RefundNo, fmt.Sprint(r.Attempt), string(r.State), yuan(r.AmountFen), expectedBy(r), r.Key, dash(r.Actor), dash(r.Code))
	}
	fmt.Fprintln(w)
	t.write(w, "  ")
}

// expectedBy is by when the money should be back; nobody waits for what is.
func expectedBy(r wire.Refund) string {
	if r.State == channel.RefundSucceeded || r.ExpectedBy.IsZero() {
		return dash("")
	}
	return clock(r.ExpectedBy)
}

func writeTimeline(w io.Writer, all []wire.Event) {
	if len(all) == 0 {
		return
	}
	var t table
	for _, e := range all {
		var detail []string
		for _, k := range sortedKeys(e.Detail) {
			detail = append(detail, k+"="+e.Detail[k])
		}
		t.add(clock(e.At), e.Action, e.Actor, strings.Join(detail, " "))
	}
	fmt.Fprintln(w)
	t.write(w, "  ")
}
