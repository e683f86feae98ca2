package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// riskCommand keeps the facts that the risk rules go by. The patient's
// identity number is read from standard input: on a command line it would stay
// in the shell's history and be seen by every user of the machine.
type riskCommand struct {
	Block   riskBlock   `cmd:"" help:"Refuse a patient's payments; the identity number is read from standard input."`
	Unblock riskUnblock `cmd:"" help:"Let a blocked patient pay again; the identity number is read from standard input."`
	NoShow  riskNoShow  `cmd:"" help:"Record a missed appointment; the identity number is read from standard input."`
}

type riskBlock struct {
	installationFlags
	Hospital string `arg:"" help:"The hospital."`
	Reason   string `help:"Why, without personal data." required:""`
	Operator string `help:"Who decided it." required:""`
}

func (c riskBlock) Run(ctx context.Context) error {
	return c.onPatient(ctx, os.Stdin, func(books *store.Store, id string) error {
		return books.Block(ctx, c.Hospital, id, c.Reason, c.Operator, time.Now())
	})
}

type riskUnblock struct {
	installationFlags
	Hospital string `arg:"" help:"The hospital."`
	Operator string `help:"Who decided it." required:""`
}

func (c riskUnblock) Run(ctx context.Context) error {
	return c.onPatient(ctx, os.Stdin, func(books *store.Store, id string) error {
		return books.Unblock(ctx, c.Hospital, id, c.Operator, time.Now())
	})
}

type riskNoShow struct {
	installationFlags
	Hospital string `arg:"" help:"The hospital."`
	Slot     string `arg:"" help:"The slot that was missed."`
}

func (c riskNoShow) Run(ctx context.Context) error {
	return c.onPatient(ctx, os.Stdin, func(books *store.Store, id string) error {
		return books.RecordNoShow(ctx, c.Hospital, id, c.Slot, time.Now())
	})
}

// onPatient runs f for the identity number on the first line of in.
func (f installationFlags) onPatient(ctx context.Context, in io.Reader, do func(*store.Store, string) error) error {
	id, err := idNumber(in)
	if err != nil {
		return err
	}
	books, err := f.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return do(books, id)
}

func idNumber(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the identity number: %w", err)
	}
	id := strings.ToUpper(strings.TrimSpace(line))
	if !payment.ValidIDNumber(payment.IDCard, id) && !payment.ValidIDNumber(payment.Passport, id) {
		return "", errors.New("standard input holds no valid identity card or passport number")
	}
	return id, nil
}
