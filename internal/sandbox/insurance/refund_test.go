package insurance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

func (p *platform) refundOf(order object, serial, kind, cash, account, fund, total string) object {
	return object{"payOrdId": order["payOrdId"], "payAuthNo": order["payAuthNo"], "appRefdSn": serial, "appRefdTime": p.stamp(),
		"refdType": kind, "cashRefdAmt": cash, "psnAcctRefdAmt": account, "fundRefdAmt": fund, "totlRefdAmt": total}
}

func TestAFullRefundEqualsTheOriginalSplits(t *testing.T) {
	p := open(t)
	order := p.settled("REG1")
	code, _ := p.code("refund_Order", p.refundOf(order, "RF1", "ALL", "10.00", "11.00", "29.00", "50.00"))
	assert.Equal(t, "3004", code)
	code, _ = p.code("refund_Order", p.refundOf(order, "RF1", "ALL", "10.00", "12.00", "28.00", "50.01"))
	assert.Equal(t, "2002", code)

	refund := p.refundOf(order, "RF1", "ALL", "10.00", "12.00", "28.00", "50.00")
	first := p.call("refund_Order", refund)
	assert.Equal(t, "SUCC", first["refStatus"])
	assert.Equal(t, "7", p.status(order))
	assert.Equal(t, first, p.call("refund_Order", refund), "the same number returns the first result")
	_, fresh := p.adminDo("POST", "/insurance/auth", object{"hospital": "h-renmin", "psn_no": psnNo})
	assert.Equal(t, first, p.call("refund_Order", with(refund, "payAuthNo", "", "ecToken", fresh["ecToken"])), "whatever authorises it")
	code, _ = p.code("refund_Order", p.refundOf(order, "RF1", "CASH", "10.00", "", "", "10.00"))
	assert.Equal(t, "3002", code)
	code, _ = p.code("refund_Order", p.refundOf(order, "RF2", "ALL", "10.00", "12.00", "28.00", "50.00"))
	assert.Equal(t, "3004", code)

	books := p.books()
	require.Len(t, books.Refunds, 1)
	assert.Equal(t, "RF1", books.Refunds[0].RefundNo)
	assert.Equal(t, first["refdSn"], books.Refunds[0].ChannelRefundNo)
	assert.Equal(t, sandbox.RefundSuccess, books.Refunds[0].State)
	assert.EqualValues(t, 5000, books.Charges[0].RefundedFen)
}

func TestCashInPartsAndTheInsurancesPartAsAWhole(t *testing.T) {
	p := open(t)
	order := p.settled("REG1")
	do := func(serial, kind, cash, account, fund, total string) string {
		code, _ := p.code("refund_Order", p.refundOf(order, serial, kind, cash, account, fund, total))
		return code
	}
	assert.Equal(t, "3004", do("RF1", "CASH", "10.01", "", "", "10.01"), "more than the cash")
	assert.Equal(t, "2002", do("RF1", "CASH", "9.00", "1.00", "", "10.00"), "not cash alone")
	assert.Equal(t, "0", do("RF1", "CASH", "4.00", "", "", "4.00"))
	assert.Equal(t, "10", p.status(order))
	assert.Equal(t, "3004", do("RF2", "CASH", "6.01", "", "", "6.01"), "more than is left")
	assert.Equal(t, "3004", do("RF2", "HI", "", "12.00", "27.99", "39.99"), "the insurance's part is not divided")
	assert.Equal(t, "2002", do("RF2", "HI", "1.00", "12.00", "28.00", "41.00"), "not insurance alone")
	assert.Equal(t, "0", do("RF2", "HI", "", "12.00", "28.00", "40.00"))
	assert.Equal(t, "11", p.status(order))
	assert.Equal(t, "3004", do("RF3", "HI", "", "12.00", "28.00", "40.00"))
	assert.Equal(t, "3004", do("RF3", "ALL", "10.00", "12.00", "28.00", "50.00"))
	assert.Equal(t, "0", do("RF3", "CASH", "6.00", "", "", "6.00"))
	assert.Equal(t, "7", p.status(order))
	assert.EqualValues(t, 5000, p.books().Charges[0].RefundedFen)
}

func TestOneKindOfRefundAlone(t *testing.T) {
	p := open(t)
	cash, insurance := p.settled("REG1"), p.settled("REG2")
	p.call("refund_Order", p.refundOf(cash, "RF1", "CASH", "10.00", "", "", "10.00"))
	assert.Equal(t, "9", p.status(cash))
	p.call("refund_Order", p.refundOf(insurance, "RF2", "HI", "", "12.00", "28.00", "40.00"))
	assert.Equal(t, "8", p.status(insurance))
}

func TestTheInsurancesPartGoesBackOnceEvenWhereItIsSmall(t *testing.T) {
	p := open(t)
	auth := p.authorised("h-renmin")
	fee := with(p.fee("REG1", auth), "inscpScpAmt", "10.00", "fulamtOwnpayAmt", "38.00")
	up := p.call("uldFeeInfo", fee)
	order := object{"payOrdId": up["payOrdId"], "payToken": up["payToken"], "payAuthNo": auth, "orgBizSer": "B", "chrgBchno": "C", "mdtrtId": "M"}
	p.call("pay_order", order)
	p.clear()
	p.eventually(func() bool { return p.status(order) == "6" })
	p.call("refund_Order", p.refundOf(order, "RF1", "HI", "", "3.00", "7.00", "10.00"))
	code, _ := p.code("refund_Order", p.refundOf(order, "RF2", "HI", "", "3.00", "7.00", "10.00"))
	assert.Equal(t, "3004", code)
}

func TestRefundsThatAreNotAllowed(t *testing.T) {
	p := open(t)
	unpaid := p.uploaded("REG1")
	refund := p.refundOf(unpaid, "RF1", "ALL", "10.00", "12.00", "28.00", "50.00")
	code, _ := p.code("refund_Order", refund)
	assert.Equal(t, "3003", code)
	order := p.settled("REG2")
	good := p.refundOf(order, "RF2", "ALL", "10.00", "12.00", "28.00", "50.00")
	for name, c := range map[string]struct {
		change []any
		code   string
	}{
		"two authorisations":           {[]any{"ecToken", "x"}, "2001"},
		"no authorisation":             {[]any{"payAuthNo", ""}, "2001"},
		"an unknown authorisation":     {[]any{"payAuthNo", "x"}, "2004"},
		"another order's":              {[]any{"payAuthNo", unpaid["payAuthNo"]}, "2006"},
		"an unknown order":             {[]any{"payOrdId", "x"}, "3001"},
		"an unknown kind":              {[]any{"refdType", "PART"}, "2001"},
		"a time that is none":          {[]any{"appRefdTime", "now"}, "2001"},
		"no number":                    {[]any{"appRefdSn", ""}, "2001"},
		"an amount that is no amount":  {[]any{"totlRefdAmt", "5e1"}, "2001"},
		"a negative amount":            {[]any{"cashRefdAmt", "-10.00"}, "2001"},
		"nothing":                      {[]any{"totlRefdAmt", "0", "cashRefdAmt", "", "psnAcctRefdAmt", "", "fundRefdAmt", ""}, "2002"},
		"an amount above every bound":  {[]any{"totlRefdAmt", "999999999.99"}, "2001"},
		"a total without its division": {[]any{"cashRefdAmt", ""}, "2002"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _ := p.code("refund_Order", with(good, c.change...))
			assert.Equal(t, c.code, code)
		})
	}
	code, _ = p.as("h-xiehe").code("refund_Order", good)
	assert.Equal(t, "3001", code)
	assert.Empty(t, p.books().Refunds)
}

func TestALostReplyOfARefundIsFoundInTwoWays(t *testing.T) {
	p := open(t)
	order := p.settled("REG1")
	refund := p.refundOf(order, "RF1", "ALL", "10.00", "12.00", "28.00", "50.00")
	require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{ReplyLost: sandbox.ReplyLostFault{Rate: 1, Operations: []string{"refund"}}}))
	_, err := p.send("refund_Order", p.seal(refund))
	require.Error(t, err)
	assert.Equal(t, "7", p.status(order))
	p.server.Faults().Heal()
	assert.Equal(t, "SUCC", p.call("refund_Order", refund)["refStatus"])
	assert.Len(t, p.books().Refunds, 1)
}

func TestRefundResultsCanBeInjected(t *testing.T) {
	p := open(t)
	order := p.settled("REG1")
	refund := p.refundOf(order, "RF1", "ALL", "10.00", "12.00", "28.00", "50.00")
	for _, result := range []string{"FAIL", "EXP"} {
		require.NoError(t, p.server.Faults().Set(sandbox.FaultSpec{
			Error: sandbox.ErrorFault{Rate: 1, Code: result, Operations: []string{"refund"}}}))
		assert.Equal(t, result, p.call("refund_Order", refund)["refStatus"])
		assert.Empty(t, p.books().Refunds)
	}
	p.server.Faults().Heal()
	assert.Equal(t, "SUCC", p.call("refund_Order", refund)["refStatus"])
}
