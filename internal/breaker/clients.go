package breaker

import (
	"context"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
)

// Channel puts the guard before a channel's client. Reading a notification and
// answering it ask nobody, and pass.
func (g *Guard) Channel(c channel.Client) channel.Client { return guardedChannel{Client: c, g: g} }

type guardedChannel struct {
	channel.Client
	g *Guard
}

func (c guardedChannel) Prepay(ctx context.Context, ch channel.Charge) (channel.Prepaid, error) {
	return call(ctx, c.g, "prepay", func() (channel.Prepaid, error) { return c.Client.Prepay(ctx, ch) })
}

func (c guardedChannel) Query(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	return call(ctx, c.g, "query", func() (channel.Report, error) { return c.Client.Query(ctx, ch) })
}

func (c guardedChannel) Close(ctx context.Context, ch channel.Charge) (channel.Report, error) {
	return call(ctx, c.g, "close", func() (channel.Report, error) { return c.Client.Close(ctx, ch) })
}

func (c guardedChannel) Refund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	return call(ctx, c.g, "refund", func() (channel.RefundReport, error) { return c.Client.Refund(ctx, ch, r) })
}

func (c guardedChannel) QueryRefund(ctx context.Context, ch channel.Charge, r channel.Refund) (channel.RefundReport, error) {
	return call(ctx, c.g, "query_refund", func() (channel.RefundReport, error) { return c.Client.QueryRefund(ctx, ch, r) })
}

// HIS puts the guard before a hospital's information system.
func (g *Guard) HIS(w his.Gateway) his.Gateway { return guardedHIS{gateway: w, g: g} }

type guardedHIS struct {
	gateway his.Gateway
	g       *Guard
}

func (h guardedHIS) Register(ctx context.Context, r his.Registration) (his.Registered, error) {
	return call(ctx, h.g, "register", func() (his.Registered, error) { return h.gateway.Register(ctx, r) })
}

func (h guardedHIS) Cancel(ctx context.Context, r his.Registration) error {
	_, err := call(ctx, h.g, "cancel", func() (struct{}, error) { return struct{}{}, h.gateway.Cancel(ctx, r) })
	return err
}
