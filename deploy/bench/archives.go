package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/regpay/regpay/deploy/bench/archive"
)

// archiveCommand measures the queries over books that are full.
type archiveCommand struct {
	Payments  int    `help:"Past orders." default:"1000000" env:"PAYMENTS"`
	OpenCases int    `help:"Cases that wait for a person." default:"10000"`
	Plans     string `help:"Write every query's plan to this file." env:"PLANS" placeholder:"FILE"`
	Summary   string `help:"Write the figures to this file as JSON." env:"SUMMARY" placeholder:"FILE"`
}

func (c archiveCommand) Run(ctx context.Context) error {
	r, err := archive.Run(ctx, os.Stdout, archive.Options{Payments: c.Payments, OpenCases: c.OpenCases, PlansPath: c.Plans})
	if c.Summary != "" {
		text, failed := json.MarshalIndent(r, "", "  ")
		if failed == nil {
			failed = os.WriteFile(c.Summary, append(text, '\n'), 0o644)
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return err
	}
	if slow := r.TooSlow(); len(slow) > 0 {
		return fmt.Errorf("%d queries take longer than %d ms", len(slow), archive.LimitMS)
	}
	return nil
}
