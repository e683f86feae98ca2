// Package plain is regpay's happy WeChat payment as a state machine that was
// written by hand on PostgreSQL: one process, one row a payment, no engine. It
// shows what the disk allows, since it makes the least number of durable writes
// with which a crash at any moment loses neither money nor a registration:
//
//  1. the order with its attempt, before the request leaves for the channel;
//  2. the capture with its ledger entries, the voucher and the notification as
//     it came, before the notification is answered;
//  3. the end, after the booking backend has answered its callback.
//
// Each is one statement: one round trip, one transaction, one flush. Nothing
// else needs a place on disk, because every request to another system can be
// sent again under the same number: the channel is asked once more for an order
// that it has, the HIS creates only what it does not have, and the backend drops
// a message that it has seen. So what the channel answered to 1 is not kept (a
// repeated start asks again), and neither is the HIS's answer until 3.
//
// After 2 a payment is carried on in memory, by a bounded pool. What a crash, a
// full queue or a counterparty that is down leaves behind is found in the table
// by a sweeper, at the start and every 30 seconds.
//
// The requests, the signatures, the encryption and the clients of the other
// systems are regpay's own. Left out, and with them their cost, is everything
// beyond the happy payment: other channels, risk rules, maintenance windows,
// expiry and the queries of a charge whose notification was lost, refunds and
// captures that nobody expected, review cases, the audit log, the records of
// refused notifications, the reading side of the API, metrics. A registration
// that the HIS refuses stands still as in_review.
package plain

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/regpay/regpay/deploy/bench/serve"
	"github.com/regpay/regpay/internal/installation"
)

// attempt is the number of the one charge that a payment has here.
const attempt = 1

// arm is the process.
type arm struct {
	*installation.Installation
	books   *books
	keys    *keyring
	backend *http.Client
	queue   *queue
}

// Serve runs the whole arm until ctx ends: its tables, the API's start of a
// payment, WeChat Pay's webhooks, and what follows from them. It returns when
// the requests and the registrations that were under way are over; what is
// still in the queue is carried on by the next start.
func Serve(ctx context.Context, in *installation.Installation) error {
	dsn, err := in.Config.DatabaseDSN()
	if err != nil {
		return err
	}
	b, err := openBooks(ctx, dsn, in.Keys)
	if err != nil {
		return err
	}
	defer b.Close()
	a := &arm{Installation: in, books: b, keys: newKeyring(in.Store, time.Now),
		backend: newBackend(), queue: newQueue(queued)}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var behind sync.WaitGroup
	for range workers {
		behind.Go(func() { a.work(ctx) })
	}
	behind.Go(func() { a.sweep(ctx) })
	err = serve.Handler(ctx, in.Config.HTTP.Listen, a.routes())
	stop()
	behind.Wait()
	return err
}

func (a *arm) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("POST /v1/payments", a.start)
	mux.HandleFunc("POST /v1/webhooks/wechat/{hospital}", a.webhook)
	return mux
}

func (a *arm) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := a.books.db.PingContext(ctx); err != nil {
		a.refuse(w, errUnavailable)
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}
