package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// pollEvery is how often a waiting command asks.
const pollEvery = 2 * time.Second

type payCommand struct {
	remoteFlags
	File string        `arg:"" optional:"" default:"-" help:"The request as JSON, as POST /v1/payments takes it; - reads standard input. A file and not flags, since it holds personal data."`
	Wait time.Duration `help:"Wait so long for the payment to end; 1 when it did not end as completed."`
}

// Help is shown below the flags.
func (payCommand) Help() string {
	return `Starts a payment and prints what the patient needs in order to pay. The same
request again returns the same payment.

Example of a request:

  {"order": {"hospital_id": "ren-he", "order_no": "R20260105000017",
     "slot": {"id": "slot-1", "department": "心内科", "doctor": "王医生", "starts_at": "2026-01-06T09:30:00+08:00"},
     "fees": [{"code": "110200001", "name": "诊查费", "amount_fen": 5000}], "amount_fen": 5000,
     "patient": {"name": "…", "id_type": "id_card", "id_number": "…", "phone": "…", "openid": "…"}},
   "choice": {"method": "wechat", "scene": "jsapi"}}`
}

func (c payCommand) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c payCommand) run(ctx context.Context, api *client.Client, t terminal) error {
	start, err := readStart(c.File, t.in)
	if err != nil {
		return coded{exitUsage, err}
	}
	a, replayed, err := api.Start(ctx, start)
	if err != nil {
		return told(err)
	}
	if c.Wait <= 0 {
		return t.show(a, func(w io.Writer) { writeAnswer(w, a, replayed) })
	}
	if !t.json {
		writeAnswer(t.out, a, replayed)
	}
	p, err := await(ctx, api, a.PaymentID, c.Wait)
	if err != nil {
		return err
	}
	if err := t.show(p, func(w io.Writer) { writePayment(w, p) }); err != nil {
		return err
	}
	if p.Status != payment.Completed {
		return fmt.Errorf("the payment is %s", p.Status)
	}
	return nil
}

// readStart reads a request strictly: a member that is misspelt here would be
// refused there.
func readStart(file string, stdin io.Reader) (wire.Start, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(stdin, 64<<10))
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return wire.Start{}, fmt.Errorf("read the request: %w", err)
	}
	var s wire.Start
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return wire.Start{}, fmt.Errorf("read the request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wire.Start{}, errors.New("read the request: something follows it")
	}
	return s, nil
}

// await asks until the payment has ended, needs a person, or time is up.
func await(ctx context.Context, api *client.Client, id string, patience time.Duration) (wire.Payment, error) {
	over, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		p, err := api.Payment(ctx, id, true)
		if err != nil {
			return p, told(err)
		}
		if p.Status.Ended() || p.Status == payment.InReview {
			return p, nil
		}
		select {
		case <-over.Done():
			return p, ctx.Err()
		case <-tick.C:
		}
	}
}

func writeAnswer(w io.Writer, a wire.Answer, replayed bool) {
	var t table
	t.add("payment", a.PaymentID)
	status := string(a.Status)
	if replayed {
		status += " (was there before)"
	}
	t.add("status", status)
	if a.Reason != "" {
		t.add("reason", a.Reason)
	}
	t.add("amount", yuan(a.AmountFen))
	t.add("pay by", clock(a.PayBy))
	if a.Tender != nil {
		t.add("to pay", yuan(a.Tender.AmountFen)+" by "+string(a.Tender.Channel)+" "+string(a.Tender.Scene))
		t.add("number", a.Tender.MerchantNo)
		for _, n := range sortedKeys(a.Tender.Pay) {
			t.add("  "+n, a.Tender.Pay[n])
		}
	}
	for _, v := range a.Verify {
		t.add("to verify", string(v))
	}
	t.write(w, "")
}
