package tutorial

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// temporalOf is Temporal as the engine meets it.
type temporalOf struct {
	client.Client
	err      error // of what is asked
	signals  []string
	start    client.StartWorkflowOptions
	workflow any
}

func (f *temporalOf) SignalWorkflow(_ context.Context, id, _, name string, _ any) error {
	f.signals = append(f.signals, id+" "+name)
	return f.err
}

func (f *temporalOf) NewWithStartWorkflowOperation(o client.StartWorkflowOptions, workflow any, _ ...any) client.WithStartWorkflowOperation {
	f.start, f.workflow = o, workflow
	return nil
}

func (f *temporalOf) UpdateWithStartWorkflow(context.Context, client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return nil, f.err
}

// booksOf are books with one payment that has ended.
type booksOf struct {
	request payment.Request
	capture channel.Report
}

func (b booksOf) Payment(context.Context, string) (store.View, error) {
	return store.View{Standing: store.Standing{ID: "pay_1", Status: payment.Completed}, RequestIndex: b.RequestIndex(b.request.Digest())}, nil
}

func (b booksOf) Attempt(context.Context, string, int) (store.Attempt, error) {
	return store.Attempt{Capture: b.capture}, nil
}

func (booksOf) RequestIndex(digest string) string { return "index of " + digest }

func TestANotificationIsASignalOfThePayment(t *testing.T) {
	f := &temporalOf{}
	e := &engine{temporal: f, books: booksOf{}}
	report := captured(merchantNo)
	ref := api.Ref{HospitalID: "h-one", OrderNo: "ORDER0001"}
	require.NoError(t, e.Notify(t.Context(), ref, channel.Event{Charge: &report}))
	require.Equal(t, []string{"payment/h-one/ORDER0001 channel-event"}, f.signals)
	f.err = errors.New("unavailable")
	require.ErrorIs(t, e.Notify(t.Context(), ref, channel.Event{Charge: &report}), f.err)
	require.Error(t, e.Notify(t.Context(), ref, channel.Event{Refund: &channel.RefundReport{}}))
}

func TestAfterTheEndOnlyWhatTheBooksHaveIsARepeat(t *testing.T) {
	f := &temporalOf{err: serviceerror.NewNotFound("workflow execution already completed")}
	report, other, closed := captured(merchantNo), captured(merchantNo), captured(merchantNo)
	other.ChannelNo, closed.State = "tx-2", channel.Closed
	e := &engine{temporal: f, books: booksOf{capture: report}}
	require.NoError(t, e.Notify(t.Context(), api.Ref{}, channel.Event{Charge: &report}))
	require.NoError(t, e.Notify(t.Context(), api.Ref{}, channel.Event{Charge: &closed}))
	require.ErrorContains(t, e.Notify(t.Context(), api.Ref{}, channel.Event{Charge: &other}), "after the payment's end")
}

func TestAnOrderWhosePaymentHasEndedIsAnsweredFromTheBooks(t *testing.T) {
	f := &temporalOf{err: serviceerror.NewWorkflowExecutionAlreadyStarted("it has ended", "", "")}
	e := &engine{temporal: f, books: booksOf{request: request()}}
	a, replayed, err := e.Begin(t.Context(), request())
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, payment.Completed, a.Status)
	require.Equal(t, request().Digest(), a.Digest)

	other := request()
	other.CallbackURL = "https://booking.example/other"
	a, _, err = e.Begin(t.Context(), other)
	require.NoError(t, err)
	require.Empty(t, a.Digest, "another request is a conflict")
}

func TestAStartIsThatOfRegpayOnAnotherQueue(t *testing.T) {
	for coarse, kind := range map[bool]string{false: "TutorialPayment", true: "TutorialCoarsePayment"} {
		f := &temporalOf{err: errors.New("unavailable")}
		_, _, err := NewEngine(&installation.Installation{Temporal: f}, coarse).Begin(t.Context(), request())
		require.ErrorIs(t, err, f.err)
		require.Equal(t, "payment/h-one/ORDER0001", f.start.ID)
		require.Equal(t, Queue, f.start.TaskQueue)
		require.Equal(t, kind, f.workflow)
		require.Equal(t, 6, f.start.TypedSearchAttributes.Size())
	}
}
