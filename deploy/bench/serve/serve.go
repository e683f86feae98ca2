// Package serve runs regpay's own HTTP API, webhooks included, over another
// engine than regpay's. So every arm of the comparison takes the same requests,
// checks the same signatures and keeps the same records of notifications, and
// only what carries a payment from one step to the next differs.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/hospital"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/telemetry"
	"github.com/regpay/regpay/internal/verification"
	"github.com/regpay/regpay/internal/voucher"
)

// Happy is an engine that knows payments without trouble alone: the rest of
// api.Engine refuses. Arms embed it.
type Happy struct{}

var errTrouble = errors.New("this engine knows payments without trouble alone")

func (Happy) Verify(context.Context, api.Ref, payment.Proof) (payment.Answer, error) {
	return payment.Answer{}, errTrouble
}

func (Happy) ChangeMethod(context.Context, api.Ref, payment.Choice) (payment.Answer, error) {
	return payment.Answer{}, errTrouble
}

func (Happy) Cancel(context.Context, api.Ref, payment.Cancellation) (payment.Answer, error) {
	return payment.Answer{}, errTrouble
}

func (Happy) Decide(context.Context, api.Ref, payment.Decision) error { return errTrouble }

func (Happy) Refund(context.Context, api.Ref, store.RefundRow) error { return errTrouble }

// Engine is what an arm brings.
type Engine interface {
	Begin(ctx context.Context, r payment.Request) (a payment.Answer, replayed bool, err error)
	Notify(ctx context.Context, ref api.Ref, e channel.Event) error
	Ping(ctx context.Context) error
}

type engine struct {
	Happy
	Engine
}

// API serves until ctx ends. It returns when requests that were under way have
// been answered.
func API(ctx context.Context, in *installation.Installation, e Engine) error {
	signer, err := voucher.NewSigner([]byte(in.Keys.Index("voucher", "signing key")))
	if err != nil {
		return err
	}
	handler := api.New(api.Options{
		Engine: engine{Engine: e}, Books: in.Store, Hospitals: hospitals{in.Hospitals},
		Verifier: verification.New(in.Store, in.Hospitals, time.Now),
		Index:    in.Store.RequestIndex, Vouchers: signer,
		Registry: telemetry.NewRegistry(), Log: in.Log, Version: payment.Version,
	})
	return Handler(ctx, in.Config.HTTP.Listen, handler)
}

// Handler serves anything at an address until ctx ends.
func Handler(ctx context.Context, address string, h http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

type hospitals struct{ *hospital.Directory }

func (h hospitals) Hospital(id string) (api.Hospital, bool) {
	found, ok := h.Directory.Hospital(id)
	if !ok {
		return nil, false
	}
	return found, true
}
