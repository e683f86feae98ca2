package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
	"github.com/regpay/regpay/internal/store"
)

func TestTheLedgerBalances(t *testing.T) {
	book := func(fen int64) store.Balances {
		return store.Balances{money.CNY: map[ledger.Account]int64{"one": 100, "two": fen}}
	}
	require.True(t, ledgerBalances(book(-100), nil).OK)
	require.False(t, ledgerBalances(book(-99), nil).OK)
	require.False(t, ledgerBalances(book(-100), []string{"a transaction"}).OK, "two wrongs that cancel out")
	require.False(t, ledgerBalances(store.Balances{}, nil).OK, "an empty ledger proves nothing")
}

func charge(no string, fen int64) sandbox.Charge {
	return sandbox.Charge{Hospital: "h-one", MerchantNo: no, AmountFen: fen, CapturedFen: fen, State: sandbox.ChargeCaptured}
}

func refund(no string, fen int64) sandbox.Refund {
	return sandbox.Refund{Hospital: "h-one", MerchantNo: no, AmountFen: fen, State: sandbox.RefundSuccess}
}

func TestTheLedgerEqualsEveryChannelsOwnBooks(t *testing.T) {
	settled := charge("M2", 5000)
	settled.Split = &sandbox.Split{OwnFen: 2000, AccountFen: 900, FundFen: 2100}
	failed := charge("M3", 700)
	failed.State = sandbox.ChargeFailed
	pending := refund("M1", 1)
	pending.State = sandbox.RefundProcessing
	books := local.Books{
		WeChat:    sandbox.BookSnapshot{Charges: []sandbox.Charge{charge("M1", 3000), failed}, Refunds: []sandbox.Refund{refund("M1", 1000), pending}},
		Insurance: sandbox.BookSnapshot{Charges: []sandbox.Charge{settled}, Refunds: []sandbox.Refund{refund("M2", 5000)}},
	}
	total := func(ch payment.Channel, captured, refunded int64) store.ChannelTotal {
		return store.ChannelTotal{HospitalID: "h-one", Channel: ch, Captured: money.Fen(captured), Refunded: money.Fen(refunded)}
	}
	same := []store.ChannelTotal{total(payment.WeChat, 3000, 1000), total(payment.Insurance, 3000, 3000)}
	require.True(t, channelsAgree(same, books).OK)
	for name, ours := range map[string][]store.ChannelTotal{
		"a fen more captured":                    {total(payment.WeChat, 3001, 1000), same[1]},
		"a refund that did not arrive":           {total(payment.WeChat, 3000, 1001), same[1]},
		"a channel that the ledger forgot":       {same[0]},
		"a channel that knows nothing of it":     {same[0], same[1], total(payment.UnionPay, 1, 0)},
		"the patient's own part is counted here": {same[0], total(payment.Insurance, 5000, 5000)},
	} {
		t.Run(name, func(t *testing.T) {
			c := channelsAgree(ours, books)
			require.False(t, c.OK)
			require.Contains(t, c.Detail, "h-one")
		})
	}
	require.False(t, channelsAgree(nil, local.Books{}).OK, "empty books prove nothing")
}

func TestEveryCompletedOrderIsRegisteredOnce(t *testing.T) {
	booked := his.AppointmentEntry{Hospital: "h-one", OrderNo: "ORDER1", Slot: "S-1", Status: "booked", AmountFen: 2500}
	changed := func(f func(*his.AppointmentEntry)) his.AppointmentEntry {
		a := booked
		f(&a)
		return a
	}
	completed := []outcome{ended(payment.ByWeChat, payment.Completed)}
	refunded := ended(payment.ByWeChat, payment.Refunded)
	refunded.order = "ORDER2"
	require.True(t, registeredOnce(completed, []his.AppointmentEntry{booked}).OK)
	require.True(t, registeredOnce(append(completed, refunded), []his.AppointmentEntry{booked,
		changed(func(a *his.AppointmentEntry) { a.OrderNo, a.Status = "ORDER2", "cancelled" })}).OK)
	for name, appointments := range map[string][]his.AppointmentEntry{
		"not at all":            nil,
		"twice":                 {booked, booked},
		"at another hospital":   {changed(func(a *his.AppointmentEntry) { a.Hospital = "h-two" })},
		"on another slot":       {changed(func(a *his.AppointmentEntry) { a.Slot = "S-2" })},
		"for another amount":    {changed(func(a *his.AppointmentEntry) { a.AmountFen-- })},
		"cancelled":             {changed(func(a *his.AppointmentEntry) { a.Status = "cancelled" })},
		"and one of a stranger": {booked, changed(func(a *his.AppointmentEntry) { a.OrderNo = "ORDER9" })},
		"and a refunded one":    {booked, changed(func(a *his.AppointmentEntry) { a.OrderNo = "ORDER2" })},
	} {
		t.Run(name, func(t *testing.T) {
			require.False(t, registeredOnce(append(completed, refunded), appointments).OK)
		})
	}
}

func TestTheBackendIsToldOfEveryEndOnce(t *testing.T) {
	look := func(status payment.Status, tells ...payment.Status) check {
		b := startBackend(t)
		for i, s := range tells {
			tell(t, b, string(s)+string(rune('0'+i)), s)
		}
		return (&day{backend: b}).toldOnce([]outcome{ended(payment.ByWeChat, status)})
	}
	require.True(t, look(payment.Completed, payment.Completed).OK)
	require.True(t, look(payment.Refunded, payment.Completed, payment.Refunded).OK)
	require.True(t, look(payment.Completed, payment.Paid, payment.Completed).OK, "a temporary voucher is told of too")
	require.False(t, look(payment.Completed).OK, "not at all")
	require.False(t, look(payment.Completed, payment.Completed, payment.Completed).OK, "twice, under two ids")
	require.False(t, look(payment.Refunded, payment.Completed).OK, "not of the last state")
}

func TestTheCaptureThatCountsIsTheFirstOfTheLastTender(t *testing.T) {
	at := func(seconds int) *time.Time {
		t := opened().Add(time.Duration(seconds) * time.Second)
		return &t
	}
	first, second, insured := charge("A01", 1), charge("A01", 1), charge("A02", 1)
	first.CapturedAt, second.CapturedAt, insured.CapturedAt = at(1), at(9), at(3)
	find := captures(local.Books{UnionPay: sandbox.BookSnapshot{Charges: []sandbox.Charge{second, first}},
		Insurance: sandbox.BookSnapshot{Charges: []sandbox.Charge{insured}}})
	o := ended(payment.ByMixed, payment.Completed)
	o.final.Tenders = []wire.Tender{{MerchantNo: "A01"}, {MerchantNo: "A02"}}
	when, ok := find(o)
	require.True(t, ok)
	require.Equal(t, *at(3), when)
	_, ok = find(ended(payment.ByWeChat, payment.Closed))
	require.False(t, ok)
}
