package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/chaos/check"
)

// What a product has to find by itself is not helped by the bill.
func TestOnlyTheOtherPaymentOfAnOrderPaidTwiceIsLookedForInTheBill(t *testing.T) {
	charge := func(channel, merchantNo, channelNo string, captured, refunded int64) check.Charge {
		return check.Charge{Hospital: "h-one", Channel: channel, MerchantNo: merchantNo, ChannelNo: channelNo, CapturedFen: captured, RefundedFen: refunded}
	}
	w := check.World{
		Charges: []check.Charge{
			charge("unionpay", "A01", "1", 100, 0), charge("unionpay", "A01", "2", 100, 0),
			charge("unionpay", "B01", "3", 100, 0),                                           // never heard of: regpay's own fault
			charge("unionpay", "C01", "4", 100, 0), charge("unionpay", "C01", "5", 100, 100), // went back
			charge("unionpay", "D01", "6", 100, 0), charge("unionpay", "D01", "", 0, 0),
			charge("wechat", "E01", "7", 100, 0), charge("wechat", "E01", "8", 100, 0), // no channel lets that happen
		},
		Captures: []check.Capture{{Channel: "unionpay", ChannelNo: "1"}, {Channel: "unionpay", ChannelNo: "4"}, {Channel: "wechat", ChannelNo: "2"}},
	}
	require.Equal(t, []billed{{"h-one", "A01", "2"}}, unseen(w))
}
