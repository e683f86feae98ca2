package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// strayCommand looks for money that the books missed: a charge that a channel's
// bill has as paid and the books have not. The channel is asked, never the bill
// believed, and what it says goes the way of a notification: to the payment
// while it runs, else back to the patient.
type strayCommand struct {
	installationFlags
	Hospital   string `required:"" help:"The hospital whose account it is."`
	MerchantNo string `required:"" help:"The charge's number at the channel, as its bill has it: order number, A, two digits."`
	ChannelNo  string `help:"The channel's own number of the payment, as its bill has it (UnionPay's queryId). Needed where one number was paid twice: without it UnionPay shows the first payment alone."`
}

// Help is shown below the flags.
func (strayCommand) Help() string {
	return `For finance, when a channel's bill has a payment that the books do not have.
The channel is asked what became of the charge. Money that it has and the books
do not is taken by the payment while it runs, and returned by its original route
when the payment is over or was paid otherwise. It can be repeated: money that
is known, or on its way back already, is left alone.

A number that the books do not know is no charge of this installation, and
nothing is done: exit code 3.`
}

// Outcomes of a search.
const (
	strayNotPaid = "not_paid" // the channel has no money by this number
	strayKnown   = "known"    // the books have it, or it is on its way back
	strayTold    = "told"     // the payment, or a workflow that returns it, has it now
)

// strayFound is what --json prints.
type strayFound struct {
	Outcome     string          `json:"outcome"`
	PaymentID   string          `json:"payment_id"`
	Channel     payment.Channel `json:"channel"`
	MerchantNo  string          `json:"merchant_no"`
	State       channel.State   `json:"state"`
	ChannelNo   string          `json:"channel_no,omitempty"`
	CapturedFen int64           `json:"captured_fen,omitempty"`
}

func (c strayCommand) Run(ctx context.Context, top *command) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	in, err := installation.Open(ctx, c.Config, c.Patience, log)
	if err != nil {
		return err
	}
	defer in.Close()
	s := straySearch{books: in.Store, channels: in.Hospitals, tell: (&engine{temporal: in.Temporal, books: in.Store}).Notify}
	ctx, cancel := context.WithTimeout(ctx, strayWithin)
	defer cancel()
	found, err := s.look(ctx, c.Hospital, c.MerchantNo, c.ChannelNo)
	if err != nil {
		return err
	}
	return top.terminal().show(found, func(w io.Writer) { writeStray(w, found) })
}

// strayWithin bounds one search: a question to the channel and one to Temporal.
const strayWithin = time.Minute

// straySearch is a search with what it needs.
type straySearch struct {
	books interface {
		Attempt(ctx context.Context, paymentID string, attempt int) (store.Attempt, error)
		Refunds(ctx context.Context, paymentID string) ([]store.RefundRow, error)
	}
	channels interface {
		Channel(hospital string, ch payment.Channel) (channel.Client, error)
	}
	tell func(ctx context.Context, ref api.Ref, e channel.Event) error
}

// look asks the channel about one charge, or about one payment of it when
// channelNo is not empty, and tells what it finds.
func (s straySearch) look(ctx context.Context, hospital, merchantNo, channelNo string) (strayFound, error) {
	order, n, ok := payment.SplitMerchantNo(merchantNo)
	if !ok {
		return strayFound{}, coded{exitUsage, fmt.Errorf("%q is no merchant number of regpay", merchantNo)}
	}
	found := strayFound{PaymentID: payment.ID(hospital, order), MerchantNo: merchantNo}
	a, err := s.books.Attempt(ctx, found.PaymentID, n)
	if errors.Is(err, store.ErrNotFound) {
		return found, coded{exitNotFound, fmt.Errorf("the books of %s have no charge %s: nothing is done", hospital, merchantNo)}
	}
	if err != nil {
		return found, err
	}
	found.Channel = a.Charge.Channel
	client, err := s.channels.Channel(hospital, a.Charge.Channel)
	if err != nil {
		return found, err
	}
	asked := a.Charge
	asked.ChannelNo = channelNo
	report, err := client.Query(ctx, asked)
	if err != nil {
		return found, coded{exitUnavailable, fmt.Errorf("ask %s: %w", a.Charge.Channel, err)}
	}
	found.State, found.ChannelNo, found.CapturedFen = report.State, report.ChannelNo, report.Captured.Minor()
	switch known, err := s.known(ctx, a, report); {
	case err != nil:
		return found, err
	case report.State != channel.Captured, channelNo != "" && report.ChannelNo != channelNo:
		found.Outcome = strayNotPaid
		return found, nil
	case known:
		found.Outcome = strayKnown
		return found, nil
	}
	event := channel.Event{ID: "stray-" + report.MerchantNo + "-" + report.ChannelNo, Charge: &report}
	if err := s.tell(ctx, api.Ref{HospitalID: hospital, OrderNo: order}, event); err != nil {
		return found, coded{exitUnavailable, fmt.Errorf("the money is there and nobody could be told; repeat the command: %w", err)}
	}
	found.Outcome = strayTold
	return found, nil
}

// known says whether the books have the money: as the attempt's capture, or as
// a stray one with a refund.
func (s straySearch) known(ctx context.Context, a store.Attempt, r channel.Report) (bool, error) {
	if a.State == channel.Captured && a.Capture.SameCapture(r) {
		return true, nil
	}
	refunds, err := s.books.Refunds(ctx, a.Charge.PaymentID)
	for _, f := range refunds {
		if f.Attempt == a.Charge.Attempt && f.Refund.Original.SameCapture(r) {
			return true, nil
		}
	}
	return false, err
}

func writeStray(w io.Writer, f strayFound) {
	switch f.Outcome {
	case strayNotPaid:
		fmt.Fprintf(w, "%s has no money by %s (%s).\n", f.Channel, f.MerchantNo, f.State)
	case strayKnown:
		fmt.Fprintf(w, "%s by %s, number %s, is in the books of %s already.\n", yuan(f.CapturedFen), f.Channel, f.ChannelNo, f.PaymentID)
	default:
		fmt.Fprintf(w, "%s by %s, number %s, was not in the books. %s has it now, or it goes back:\n  starter show %s --refunds --timeline\n",
			yuan(f.CapturedFen), f.Channel, f.ChannelNo, f.PaymentID, f.PaymentID)
	}
}
