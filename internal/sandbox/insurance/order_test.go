package insurance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

func TestAFeeIsUploadedAcceptedClearedNotifiedAndBooked(t *testing.T) {
	p := open(t)
	order := p.uploaded("REG1")
	assert.Equal(t, "0", p.status(order))

	accepted := p.call("pay_order", order)
	assert.Contains(t, []any{"1", "2"}, accepted["ordStas"], "accepted is not paid")
	split := object{"feeSumamt": "50.00", "ownPayAmt": "10.00", "fundPay": "28.00", "psnAcctPay": "12.00"}
	for name, want := range split {
		assert.Equal(t, want, accepted[name], name)
		assert.Equal(t, want, accepted["extData"].(object)["preSetl"].(object)[name], name)
	}
	p.eventually(func() bool { return p.status(order) == "2" })
	assert.Equal(t, sandbox.ChargeClearing, p.books().Charges[0].State)
	assert.Empty(t, p.notes.list())

	p.clear()
	p.eventually(func() bool { return len(p.notes.list()) == 1 })
	_, note, ok := p.unseal(p.notes.list()[0])
	assert.True(t, ok)
	asked := p.call("query_order_info", p.identified(order))
	for _, out := range []object{note, asked} {
		assert.Equal(t, "6", out["ordStas"])
		assert.Equal(t, order["payOrdId"], out["payOrdId"])
		assert.Equal(t, "REG1", out["medOrgOrd"])
		assert.Equal(t, "28.00", out["fundPay"])
		assert.Equal(t, "ALL", out["setlType"])
		assert.NotEmpty(t, out["revsToken"])
	}
	assert.Equal(t, "02", note["callType"])
	assert.NotContains(t, note, "idNo", "a notice names nobody")

	charge := p.books().Charges[0]
	assert.Equal(t, sandbox.ChargeCaptured, charge.State)
	assert.Equal(t, "h-renmin", charge.Hospital)
	assert.Equal(t, "REG1", charge.MerchantNo)
	assert.Equal(t, order["payOrdId"], charge.ChannelNo)
	assert.EqualValues(t, 5000, charge.CapturedFen)
	assert.Equal(t, sandbox.Split{OwnFen: 1000, AccountFen: 1200, FundFen: 2800}, *charge.Split)
}

func TestAnOrderIsSettledInTheCallNotifiedAndBooked(t *testing.T) {
	p := open(t)
	p.settlesInCall(sandbox.InsuranceFault{})
	order := p.uploaded("REG1")
	settled := p.call("pay_order", order)
	assert.Zero(t, p.clock.Sleepers(), "nothing takes time")

	charge := p.books().Charges[0]
	assert.Equal(t, sandbox.ChargeCaptured, charge.State)
	assert.Equal(t, order["payOrdId"], charge.ChannelNo)
	assert.EqualValues(t, 5000, charge.CapturedFen)
	assert.Equal(t, sandbox.Split{OwnFen: 1000, AccountFen: 1200, FundFen: 2800}, *charge.Split)

	p.eventually(func() bool { return len(p.notes.list()) == 1 })
	_, note, ok := p.unseal(p.notes.list()[0])
	assert.True(t, ok)
	assert.Equal(t, "02", note["callType"])
	asked := p.call("query_order_info", p.identified(order))
	end := object{"ordStas": "6", "medOrgOrd": "REG1", "payOrdId": order["payOrdId"], "feeSumamt": "50.00",
		"ownPayAmt": "10.00", "fundPay": "28.00", "psnAcctPay": "12.00", "setlType": "ALL", "traceTime": p.stamp()}
	for _, out := range []object{settled, asked, note} {
		for name, want := range end {
			assert.Equal(t, want, out[name], name)
		}
		assert.Equal(t, asked["revsToken"], out["revsToken"])
	}
	assert.Equal(t, "28.00", settled["extData"].(object)["preSetl"].(object)["fundPay"])

	assert.Equal(t, "6", p.call("pay_order", order)["ordStas"], "again")
	p.env.Background.Close() // whatever was started has ended
	assert.Len(t, p.notes.list(), 1)
	assert.Len(t, p.books().Charges, 1)
}

func TestEnvelopesThatAreNotTheHospitals(t *testing.T) {
	p := open(t)
	good := p.seal(p.fee("REG1", p.authorised("h-renmin")))
	stale := func(by time.Duration) object {
		p.clock.Advance(-by)
		defer p.clock.Advance(by)
		return p.seal(p.fee("REG1", "x"))
	}
	stranger := *p
	stranger.key = p.as("h-xiehe").key
	for name, c := range map[string]struct {
		envelope object
		code     string
	}{
		"a stranger's key":                 {stranger.seal(p.fee("REG1", "x")), "1002"},
		"a timestamp changed":              {with(good, "timestamp", "20260302100001"), "1002"},
		"a field added":                    {with(good, "extra", "1"), "1002"},
		"a signature that is not one":      {with(good, "signData", "AAAA"), "1002"},
		"data of another message":          {with(good, "encData", p.seal(object{"a": "b"})["encData"]), "1002"},
		"lower-case hex":                   {with(good, "encData", strings.ToLower(good["encData"].(string))), "1001"},
		"half a block":                     {with(good, "encData", "00"), "1001"},
		"no hex":                           {with(good, "encData", "ZZ"), "1001"},
		"a timestamp eleven minutes old":   {stale(11 * time.Minute), "1004"},
		"a timestamp eleven minutes ahead": {stale(-11 * time.Minute), "1004"},
		"a timestamp in another format":    {with(good, "timestamp", "2026-03-02 10:00:00"), "1001"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := p.send("uldFeeInfo", c.envelope)
			require.NoError(t, err)
			envelope, _, ok := p.unseal(body)
			assert.True(t, ok, "a refusal is signed")
			assert.Equal(t, c.code, envelope["code"].(interface{ String() string }).String())
			assert.Equal(t, false, envelope["success"])
		})
	}
	for name, raw := range map[string]any{
		"an unknown application": with(good, "appId", strings.Repeat("0", 32)),
		"another version":        with(good, "version", "1.0.0"),
		"another cipher":         with(good, "encType", "AES"),
		"data in clear":          with(good, "data", object{}),
		"no signature":           with(good, "signData", ""),
		"a list":                 []any{},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := p.send("uldFeeInfo", raw)
			require.NoError(t, err)
			assert.Contains(t, string(body), `"success":false`)
			assert.NotContains(t, string(body), "signData")
		})
	}
	assert.Empty(t, p.books().Charges)
	body, err := p.send("uldFeeInfo", good)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"success":true`, "the envelope was good all along")
}

func TestUploadsThatDoNotAddUp(t *testing.T) {
	p := open(t)
	auth := p.authorised("h-renmin")
	for name, c := range map[string]struct {
		change []any
		code   string
	}{
		"details below the fee":              {[]any{"feedetailList", []any{object{"detItemFeeSumamt": "49.99"}}}, "2002"},
		"parts above the fee":                {[]any{"inscpScpAmt", "40.01"}, "2002"},
		"no details":                         {[]any{"feedetailList", []any{}}, "2001"},
		"a detail without an amount":         {[]any{"feedetailList", []any{object{}}}, "2001"},
		"a detail that is no object":         {[]any{"feedetailList", []any{"50.00"}}, "2001"},
		"a negative part":                    {[]any{"preselfpayAmt", "-2.00"}, "2001"},
		"three decimals":                     {[]any{"medfeeSumamt", "50.000"}, "2001"},
		"a fee of nothing":                   {[]any{"medfeeSumamt", "0.00"}, "2002"},
		"a wrong check character":            {[]any{"idNo", "110105194912310021"}, "2003"},
		"no identity number":                 {[]any{"idNo", ""}, "2001"},
		"another institution":                {[]any{"orgCodg", "H00000000000"}, "2001"},
		"a notifyUrl that is none":           {[]any{"extData", object{"notifyUrl": "javascript:1"}}, "2001"},
		"extData that is no JSON":            {[]any{"extData", "{"}, "2001"},
		"an account flag that is none":       {[]any{"acctUsedFlag", "2"}, "2001"},
		"no authorisation":                   {[]any{"payAuthNo", ""}, "2001"},
		"an unknown authorisation":           {[]any{"payAuthNo", strings.Repeat("A", 40)}, "2004"},
		"another person than authorised":     {[]any{"psnNo", "11000010000000002"}, "2004"},
		"an ecToken of another one as well":  {[]any{"ecToken", strings.Repeat("a", 64)}, "2004"},
		"an order number of sixty-five long": {[]any{"medOrgOrd", strings.Repeat("9", 65)}, "2001"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _ := p.code("uldFeeInfo", with(p.fee("REG1", auth), c.change...))
			assert.Equal(t, c.code, code)
		})
	}
	assert.Empty(t, p.books().Charges)
	p.call("uldFeeInfo", p.fee("REG1", auth))
}

func TestAmountsMayBeNumbersAndExtDataAString(t *testing.T) {
	p := open(t)
	out := p.call("uldFeeInfo", with(p.fee("REG1", p.authorised("h-renmin")), "medfeeSumamt", 50, "inscpScpAmt", 40.0,
		"feedetailList", []any{object{"detItemFeeSumamt": 50}}, "deptCode", nil, "extData", `{"notifyUrl":"`+p.notes.server.URL+`"}`))
	assert.Equal(t, "50.00", out["feeSumamt"])
}

func TestTheSameUploadGivesTheSameOrder(t *testing.T) {
	p := open(t)
	auth := p.authorised("h-renmin")
	first := p.call("uldFeeInfo", p.fee("REG1", auth))
	p.clock.Advance(time.Hour)
	again := p.call("uldFeeInfo", p.fee("REG1", auth))
	assert.Equal(t, first, again, "although the authorisation was used and has expired")
	code, _ := p.code("uldFeeInfo", with(p.fee("REG1", auth), "deptName", "x"))
	assert.Equal(t, "3002", code)
	assert.Len(t, p.books().Charges, 1)
}

func TestAnAuthorisationIsForOneOrderAndTenMinutes(t *testing.T) {
	p := open(t)
	used, late := p.authorised("h-renmin"), p.authorised("h-renmin")
	assert.Regexp(t, `^[0-9A-F]{40}$`, used)
	p.call("uldFeeInfo", p.fee("REG1", used))
	code, _ := p.code("uldFeeInfo", p.fee("REG2", used))
	assert.Equal(t, "2006", code)
	p.clock.Advance(10 * time.Minute)
	code, _ = p.code("uldFeeInfo", p.fee("REG3", late))
	assert.Equal(t, "2005", code)

	status, _ := p.adminDo("POST", "/insurance/auth", object{"hospital": "h-nowhere", "psn_no": psnNo})
	assert.Equal(t, 400, status)
	p.as("h-xiehe")
	elsewhere := p.authorised("h-xiehe")
	code, _ = p.code("uldFeeInfo", p.fee("REG4", elsewhere))
	assert.Equal(t, "2004", code)
}

func TestAnEcTokenAuthorisesToo(t *testing.T) {
	p := open(t)
	_, auth := p.adminDo("POST", "/insurance/auth", object{"hospital": "h-renmin", "psn_no": psnNo, "id_no": patientID})
	fee := with(p.fee("REG1", ""), "ecToken", auth["ecToken"])
	p.call("uldFeeInfo", fee)
	code, _ := p.code("uldFeeInfo", p.fee("REG2", auth["payAuthNo"].(string)))
	assert.Equal(t, "2006", code, "both names are one authorisation")
}

func TestPayOrderTwiceClearsOnce(t *testing.T) {
	p := open(t)
	order := p.uploaded("REG1")
	p.call("pay_order", order)
	p.call("pay_order", order)
	p.clear()
	p.eventually(func() bool { return p.status(order) == "6" })
	assert.Equal(t, "6", p.call("pay_order", order)["ordStas"])
	p.eventually(func() bool { return len(p.notes.list()) == 1 })
	p.env.Background.Close() // whatever was started has ended
	assert.Len(t, p.notes.list(), 1)
}

func TestPayOrderNeedsTheOrdersCredentials(t *testing.T) {
	p := open(t)
	order := p.uploaded("REG1")
	for name, c := range map[string]struct {
		change []any
		code   string
	}{
		"another token":            {[]any{"payToken", "x"}, "3001"},
		"an unknown order":         {[]any{"payOrdId", "ORD1"}, "3001"},
		"no visit":                 {[]any{"mdtrtId", ""}, "2001"},
		"no authorisation":         {[]any{"payAuthNo", ""}, "2001"},
		"an unknown authorisation": {[]any{"payAuthNo", "x"}, "2004"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _ := p.code("pay_order", with(order, c.change...))
			assert.Equal(t, c.code, code)
		})
	}
	assert.Equal(t, "0", p.status(order))
	code, _ := p.as("h-xiehe").code("pay_order", order)
	assert.Equal(t, "3001", code, "another hospital's order does not exist")
	p.call("pay_order", with(order, "payAuthNo", p.authorised("h-renmin")))
}

func TestQueriesNeedThePatientsData(t *testing.T) {
	p := open(t)
	order := p.identified(p.uploaded("REG1"))
	for name, change := range map[string][]any{"idNo": {"idNo", "440524188001010014"}, "userName": {"userName", "测试乙"}, "idType": {"idType", "02"}} {
		t.Run(name, func(t *testing.T) {
			code, out := p.code("query_order_info", with(order, change...))
			assert.Equal(t, "2003", code)
			assert.Empty(t, out)
		})
	}
}

func TestRevokeTakesBackWhatHasNotCleared(t *testing.T) {
	p := open(t)
	uploaded := p.uploaded("REG1")
	p.call("revoke_order", p.identified(uploaded))
	assert.Equal(t, "12", p.status(uploaded))
	p.call("revoke_order", p.identified(uploaded))
	code, _ := p.code("pay_order", uploaded)
	assert.Equal(t, "3003", code)
	assert.Equal(t, sandbox.ChargeClosed, p.books().Charges[0].State)

	abandoned := p.uploaded("REG2")
	p.instruct("REG2", sandbox.Abandon)
	p.call("pay_order", abandoned)
	p.call("revoke_order", p.identified(abandoned))
	require.Error(t, p.server.PatientPays(t.Context(), sandbox.Order{Token: abandoned["payOrdId"].(string)}, sandbox.Pay))
	assert.Equal(t, "12", p.status(abandoned))

	clearing := p.uploaded("REG3")
	p.call("pay_order", clearing)
	p.eventually(func() bool { return p.status(clearing) == "2" })
	code, _ = p.code("revoke_order", p.identified(clearing))
	assert.Equal(t, "3003", code)
	p.clear()
	p.eventually(func() bool { return p.status(clearing) == "6" })
	code, _ = p.code("revoke_order", p.identified(clearing))
	assert.Equal(t, "3003", code)
}
