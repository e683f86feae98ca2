package main

import (
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
	"github.com/regpay/regpay/internal/sandbox/identity"
	"github.com/regpay/regpay/internal/sandbox/insurance"
	"github.com/regpay/regpay/internal/sandbox/unionpay"
	"github.com/regpay/regpay/internal/sandbox/wechat"
)

// counterparties makes all of them, each with the address it is served on.
func counterparties(env *sandbox.Env, o options) ([]sandbox.Served, error) {
	var modes []wechat.Option
	if o.WeChatMode != "by_turns" {
		modes = append(modes, wechat.WithMode(wechat.Mode(o.WeChatMode)))
	}
	we, err := wechat.New(env, modes...)
	if err != nil {
		return nil, err
	}
	var limits []identity.Option
	if o.NoSMSLimits {
		limits = append(limits, identity.WithoutSMSLimits())
	}
	return []sandbox.Served{
		{Counterparty: we, Address: o.WeChat},
		{Counterparty: unionpay.New(env), Address: o.UnionPay},
		{Counterparty: insurance.New(env), Address: o.Insurance},
		{Counterparty: his.New(env), Address: o.HIS},
		{Counterparty: identity.New(env, limits...), Address: o.Identity},
	}, nil
}
