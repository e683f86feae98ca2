package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

type reviewCommand struct {
	List   reviewList   `cmd:"" help:"List the open cases, the oldest first."`
	Decide reviewDecide `cmd:"" help:"Decide a case."`
}

type reviewList struct {
	remoteFlags
	Hospital string `help:"Of one hospital alone."`
}

func (c reviewList) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c reviewList) run(ctx context.Context, api *client.Client, t terminal) error {
	items, err := everyPage(func(cursor string) ([]wire.Review, string, error) {
		page, err := api.Reviews(ctx, c.Hospital, cursor)
		return page.Items, page.Next, err
	})
	if err != nil {
		return told(err)
	}
	all := wire.Reviews{Items: items}
	return t.show(all, func(w io.Writer) {
		if len(all.Items) == 0 {
			fmt.Fprintln(w, "No case is open.")
			return
		}
		var out table
		out.add("case", "order", "amount", "reason", "detail", "decide by", "proposed", "decisions")
		for _, r := range all.Items {
			out.add(r.CaseID, r.HospitalID+"/"+r.OrderNo, yuan(r.AmountFen), string(r.Reason), dash(r.Detail), due(r.Case), proposed(r.Case), words(&r.Case))
		}
		out.write(w, "")
	})
}

// due is the time by which a case has to be decided, and says when it is past.
func due(c wire.Case) string {
	if c.Escalations > 0 {
		return clock(c.Deadline) + " overdue"
	}
	return clock(c.Deadline)
}

// proposed is what the first of two people decided.
func proposed(c wire.Case) string {
	switch {
	case c.Proposal != nil:
		return string(c.Proposal.Decision) + " by " + c.Proposal.Operator
	case c.SecondPerson:
		return "two people decide"
	}
	return "-"
}

type reviewDecide struct {
	remoteFlags
	Case      string `arg:"" help:"The case, as the list shows it."`
	Decision  string `arg:"" enum:"approve,retry_clearing,confirm_settled,convert_to_self_pay,refund,retry_refund,refund_offline,reject" help:"One of approve, retry_clearing, confirm_settled, convert_to_self_pay, refund, retry_refund, refund_offline, reject, as far as the case takes it."`
	Operator  string `help:"Who decides; kept in the audit log." required:"" env:"REGPAY_OPERATOR"`
	Note      string `help:"Why. No personal data."`
	Reference string `help:"Settlement or receipt number, for confirm_settled and refund_offline."`
	HandedBy  string `help:"Who gave the money back on site, for refund_offline; the operator when left out."`
}

func (c reviewDecide) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c reviewDecide) run(ctx context.Context, api *client.Client, t terminal) error {
	id, _, ok := strings.Cut(c.Case, "-")
	if !ok || !strings.HasPrefix(id, "pay_") {
		return coded{exitUsage, fmt.Errorf("%q is no case: it looks like pay_…-C1", c.Case)}
	}
	if staff.IsSubject(c.Operator) {
		return coded{exitUsage, fmt.Errorf("%q is an account of the review console, which decides there: give your own name", c.Operator)}
	}
	d, err := api.Decide(ctx, id, wire.Decision{CaseID: c.Case, Decision: payment.Verdict(c.Decision),
		Operator: c.Operator, Note: c.Note, Reference: c.Reference, HandedBy: c.HandedBy})
	if err != nil {
		return told(err)
	}
	return t.show(d, func(w io.Writer) {
		if d.Proposed {
			fmt.Fprintf(w, "%s: %s is proposed; another person has to confirm it with the same decision.\n", d.CaseID, d.Decision)
			return
		}
		fmt.Fprintf(w, "%s: %s. See: starter show %s --timeline\n", d.CaseID, d.Decision, d.PaymentID)
	})
}
