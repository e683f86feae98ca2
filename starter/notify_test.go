package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/workflows"
)

// hearing is Temporal as a notification meets it: what becomes of it as an
// update, and as a signal.
type hearing struct {
	client.Client
	update func(context.Context) error
	heard  error // by the handler of the update
	signal error
	told   []string
}

func (h *hearing) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	h.told = append(h.told, "update "+o.UpdateName+" of "+o.WorkflowID)
	if err := h.update(ctx); err != nil {
		return nil, err
	}
	return outcome{err: h.heard}, nil
}

func (h *hearing) SignalWorkflow(ctx context.Context, id, _, name string, _ any) error {
	h.told = append(h.told, "signal "+name+" of "+id)
	return errors.Join(h.signal, ctx.Err())
}

type outcome struct {
	client.WorkflowUpdateHandle
	err error
}

func (o outcome) Get(context.Context, any) error { return o.err }

func TestANotificationIsHeardOrKept(t *testing.T) {
	const (
		update = "update " + workflows.UpdateChannelEvent + " of payment/ren-he/R20260105000001"
		signal = "signal " + workflows.SignalChannelEvent + " of payment/ren-he/R20260105000001"
	)
	down := errors.New("down")
	silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tc := range map[string]struct {
		hearing hearing
		told    []string
		after   time.Duration
		err     error
	}{
		"heard":                          {hearing{update: at(nil)}, []string{update}, 0, nil},
		"no worker takes it":             {hearing{update: silent}, []string{update, signal}, heardWithin, nil},
		"a worker of an earlier version": {hearing{update: at(nil), heard: errors.New("unknown update")}, []string{update, signal}, 0, nil},
		"the update is lost":             {hearing{update: at(down)}, []string{update, signal}, 0, nil},
		"Temporal is away":               {hearing{update: at(down), signal: down}, []string{update, signal}, 0, down},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, began := tc.hearing, time.Now()
				report := channel.Report{State: channel.Captured, MerchantNo: "R20260105000001A01", Captured: money.Fen(5000)}
				err := (&engine{temporal: &h}).Notify(t.Context(), api.Ref{HospitalID: "ren-he", OrderNo: "R20260105000001"}, channel.Event{Charge: &report})
				require.ErrorIs(t, err, tc.err)
				require.Equal(t, tc.told, h.told)
				require.Equal(t, tc.after, time.Since(began))
			})
		})
	}
}

// at is an update that comes to this at once.
func at(err error) func(context.Context) error { return func(context.Context) error { return err } }

// That a payment has ended is what the signal says: an update can be lost with
// the workflow task that ends it.
func TestANotificationOfAPaymentThatEndedIsAStray(t *testing.T) {
	gone := serviceerror.NewNotFound("workflow execution already completed")
	h := hearing{update: at(gone), signal: gone}
	closed := channel.Report{State: channel.Closed, MerchantNo: "R20260105000001A01"}
	err := (&engine{temporal: &h}).Notify(t.Context(), api.Ref{HospitalID: "ren-he", OrderNo: "R20260105000001"}, channel.Event{Charge: &closed})
	require.NoError(t, err, "without money there is nothing to return")
	require.Len(t, h.told, 2)
}
