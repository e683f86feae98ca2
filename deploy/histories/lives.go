package main

import (
	"context"
	"time"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

const (
	hospital = "h-renmin"
	// largeAmount is what the risk rules want a person to look at, in fen.
	largeAmount int64 = 1_000_000
	// short is the least time to pay that the API allows.
	short = payment.MinWindow
)

// life is a payment that is worth replaying, for the way that it takes through
// the workflows.
type life struct {
	name   string // of its files
	choose choice
	change []func(*wire.Start)
	steps  []step
	// keeps are the workflows that the payment has had when it is over, beside
	// its own: "refund-1", "stray".
	keeps []string
	// turn keeps apart the lives that break a counterparty, which is then broken
	// for everybody: those of the same turn, from 1, are played at the same
	// time, and those without one after all others.
	turn int
}

// files are the names of the life's histories.
func (l life) files() []string {
	all := []string{l.name + ".json"}
	for _, k := range l.keeps {
		all = append(all, l.name+"."+k+".json")
	}
	return all
}

type choice func(context.Context, *local.Installation, scenario.Person) (wire.Choice, error)

func as(c wire.Choice) choice {
	return func(context.Context, *local.Installation, scenario.Person) (wire.Choice, error) { return c, nil }
}

var (
	wechat   = as(scenario.WeChat(payment.Native))
	unionpay = as(scenario.UnionPay(payment.App))
)

func insurance(ctx context.Context, in *local.Installation, p scenario.Person) (wire.Choice, error) {
	return scenario.Insurance(ctx, in, hospital, p)
}

func mixed(ctx context.Context, in *local.Installation, p scenario.Person) (wire.Choice, error) {
	return scenario.Mixed(ctx, in, hospital, p, payment.WeChat, payment.Native)
}

// unauthorised is mixed with a consent that the platform does not know: it
// refuses when the self-pay part is in.
func unauthorised(ctx context.Context, in *local.Installation, p scenario.Person) (wire.Choice, error) {
	c, err := mixed(ctx, in, p)
	c.PayAuthNo = "0000000000000000000000000000000000000000"
	return c, err
}

func window(d time.Duration) func(*wire.Start) {
	return func(s *wire.Start) { s.PayWithinSeconds = int64(d / time.Second) }
}

func costs(fen int64) func(*wire.Start) {
	return func(s *wire.Start) {
		s.Order.AmountFen, s.Order.Fees = fen, []wire.Fee{{Code: "110200001", Name: "挂号费", AmountFen: fen}}
	}
}

// lives lists them all. A change of the workflows that adds a way adds a life.
func lives() []life {
	shortly, large := []func(*wire.Start){window(short)}, []func(*wire.Start){costs(largeAmount)}
	// The platform settles at once, and tells of it when the payment is over.
	inCall := sandbox.FaultSpec{Insurance: sandbox.InsuranceFault{SettlesInCall: true}, Notification: sandbox.NotificationFault{DelayMS: 5000}}
	untold := func(s *wire.Start) { s.CallbackURL = "" }
	silence := sandbox.FaultSpec{Notification: sandbox.NotificationFault{MissingRate: 1}}
	outage := sandbox.FaultSpec{Outage: true}
	// The platform has the order of a mixed payment, and cannot tell its end.
	unclear := []step{
		instruct(payment.Insurance, 2, sandbox.Abandon), begin, prove, pay, until(payment.Clearing),
		settles(2, local.InsuranceUnclear), until(payment.InReview),
	}
	refused := []step{begin, prove, pay, until(payment.InReview)}
	paid := []step{begin, pay, until(payment.Completed)}

	return []life{
		// Without trouble.
		{name: "wechat", choose: wechat, steps: paid},
		{name: "unionpay", choose: unionpay, steps: paid},
		{name: "insurance", choose: insurance, steps: []step{begin, prove, until(payment.Completed)}},
		{name: "mixed", choose: mixed, steps: []step{begin, prove, pay, until(payment.Completed)}},
		{name: "mixed-settled-in-call", choose: mixed, turn: 6, steps: []step{
			breaks("insurance", inCall), begin, prove, pay, until(payment.Completed), heals("insurance")}},
		{name: "without-callback", choose: wechat, change: []func(*wire.Start){untold}, steps: paid},

		// Nobody pays.
		{name: "expired", choose: wechat, change: shortly, steps: []step{begin, until(payment.Closed)}},
		{name: "expired-unionpay", choose: unionpay, change: shortly, steps: []step{begin, until(payment.Closed)}},
		{name: "not-verified", choose: insurance, change: shortly, steps: []step{begin, until(payment.Closed)}},

		// The patient wishes otherwise.
		{name: "cancelled", choose: wechat, steps: []step{begin, cancel, until(payment.Closed)}},
		{name: "cancelled-unionpay", choose: unionpay, change: shortly, steps: []step{begin, tryCancel, until(payment.Closed)}},
		{name: "cancelled-half-paid", choose: mixed, keeps: []string{"refund-1"}, steps: []step{
			instruct(payment.Insurance, 2, sandbox.Abandon), begin, prove, pay, until(payment.Clearing),
			charged(payment.Insurance), cancel, until(payment.Refunded)}},
		{name: "method-changed", choose: wechat, steps: []step{begin, choose(unionpay), pay, until(payment.Completed)}},
		{name: "method-changed-to-mixed", choose: wechat, steps: []step{
			begin, choose(mixed), prove, pay, until(payment.Completed)}},
		{name: "method-left-unionpay", choose: unionpay, change: shortly, steps: []step{
			begin, tryChoose(wechat), until(payment.Closed)}},

		// The HIS.
		{name: "his-outage", choose: wechat, turn: 1, steps: []step{
			breaks("his", outage), begin, pay, until(payment.Paid), told(1), heals("his"), until(payment.Completed)}},
		{name: "his-outage-cancelled", choose: wechat, turn: 2, keeps: []string{"refund-1"}, steps: []step{
			breaks("his", outage), begin, pay, until(payment.Paid), told(1), cancel, heals("his"), until(payment.Refunded)}},
		{name: "his-refused", choose: mixed, keeps: []string{"refund-1", "refund-2"}, steps: []step{
			withdrawSlot, begin, prove, pay, until(payment.Refunded)}},

		// The insurance needs a person.
		// Nobody tells the payment what the person is going to find out.
		{name: "clearing-retried", choose: mixed, turn: 5, steps: steps(unclear,
			breaks("insurance", silence), settles(2, local.InsuranceSettled),
			decide(payment.RetryClearing), until(payment.Completed), heals("insurance"))},
		{name: "clearing-settled-later", choose: mixed, steps: steps(unclear,
			decide(payment.RetryClearing), nextCase, settles(2, local.InsuranceSettled), until(payment.Completed))},
		{name: "clearing-confirmed", choose: mixed, steps: steps(unclear,
			decide(payment.ConfirmSettled), until(payment.Completed))},
		{name: "clearing-refused-retried", choose: unauthorised, keeps: []string{"refund-1"}, steps: steps(refused,
			decide(payment.RetryClearing), nextCase, decide(payment.RefundAll), until(payment.Refunded))},
		{name: "clearing-refunded", choose: unauthorised, keeps: []string{"refund-1"}, steps: steps(refused,
			decide(payment.RefundAll), until(payment.Refunded))},
		{name: "clearing-rejected", choose: unauthorised, keeps: []string{"refund-1"}, steps: steps(refused,
			decide(payment.Reject), until(payment.Rejected))},
		{name: "clearing-signalled", choose: unauthorised, keeps: []string{"refund-1"}, steps: steps(refused,
			signalled(payment.RefundAll), until(payment.Refunded))},
		{name: "clearing-renewed", choose: unauthorised, steps: steps(refused,
			choose(mixed), until(payment.Completed))},

		// The risk rules.
		{name: "risk-approved", choose: wechat, change: large, steps: []step{
			instruct(payment.WeChat, 1, sandbox.Pay), begin, decide(payment.Approve), until(payment.Completed)}},
		{name: "risk-rejected", choose: wechat, change: large, steps: []step{begin, decide(payment.Reject), until(payment.Rejected)}},
		{name: "risk-cancelled", choose: wechat, change: large, steps: []step{begin, cancel, until(payment.Closed)}},
		{name: "risk-refused", choose: wechat, steps: []step{block, begin, until(payment.Rejected)}},

		// Money goes back later.
		{name: "refunded", choose: wechat, keeps: []string{"refund-1", "refund-2"}, steps: steps(paid,
			refund("part", 1200), returned(1200), refund("rest", scenario.Fee-1200), until(payment.Refunded))},
		{name: "refunded-mixed", choose: mixed, keeps: []string{"refund-1", "refund-2"}, steps: []step{
			begin, prove, pay, until(payment.Completed), refund("all", scenario.Fee), until(payment.Refunded)}},
		{name: "refund-on-site", choose: wechat, keeps: []string{"refund-1"}, steps: steps(paid,
			refundEnds(1, "ABNORMAL"), refund("all", scenario.Fee), nextCase, decide(payment.RefundOffline), until(payment.Refunded))},
		{name: "refund-retried", choose: wechat, keeps: []string{"refund-1"}, steps: steps(paid,
			refundEnds(1, "ABNORMAL"), refund("all", scenario.Fee), nextCase,
			refundEnds(1, "SUCCESS"), decide(payment.RetryRefund), until(payment.Refunded))},

		// Money that the payment cannot use. The HIS is down for as long as the
		// first one has to live.
		{name: "stray", choose: unionpay, turn: 3, keeps: []string{"refund-1", "stray"}, steps: []step{
			breaks("his", outage), begin, payTwice, until(payment.Paid), returned(scenario.Fee), heals("his"), until(payment.Completed)}},
		{name: "stray-after-the-end", choose: unionpay, keeps: []string{"refund-1", "stray"}, steps: steps(paid,
			instruct(payment.UnionPay, 1, sandbox.PayTwice), returned(scenario.Fee))},

		// The slow path.
		{name: "channel-outage", choose: wechat, turn: 4, steps: []step{
			breaks("wechat", outage), beginDuring("wechat", "outage"), pay, until(payment.Completed)}},
		{name: "unnoticed", choose: unionpay, turn: 5, steps: []step{
			breaks("unionpay", silence), begin, pay, captured(payment.UnionPay), heals("unionpay"), until(payment.Completed)}},
		{name: "backend-down", choose: wechat, steps: []step{deaf(2), begin, pay, until(payment.Completed)}},
	}
}

// steps follows one list by others.
func steps(first []step, then ...step) []step { return append(append([]step(nil), first...), then...) }
