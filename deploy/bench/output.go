package main

import (
	"fmt"
	"os"

	"github.com/regpay/regpay/deploy/bench/report"
)

// report prints the tables, and writes JSON and curves where they are wanted.
func (b *bench) report() error {
	fmt.Fprintln(b.out)
	report.Print(b.out, b.run)
	if b.Summary != "" {
		f, err := os.Create(b.Summary)
		if err != nil {
			return err
		}
		if err := report.JSON(f, b.run); err != nil {
			_ = f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	if b.Curves != "" {
		written, err := report.Curves(b.Curves, b.run)
		if err != nil {
			return err
		}
		for _, path := range written {
			fmt.Fprintln(b.out, "drawn:", path)
		}
	}
	return nil
}
