package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// waitingFile has registrations that end in a case and are left there, in the
// same columns: somebody who looks at a demo wants something to decide. They
// are played when the day is over and checked.
//
//go:embed waiting.csv
var waitingFile []byte

// waitTimeout bounds how long all of them may take.
const waitTimeout = 2 * time.Minute

// desk is what waits for a person at the review console.
type desk struct {
	Address string
	People  []local.Person
	Cases   []waiting
}

// waiting is an open case.
type waiting struct {
	Order        string
	Reason       payment.Reason
	Fen          int64
	SecondPerson bool
	ProposedBy   string // the name of who did; empty for nobody
	ClaimedBy    string
}

func readWaiting() ([]registration, error) {
	waits := func(s payment.Status) bool { return s == payment.InReview || s == payment.Refunding }
	return readLines(bytes.NewReader(waitingFile), waits, "not a state in which a payment waits for staff")
}

// leaveWork plays the registrations that are left open, and has staff begin:
// li proposes a decision on a case that two people decide, and wang takes
// another one in hand.
func leaveWork(ctx context.Context, in *local.Installation) (desk, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waitTimeout, errors.New("the cases took too long"))
	defer cancel()
	all, err := readWaiting()
	if err != nil {
		return desk{}, err
	}
	d := &day{in: in, opened: time.Now()}
	cases := make([]wire.Payment, len(all))
	var rows errgroup.Group
	for i, r := range all {
		rows.Go(func() (err error) {
			if cases[i], err = d.leave(ctx, r); err != nil {
				return fmt.Errorf("registration %s: %w", r.No, err)
			}
			return nil
		})
	}
	if err := rows.Wait(); err != nil {
		return desk{}, err
	}
	out := desk{Address: in.Console()}
	for _, login := range local.Logins() {
		p, err := in.Person(ctx, login)
		if err != nil {
			return desk{}, err
		}
		out.People = append(out.People, p)
	}
	for _, p := range cases {
		out.Cases = append(out.Cases, waiting{Order: p.OrderNo, Reason: p.Case.Reason, Fen: p.AmountFen, SecondPerson: p.Case.SecondPerson})
	}
	return out, out.begin(ctx, in, cases)
}

// leave plays a registration until a case of it is open.
func (d *day) leave(ctx context.Context, r registration) (wire.Payment, error) {
	out := outcome{registration: r, order: r.orderNo(d.opened)}
	p := &play{day: d, registration: r, order: out.order, out: &out}
	if r.SlotGone {
		// The money would go back by itself. WeChat Pay cannot return it.
		if err := d.in.Sandbox.EndRefund(ctx, payment.RefundNo(p.order, 1), local.RefundAbnormal); err != nil {
			return wire.Payment{}, err
		}
	}
	answer, err := p.begin(ctx)
	if err != nil {
		return wire.Payment{}, err
	}
	if answer.Status != payment.InReview {
		if err := p.act(ctx, answer); err != nil {
			return wire.Payment{}, err
		}
	}
	for {
		v, err := p.read(ctx, true)
		if err != nil {
			return v, err
		}
		if v.Case != nil && slices.Contains(r.Expected, v.Status) {
			return v, nil
		}
		if v.Status.Ended() {
			return v, fmt.Errorf("it is %s, and no case is open", v.Status)
		}
		if err := pause(ctx, lookEvery/2); err != nil {
			return v, fmt.Errorf("it stays %s: %w", v.Status, err)
		}
	}
}

// begin is what staff have done already: the first case that two people decide
// and that has money in it is proposed by the first person, and the first other
// one is in the second person's hands.
func (k *desk) begin(ctx context.Context, in *local.Installation, cases []wire.Payment) error {
	books, err := in.Books(ctx)
	if err != nil {
		return err
	}
	first, second := k.People[0], k.People[1]
	if i := slices.IndexFunc(cases, func(p wire.Payment) bool { return p.Case.SecondPerson && p.CapturedFen > 0 }); i >= 0 {
		b, err := signIn(ctx, in, first)
		if err != nil {
			return err
		}
		if err := b.decide(ctx, payment.Decision{CaseID: cases[i].Case.CaseID, Verdict: payment.RefundAll, Note: "患者来电不再就诊，要求全部退回"}); err != nil {
			return fmt.Errorf("propose a decision: %w", err)
		}
		k.Cases[i].ProposedBy = first.Login
	}
	if i := slices.IndexFunc(cases, func(p wire.Payment) bool { return !p.Case.SecondPerson }); i >= 0 {
		if _, err := books.ClaimCase(ctx, cases[i].Case.CaseID, second.Person, time.Now()); err != nil {
			return fmt.Errorf("take a case in hand: %w", err)
		}
		k.Cases[i].ClaimedBy = second.Login
	}
	return nil
}

// print says what there is to decide, where, and how to sign in.
func (k desk) print(out io.Writer) {
	if k.Address == "" {
		return
	}
	fmt.Fprintf(out, "Review console        %s\n", k.Address)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, c := range k.Cases {
		var notes []string
		if c.SecondPerson {
			notes = append(notes, "two people decide")
		}
		if c.ProposedBy != "" {
			notes = append(notes, "proposed by "+c.ProposedBy)
		}
		if c.ClaimedBy != "" {
			notes = append(notes, "in the hands of "+c.ClaimedBy)
		}
		fmt.Fprintf(t, "  waits for you\t%s\t%s\t%s yuan\t%s\n", c.Order, c.Reason, yuan(c.Fen), strings.Join(notes, ", "))
	}
	_ = t.Flush()
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range k.People {
		roles := make([]string, len(p.Roles))
		for i, r := range p.Roles {
			roles[i] = string(r)
		}
		where := "every hospital"
		if !slices.Contains(p.Hospitals, "*") {
			where = strings.Join(p.Hospitals, ", ")
		}
		fmt.Fprintf(t, "  sign in as\t%s\t%s\t%s, %s\n", p.Login, p.Password, strings.Join(roles, ", "), where)
	}
	_ = t.Flush()
	fmt.Fprintln(out, "  The passwords were made for this demo alone and end with it.")
}
