package dbosarm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/regpay/regpay/deploy/bench/serve"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

// answerWithin is above the API's own limit, which ends the wait first.
const answerWithin = time.Minute

// engine is the API's way to the workflows. It holds nothing of its own.
type engine struct {
	dbos     dbos.Context
	payments *payments
	books    *store.Store
}

var _ serve.Engine = (*engine)(nil)

// Begin starts a payment or joins the one that is there, and waits until it is
// known what the patient pays with. The first start's request is kept with the
// workflow; a later one's is ignored, and told apart by the answer's digest.
func (e *engine) Begin(ctx context.Context, r payment.Request) (payment.Answer, bool, error) {
	if _, err := onlyTender(r); err != nil {
		return payment.Answer{}, false, err
	}
	id := workflows.PaymentWorkflowID(r.Order.HospitalID, r.Order.OrderNo)
	// Not under ctx: its end would cancel the workflow.
	_, err := dbos.RunWorkflow(e.dbos, e.payments.pay, order{Request: r, At: time.Now().UTC()},
		dbos.WithWorkflowID(id), dbos.WithWorkflowIDReusePolicy(dbos.WorkflowIDReusePolicyReject))
	joined := errors.Is(err, dbos.ErrWorkflowIDInUse)
	if err != nil && !joined {
		return payment.Answer{}, false, fmt.Errorf("start a payment: %w", err)
	}
	b, err := dbos.GetEvent[begun](dbos.From(e.dbos, ctx), id, eventBegun, answerWithin)
	switch {
	case err != nil:
		return payment.Answer{}, joined, fmt.Errorf("wait for what a payment needs: %w", err)
	case b.Problem != nil:
		return payment.Answer{}, joined, *b.Problem
	}
	return b.Answer, joined, nil
}

// Notify sends a verified notification to its payment, once however often the
// channel repeats it.
func (e *engine) Notify(ctx context.Context, ref api.Ref, event channel.Event) error {
	if event.Charge == nil {
		return errors.New("this engine knows notifications of charges alone")
	}
	err := dbos.Send(dbos.From(e.dbos, ctx), workflows.PaymentWorkflowID(ref.HospitalID, ref.OrderNo),
		notice{Event: event, At: time.Now().UTC()}, topicChannel, dbos.WithIdempotencyKey(event.ID))
	if err != nil {
		return fmt.Errorf("send a notification: %w", err)
	}
	return nil
}

// Ping says whether DBOS' tables can be reached: they are in the books'
// database.
func (e *engine) Ping(ctx context.Context) error { return e.books.Ping(ctx) }
