package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/money"
)

type refundCommand struct {
	remoteFlags
	Payment  string `arg:"" help:"The payment's id (pay_…), or an order number."`
	Amount   string `arg:"" optional:"" help:"In yuan, such as 12.50; with --all, everything that is left."`
	All      bool   `help:"Return everything that is left."`
	Hospital string `help:"The order's hospital, when several have that order number."`
	Key      string `help:"Your own number of this refund: the same one again is the same refund. Without it, each call is a new refund."`
	Reason   string `help:"The patient may see it. No personal data."`
}

func (c refundCommand) Run(ctx context.Context, top *command) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	return c.run(ctx, api, top.terminal())
}

func (c refundCommand) run(ctx context.Context, api *client.Client, t terminal) error {
	if (c.Amount == "") != c.All {
		return coded{exitUsage, errors.New("give an amount in yuan, or --all")}
	}
	id, err := paymentID(ctx, api, c.Payment, c.Hospital)
	if err != nil {
		return err
	}
	fen, err := c.fen(ctx, api, id)
	if err != nil {
		return err
	}
	key := c.Key
	if key == "" {
		key = freshKey()
	}
	r, replayed, err := api.Refund(ctx, id, wire.RefundOrder{Key: key, AmountFen: fen, Reason: c.Reason})
	if err != nil {
		var gone *client.Unreachable
		if errors.As(err, &gone) {
			// It may have been taken: the same key asks for the same refund.
			err = fmt.Errorf("%w\n  repeat it with --key %s", err, key)
		}
		return told(err)
	}
	return t.show(r, func(w io.Writer) {
		word := "is on its way back"
		if replayed {
			word = "was asked for before"
		}
		fmt.Fprintf(w, "%s of %s %s.\n", yuan(fen), id, word)
		writeRefunds(w, r.Items)
	})
}

func (c refundCommand) fen(ctx context.Context, api *client.Client, id string) (int64, error) {
	if !c.All {
		m, err := money.Parse(c.Amount, money.CNY)
		if err != nil {
			return 0, coded{exitUsage, err}
		}
		return m.Minor(), nil
	}
	p, err := api.Payment(ctx, id, false)
	if err != nil {
		return 0, told(err)
	}
	refunds, err := api.Refunds(ctx, id)
	if err != nil {
		return 0, told(err)
	}
	left := p.CapturedFen
	for _, r := range refunds.Items {
		left -= r.AmountFen // returned, on its way, or waiting for a person
	}
	if left <= 0 {
		return 0, coded{exitConflict, errors.New("nothing is left to return")}
	}
	return left, nil
}

func freshKey() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the program instead
	return "cli-" + hex.EncodeToString(b[:])
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
