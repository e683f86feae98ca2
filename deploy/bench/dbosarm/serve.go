// Package dbosarm takes regpay's payment without trouble by DBOS Transact: what
// a Go team chooses that wants durable workflows and no server beside its
// PostgreSQL. The workflow is a function in the process that serves the API;
// DBOS writes down each step's outcome in tables of its own and, after a crash,
// runs the function again over what is written.
//
// It is built of DBOS' own means: RunWorkflow with the payment's id, so that a
// start is idempotent; a step for each of regpay's activities, with retries;
// SetEvent and GetEvent for what the patient pays with; Send and Recv for the
// notification, with the payment's deadline as the timeout. Clients, books and
// HTTP API are regpay's, so the counterparties and the books see the same
// requests and the same rows. There is no queue: nothing has to be held back,
// and a queue is one more write and a poll.
//
// Settings. DBOS takes any PostgreSQL database; its tables are in its default
// schema "dbos" of regpay's own, where commits of the same moment share a flush
// with the books'. Its pool is its default of 20 connections, beside the books'
// own: no workflow holds one while it waits, and with 32 payments at once on two
// cores 40 and 80 made no difference beyond the machine's noise. Waits do not
// poll: a message wakes its workflow by PostgreSQL's LISTEN/NOTIFY, an event of
// this process wakes the API at once, and one of another process within some
// 10 ms. All else is DBOS' default.
//
// Personal data is sealed with the installation's keys in all that DBOS keeps,
// as regpay seals all that Temporal keeps: see sealer. Errors are kept as they
// are, since DBOS has no hook there; regpay's have no personal data in them.
//
// What a payment costs: eleven commits in DBOS' tables, beside the books' own.
// One is of the start, five are of the steps, one of the event, one of the
// message, two of the wait for it (its deadline, then the message taken; one
// where the message is there already), one of the end. Waking other processes
// for events is a twelfth, shared by all events of 10 ms.
//
// What it leaves out: the insurance and the proof of identity, review cases,
// another method, cancellation, refunds, strays, and asking the channel when no
// notification comes. A payment that meets any of them ends as an error of its
// workflow, in sight, and goes no further. Maintenance is waited out by retries.
// An order that was refused at its start stays refused, where regpay lets it be
// tried again.
//
// Books.Open and Books.Settle commit by themselves before DBOS notes that they
// did. DBOS could have its note in their transaction (RunAsTransaction) if the
// books were written against a transaction that is handed in; that would be
// another implementation of the books, and save two commits of those that a
// payment costs.
package dbosarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/regpay/regpay/deploy/bench/serve"
	"github.com/regpay/regpay/internal/installation"
)

const (
	appName = "regpay"
	// workflowName is in the tables, so that the function can be renamed.
	workflowName = "RegistrationPayment"
	// stopWithin is how long each part of DBOS has to end.
	stopWithin = 10 * time.Second
)

// Serve opens DBOS on the installation's database, migrates its tables, takes
// up the payments that an earlier process left, and serves regpay's HTTP API
// until ctx ends. Payments that are under way then stay as they are in the
// tables, for the next process.
func Serve(ctx context.Context, in *installation.Installation) error {
	dsn, err := in.Config.DatabaseDSN()
	if err != nil {
		return err
	}
	// Not under ctx: DBOS cancels workflows for good when the context above them
	// is cancelled. Shutdown only lets go of them.
	runtime, err := dbos.NewContext(context.WithoutCancel(ctx), dbos.Config{
		AppName: appName, DatabaseURL: dsn, Serializer: newSealer(in.Keys),
		Logger: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return fmt.Errorf("open DBOS: %w", err)
	}
	p := newPayments(in)
	dbos.RegisterWorkflow(runtime, p.pay, dbos.WithWorkflowName(workflowName))
	if err := dbos.Launch(runtime); err != nil {
		return fmt.Errorf("launch DBOS: %w", err)
	}
	err = serve.API(ctx, in, &engine{dbos: runtime, payments: p, books: in.Store})
	if stopped := dbos.Shutdown(runtime, stopWithin); stopped != nil {
		err = errors.Join(err, fmt.Errorf("shut DBOS down: %w", stopped))
	}
	return err
}
