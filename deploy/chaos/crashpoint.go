package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
)

const (
	// held is how long a reply is waited for that can be held.
	held     = 10 * time.Second
	bookPoll = 40 * time.Millisecond
)

var errNoChance = errors.New("nobody came by in time")

// crashAt holds a counterparty's replies until its own book shows that it has
// carried out what it was asked, kills regpay's processes, of which one waits
// for that reply, and lets go of it.
func (b *breaker) crashAt(ctx context.Context, f fault) error {
	if err := b.wires.hold(f.Target); err != nil {
		return err
	}
	var processes []string
	err := b.awaitExecution(ctx, f)
	if err == nil {
		processes = b.keeper.standing(local.APIProcess, local.WorkerProcess(1), local.WorkerProcess(2))
		err = b.keeper.strike(processes...)
	}
	if healed := b.wires.heal(context.WithoutCancel(ctx), f.Target); healed != nil {
		err = errors.Join(err, healed)
	}
	if err != nil {
		return err
	}
	return b.keeper.raise(ctx, f.For, processes...)
}

func (b *breaker) awaitExecution(ctx context.Context, f fault) error {
	before, err := b.executed(ctx, f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, held)
	defer cancel()
	for {
		if pause(ctx, bookPoll) != nil {
			return errNoChance
		}
		now, err := b.executed(ctx, f)
		if err != nil {
			continue // asked again, until ctx ends
		}
		if now > before {
			return nil
		}
	}
}

// executed counts in a counterparty's own book what a crash point is about.
func (b *breaker) executed(ctx context.Context, f fault) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.in.SandboxAdmin+"/books/"+f.Target, nil)
	if err != nil {
		return 0, err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read the book of %s: %w", f.Target, err)
	}
	defer reply.Body.Close()
	var book struct {
		sandbox.BookSnapshot
		his.Books
	}
	if err := json.NewDecoder(reply.Body).Decode(&book); err != nil {
		return 0, fmt.Errorf("read the book of %s: %w", f.Target, err)
	}
	switch {
	case f.Target == "his":
		return len(book.Appointments), nil
	case f.Point == crashes()[3].name:
		return len(book.Refunds), nil
	}
	return len(book.Charges), nil
}
