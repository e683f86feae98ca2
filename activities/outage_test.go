package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/breaker"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// guardedWorld has its channels behind guards, as an installation has.
type guardedWorld struct {
	*world
	clients map[payment.Channel]channel.Client
}

func (w *guardedWorld) Channel(_ string, ch payment.Channel) (channel.Client, error) {
	return w.clients[ch], nil
}

// hanging is a platform that takes a request and never answers.
type hanging struct {
	channel.Client
	sent int
}

func (h *hanging) Prepay(ctx context.Context, _ channel.Charge) (channel.Prepaid, error) {
	h.sent++
	<-ctx.Done()
	return channel.Prepaid{}, &payment.Failure{Kind: payment.Uncertain, System: "insurance", Op: "prepay", Code: "timeout", Err: ctx.Err()}
}

// hurried bounds a call as a first try is bounded, only that a test does not
// wait for three seconds.
type hurried struct{ channel.Client }

func (h hurried) Prepay(ctx context.Context, c channel.Charge) (channel.Prepaid, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	return h.Client.Prepay(ctx, c)
}

func TestAnInsuranceThatHangsIsWaitedForByNobodyElse(t *testing.T) {
	platform, metrics := &hanging{}, breaker.NewMetrics()
	w := &guardedWorld{world: newWorld()}
	guarded := func(ch payment.Channel, c channel.Client) channel.Client {
		return breaker.New("h-one", string(ch), breaker.Settings{}, metrics).Channel(c)
	}
	w.clients = map[payment.Channel]channel.Client{
		payment.Insurance: guarded(payment.Insurance, hurried{platform}), payment.WeChat: guarded(payment.WeChat, client{w: w.world}),
	}
	charge := func(ch payment.Channel) error {
		steps := &activities.Channels{Store: w, Hospitals: w, Clock: clock}
		in := chargeIn()
		in.Tender.Channel = ch
		w.attempt, w.inDoubt = store.Attempt{Existed: true, State: channel.Open}, true // sent before, and nobody knows what became of it
		_, err := local(t, steps, steps.Charge, in)
		return err
	}
	var app *temporal.ApplicationError
	for range 10 {
		require.ErrorAs(t, charge(payment.Insurance), &app)
		require.Equal(t, activities.ErrTypeUnknown, app.Type(), "what was sent is unknown (I3)")
	}
	require.Equal(t, 10, platform.sent)

	w.did = nil
	start := time.Now()
	for range 20 {
		require.ErrorAs(t, charge(payment.Insurance), &app)
		require.Equal(t, activities.ErrTypeRetryable, app.Type())
		require.False(t, app.NonRetryable(), "it is tried again from the queue")
		require.Contains(t, app.Error(), breaker.CodeOpen)
	}
	require.Equal(t, 10, platform.sent, "nothing is sent")
	require.NotContains(t, w.did, "end declined ", "and nothing concluded of what was sent before")
	require.NoError(t, charge(payment.WeChat))
	require.Contains(t, w.did, "prepay again", "who pays otherwise is served, and looked after as ever")
	require.Less(t, time.Since(start), 5*time.Second)
}
