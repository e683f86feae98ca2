package unionpay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

func TestAPaidOrderIsNotifiedQueriedAndBooked(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260001", "3050")
	status, page := g.front(order)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "30.50")

	unpaid := g.query("REG20260001", order["txnTime"])
	assert.Equal(t, "00", unpaid["respCode"])
	assert.Equal(t, "05", unpaid["origRespCode"])
	assert.Empty(t, unpaid["queryId"])

	g.patient("REG20260001", sandbox.Pay)
	g.eventually(func() bool { return len(g.notes.list()) == 1 })
	note := g.notes.list()[0]
	assert.True(t, g.verified(note))
	assert.Equal(t, "00", note["respCode"])
	assert.Equal(t, "3050", note["txnAmt"])
	assert.Equal(t, "3050", note["settleAmt"])
	assert.Equal(t, "0302", note["settleDate"])
	assert.Equal(t, g.on.MerID, note["merId"])

	asked := g.query("REG20260001", order["txnTime"])
	assert.Equal(t, "00", asked["origRespCode"])
	assert.Equal(t, note["queryId"], asked["queryId"])
	assert.Equal(t, "01", asked["txnType"])

	charges := g.books().Charges
	require.Len(t, charges, 1)
	assert.Equal(t, sandbox.ChargeCaptured, charges[0].State)
	assert.Equal(t, "h-renmin", charges[0].Hospital)
	assert.Equal(t, "REG20260001", charges[0].MerchantNo)
	assert.Equal(t, note["queryId"], charges[0].ChannelNo)
	assert.EqualValues(t, 3050, charges[0].CapturedFen)
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		change []string
		sign   bool
		code   string
	}{
		"another version":                     {[]string{"version", "5.0.0"}, true, "10"},
		"another encoding":                    {[]string{"encoding", "GBK"}, true, "10"},
		"an unknown merchant":                 {[]string{"merId", "777290058999999"}, true, "31"},
		"a certificate that is not its own":   {[]string{"certId", "12345"}, true, "11"},
		"no signature":                        {[]string{"signature", ""}, false, "13"},
		"a signature that is not base64":      {[]string{"signature", "!!"}, false, "11"},
		"an amount changed after the signing": {[]string{"txnAmt", "1"}, false, "11"},
		"a field added after the signing":     {[]string{"reqReserved", "x"}, false, "11"},
		"a missing time":                      {[]string{"txnTime", ""}, true, "13"},
		"a time that is no time":              {[]string{"txnTime", "20260230000000"}, true, "10"},
		"a time of another format":            {[]string{"txnTime", "2026-03-02T10"}, true, "10"},
		"a time of the day before yesterday":  {[]string{"txnTime", "20260301095959"}, true, "10"},
		"a time ahead":                        {[]string{"txnTime", "20260302101600"}, true, "10"},
		"a short order number":                {[]string{"orderId", "REG2026"}, true, "10"},
		"a long order number":                 {[]string{"orderId", strings.Repeat("9", 41)}, true, "10"},
		"an order number with a dash":         {[]string{"orderId", "REG-20260001"}, true, "10"},
		"an amount in yuan":                   {[]string{"txnAmt", "30.50"}, true, "10"},
		"a negative amount":                   {[]string{"txnAmt", "-1"}, true, "10"},
		"an amount of zero":                   {[]string{"txnAmt", "0"}, true, "10"},
		"an amount with a leading zero":       {[]string{"txnAmt", "050"}, true, "10"},
		"an absurd amount":                    {[]string{"txnAmt", "100000001"}, true, "33"},
		"another currency":                    {[]string{"currencyCode", "840"}, true, "32"},
		"an unknown channel type":             {[]string{"channelType", "09"}, true, "10"},
		"another business":                    {[]string{"bizType", "000301"}, true, "32"},
		"no backUrl":                          {[]string{"backUrl", ""}, true, "13"},
		"a backUrl that is none":              {[]string{"backUrl", "ftp://x/y"}, true, "10"},
		"no frontUrl":                         {[]string{"frontUrl", ""}, true, "13"},
		"a refund at the front":               {[]string{"txnType", "04"}, true, "32"},
		"a payTimeout that has passed":        {[]string{"payTimeout", "20260302095959"}, true, "39"},
		"a payTimeout that is no time":        {[]string{"payTimeout", "soon"}, true, "10"},
	}
	g := open(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := g.payment("REG20260001", "3050")
			if c.sign {
				f = g.signed(f.with(c.change...))
			} else {
				f = g.signed(f).with(c.change...)
			}
			status, page, err := g.post("/gateway/api/frontTransReq.do", encode(f))
			require.NoError(t, err)
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, page, `data-resp-code="`+c.code+`"`)
		})
	}
	assert.Empty(t, g.books().Charges, "nothing was entered")
}

func TestBodiesThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	g := open(t)
	good := encode(g.signed(g.payment("REG20260001", "3050")))
	for name, body := range map[string]string{
		"a field twice":           good + "&txnAmt=1",
		"a field without a value": good + "&txnAmt",
		"a bad percent escape":    good + "&a=%zz",
		"not UTF-8":               good + "&a=%ff",
		"a strange name":          good + "&a.b=1",
		"empty":                   "",
		"too long":                good + "&a=" + strings.Repeat("x", 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			status, body, err := g.post("/gateway/api/backTransReq.do", body)
			require.NoError(t, err)
			require.Equal(t, 200, status)
			assert.Contains(t, []string{"10", "13"}, decode(t, body)["respCode"])
		})
	}
}

func TestTheSameOrderShowsTheSamePageUntilPaid(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260002", "100")
	_, first := g.front(order)
	_, again := g.front(order)
	assert.Equal(t, token(t, first), token(t, again))

	status, page := g.front(order.with("txnAmt", "101"))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, page, `data-resp-code="12"`)

	g.clock.Advance(time.Second)
	_, page = g.front(g.payment("REG20260002", "100"))
	assert.Contains(t, page, `data-resp-code="12"`, "the same number on the same day at another time")

	g.patient("REG20260002", sandbox.Pay)
	g.eventually(func() bool { return g.query("REG20260002", order["txnTime"])["origRespCode"] == "00" })
	_, page = g.front(order)
	assert.Contains(t, page, `data-resp-code="12"`, "paid")
	assert.Len(t, g.books().Charges, 1)
}

func TestAnAppOrderGetsATn(t *testing.T) {
	g := open(t)
	order := g.payment("APP20260001", "100").with("channelType", "08", "frontUrl", "")
	first := g.call("backTransReq", order)
	assert.Equal(t, "00", first["respCode"])
	assert.Regexp(t, `^\d{21}$`, first["tn"])
	assert.Equal(t, first["tn"], g.call("appTransReq", order)["tn"])
	assert.Equal(t, "32", g.call("backTransReq", order.with("channelType", "07"))["respCode"])

	require.NoError(t, g.env.Patients.Instruct(sandbox.Instruction{Channel: "unionpay", Token: first["tn"], Behaviour: sandbox.Pay}))
	g.eventually(func() bool { return len(g.notes.list()) == 1 })
}

func TestAnOrderCannotBePaidAfterPayTimeout(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260003", "100").with("payTimeout", g.stamp(10*time.Minute))
	_, page := g.front(order)
	g.clock.Advance(10 * time.Minute)
	for _, behaviour := range []sandbox.Behaviour{sandbox.Pay, sandbox.PayLate, sandbox.PayTwice} {
		err := g.server.PatientPays(t.Context(), sandbox.Order{Token: token(t, page)}, behaviour)
		assert.Error(t, err)
	}
	assert.Equal(t, "69", g.query("REG20260003", order["txnTime"])["origRespCode"])
	assert.Equal(t, sandbox.ChargeClosed, g.books().Charges[0].State)
	assert.Empty(t, g.notes.list())
}

func TestTheBooksCloseExpiredOrdersByThemselves(t *testing.T) {
	g := open(t)
	g.front(g.payment("REG20260004", "100").with("payTimeout", g.stamp(time.Minute)))
	assert.Equal(t, sandbox.ChargeOpen, g.books().Charges[0].State)
	g.clock.Advance(time.Minute)
	assert.Equal(t, sandbox.ChargeClosed, g.books().Charges[0].State)
}

func TestALatePatientPaysWhileThereIsTime(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260005", "100").with("payTimeout", g.stamp(10*time.Minute))
	g.front(order)
	g.clock.Advance(9 * time.Minute)
	g.patient("REG20260005", sandbox.PayLate)
	g.eventually(func() bool { return len(g.notes.list()) == 1 })
}

func TestAFailedPaymentIsNotNotified(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260006", "100")
	_, page := g.front(order)
	g.patient("REG20260006", sandbox.Fail)
	g.eventually(func() bool { return g.query("REG20260006", order["txnTime"])["origRespCode"] == "64" })
	require.Error(t, g.server.PatientPays(t.Context(), sandbox.Order{Token: token(t, page)}, sandbox.Pay))
	require.Error(t, g.server.PatientPays(t.Context(), sandbox.Order{Token: "none"}, sandbox.Pay))
	assert.Equal(t, sandbox.ChargeFailed, g.books().Charges[0].State)
	assert.Empty(t, g.notes.list())
}

func TestAPatientWhoPaysTwiceMakesTwoTransactions(t *testing.T) {
	g := open(t)
	order := g.payment("REG20260007", "100")
	g.front(order)
	g.patient("REG20260007", sandbox.PayTwice)
	g.eventually(func() bool { return len(g.notes.list()) == 2 })
	notes := g.notes.list()
	assert.NotEqual(t, notes[0]["queryId"], notes[1]["queryId"])
	assert.Equal(t, notes[0]["orderId"], notes[1]["orderId"])
	charges := g.books().Charges
	require.Len(t, charges, 2)
	assert.Equal(t, charges[0].ChannelNo, g.query("REG20260007", order["txnTime"])["queryId"], "the first is asked for by order")
	assert.Equal(t, "34", g.call("queryTrans", g.base("00", "02", "").with("queryId", "1"))["respCode"])
	assert.Equal(t, "00", g.call("queryTrans", g.base("00", "00", "REG20260007").with("txnTime", order["txnTime"]))["respCode"])
	for _, c := range charges {
		assert.EqualValues(t, 100, c.CapturedFen)
		reply := g.call("queryTrans", g.base("00", "02", "").with("txnTime", "", "queryId", c.ChannelNo))
		assert.Equal(t, c.ChannelNo, reply["queryId"])
		assert.Equal(t, order["orderId"], reply["orderId"])
		back := g.call("backTransReq", g.refund("RF"+c.ChannelNo, "100", c.ChannelNo))
		assert.Equal(t, "00", back["respCode"])
	}
}

func TestTheCashiersPageCanBePaidByHand(t *testing.T) {
	g := open(t)
	_, page := g.front(g.payment("REG20260008", "100"))
	status, done, err := g.post("/gateway/cashier", encode(fields{"token": token(t, page), "behaviour": "pay"}))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Contains(t, done, `data-resp-code="00"`)
	assert.Contains(t, done, `action="http://127.0.0.1:1/front"`)
	g.eventually(func() bool { return len(g.notes.list()) == 1 })
	status, _, err = g.post("/gateway/cashier", encode(fields{"token": token(t, page), "behaviour": "pay"}))
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, status)
	status, _, err = g.post("/gateway/cashier", encode(fields{"token": "guess", "behaviour": "pay"}))
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, status)
}

func TestAnUnknownOrderIs34(t *testing.T) {
	g := open(t)
	assert.Equal(t, "34", g.query("REG20269999", g.stamp(0))["respCode"])
	forged := g.signed(g.base("00", "00", "REG20269999")).with("orderId", "REG20260001")
	assert.Equal(t, "11", g.callAsIs("queryTrans", forged)["respCode"])
}

func TestRawRepliesAreSignedTheSame(t *testing.T) {
	g := open(t)
	g.server.RawReplies = true
	_, body, err := g.post("/gateway/api/queryTrans.do", encode(g.signed(g.base("00", "00", "REG20269999"))))
	require.NoError(t, err)
	f := fields{}
	for pair := range strings.SplitSeq(body, "&") {
		k, v, _ := strings.Cut(pair, "=")
		f[k] = v
	}
	assert.Equal(t, "34", f["respCode"])
	assert.True(t, g.verified(f))
}
