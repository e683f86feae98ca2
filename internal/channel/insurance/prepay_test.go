package insurance

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

func TestPrepayUploadsThenOrders(t *testing.T) {
	w := newWorld(t)
	got, err := w.client.Prepay(context.Background(), charge())
	require.NoError(t, err)
	require.Equal(t, []string{"/uldFeeInfo", "/pay_order"}, w.paths())
	require.Equal(t, channel.InClearing, got.Report.State)
	require.Equal(t, "ORD20260302A02", got.Report.MerchantNo)
	require.JSONEq(t, kept(charge()).Handle, got.Handle)
	require.Empty(t, got.Pay)

	up := w.data(0)
	for k, want := range map[string]string{
		"orgCodg": "H11010100001", "medOrgOrd": "ORD20260302A02", "payAuthNo": "AUTH1", "psnNo": "P1",
		"medfeeSumamt": "25.50", "fulamtOwnpayAmt": "5.50", "inscpScpAmt": "20.00", "preselfpayAmt": "0.00",
		"acctUsedFlag": "1", "medType": "12", "begntime": "2026-03-02 12:00:00", "idType": "01", "idNo": testID,
	} {
		require.Equal(t, want, up[k], k)
	}
	require.NotContains(t, up, "ecToken")
	require.Equal(t, map[string]any{"notifyUrl": w.cfg.NotifyURL}, up["extData"])
	sum := money.Fen(0)
	for _, d := range up["feedetailList"].([]any) {
		m, err := yuan(d.(map[string]any), "detItemFeeSumamt")
		require.NoError(t, err)
		sum, err = sum.Add(m)
		require.NoError(t, err)
	}
	require.True(t, sum.Equal(charge().Total), "the details sum to medfeeSumamt")

	pay := w.data(1)
	for k, want := range map[string]string{
		"payOrdId": "ORD110000202603021200001", "payToken": "TK1", "payAuthNo": "AUTH1",
		"orgBizSer": "ORD20260302A02", "chrgBchno": "ORD20260302A02", "mdtrtId": "V9",
	} {
		require.Equal(t, want, pay[k], k)
	}
}

// claims is a reply to 6202 that says by ordStas what became of the order.
func claims(stas string) map[string]any {
	reply := ordered()
	reply["ordStas"] = stas
	return reply
}

// settledAs is 6301's answer with a field changed.
func settledAs(field, value string) map[string]any {
	reply := settledReply("6")
	reply[field] = value
	return reply
}

func TestASettlementWithinTheCallIsConfirmedAtOnce(t *testing.T) {
	for _, stas := range []string{"3", "4", "5", "6"} {
		w := newWorld(t)
		reply := claims(stas)
		// What the reply says of amounts and times is not what is reported.
		reply["feeSumamt"], reply["ownPayAmt"], reply["psnAcctPay"], reply["fundPay"] = "25.50", "25.50", "0.00", "0.00"
		w.on(pathPay, reply)
		got, err := w.client.Prepay(context.Background(), charge())
		require.NoError(t, err, stas)
		require.Equal(t, []string{"/uldFeeInfo", "/pay_order", "/query_order_info"}, w.paths(), stas)
		require.JSONEq(t, kept(charge()).Handle, got.Handle)
		asked, err := w.client.Query(context.Background(), kept(charge()))
		require.NoError(t, err)
		require.Equal(t, asked, got.Report, "as a query reports it")
		require.Equal(t, channel.Captured, got.Report.State)
		require.True(t, money.Fen(2000).Equal(got.Report.Captured))
		require.True(t, money.Fen(550).Equal(got.Report.Split.Own))
		require.Equal(t, "ORD110000202603021200001", got.Report.ChannelNo)
		require.True(t, got.Report.CapturedAt.Equal(noon.Add(90*time.Second)))
	}
}

func TestASettlementThatNobodyConfirmsIsClearing(t *testing.T) {
	for rule, answer := range map[string]any{
		"in progress":                  settledReply("2"),
		"only the own part is paid":    settledReply("3"),
		"failed":                       settledReply("15"),
		"revoked":                      settledReply("12"),
		"asks for a person":            settledReply("20"),
		"no state":                     map[string]any{"payOrdId": "ORD110000202603021200001"},
		"no answer":                    lost(""),
		"a broken gateway":             status(502),
		"a rate limit":                 status(429),
		"refused":                      refusal("E1"),
		"refused by nobody":            unsignedNo("501"),
		"another order":                settledAs("payOrdId", "ANOTHER"),
		"another number":               settledAs("medOrgOrd", "ANOTHER"),
		"parts that do not add up":     settledAs("fundPay", "12.01"),
		"another sum that does add up": func() any { o := settledAs("fundPay", "12.01"); o["feeSumamt"] = "25.51"; return o }(),
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathPay, claims("6"))
			w.on(pathQuery, answer)
			got, err := w.client.Prepay(context.Background(), charge())
			require.NoError(t, err, "the pay order was accepted")
			require.Equal(t, []string{"/uldFeeInfo", "/pay_order", "/query_order_info"}, w.paths(), "asked once")
			require.JSONEq(t, kept(charge()).Handle, got.Handle)
			require.Equal(t, channel.Report{
				MerchantNo: "ORD20260302A02", State: channel.InClearing, ChannelNo: "ORD110000202603021200001", Code: "6",
			}, got.Report)
		})
	}
}

func TestAnotherDivisionOfTheWholeIsForTheCallerToJudge(t *testing.T) {
	w := newWorld(t)
	reply := settledAs("fundPay", "11.00")
	reply["ownPayAmt"] = "6.50"
	w.on(pathPay, claims("6"))
	w.on(pathQuery, reply)
	got, err := w.client.Prepay(context.Background(), charge())
	require.NoError(t, err)
	require.Equal(t, channel.Captured, got.Report.State)
	require.True(t, money.Fen(1900).Equal(got.Report.Captured))
}

func TestNothingMoreIsAskedOfAnOrderThatDoesNotClaimToBeSettled(t *testing.T) {
	replies := map[string]map[string]any{"nothing": ordered(), "what is no state": claims("paid")}
	delete(replies["nothing"], "ordStas")
	for _, stas := range []string{"0", "1", "2", "7", "8", "9", "12", "13", "14", "15", "17", "25", "60"} {
		replies[stas] = claims(stas)
	}
	for rule, reply := range replies {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathPay, reply)
			got, err := w.client.Prepay(context.Background(), charge())
			require.NoError(t, err)
			require.Equal(t, []string{"/uldFeeInfo", "/pay_order"}, w.paths())
			require.Equal(t, channel.InClearing, got.Report.State)
		})
	}
}

// hangs is a transport on which a path is never answered. It keeps when the
// request would be given up instead of waiting for it.
type hangs struct {
	path     string
	deadline time.Time
}

func (h *hangs) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, h.path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	h.deadline, _ = r.Context().Deadline()
	return nil, context.DeadlineExceeded
}

func TestAQueryThatHangsLeavesTheCallerTimeToWriteDownWhatWasAccepted(t *testing.T) {
	stuck := &hangs{path: pathQuery}
	w := newWorld(t, func(c *Config) { c.Transport = stuck })
	w.on(pathPay, claims("6"))
	begun := time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), begun.Add(10*time.Second))
	defer cancel()
	got, err := w.client.Prepay(ctx, charge())
	require.NoError(t, err)
	require.Equal(t, channel.InClearing, got.Report.State)
	left := begun.Add(10 * time.Second).Sub(stuck.deadline)
	took := time.Since(begun)
	require.GreaterOrEqual(t, left, (10*time.Second-took)/2, "half of what was left when it was asked")
	require.LessOrEqual(t, left, 5*time.Second)
}

func TestTheUploadIsTheSameWhenItIsRepeated(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.Prepay(context.Background(), charge())
	require.NoError(t, err)
	w.clock = noon.Add(time.Hour)
	_, err = w.client.Query(context.Background(), charge())
	require.NoError(t, err)
	require.Equal(t, []string{"/uldFeeInfo", "/pay_order", "/uldFeeInfo", "/query_order_info"}, w.paths())
	require.Equal(t, w.data(0), w.data(2))
}

func TestProvincesCanAddFieldsAndReplaceConstants(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.ExtraUpload = map[string]string{"medType": "11", "uldLatlnt": "116.3,39.9", "medfeeSumamt": "0.01", "acctUsedFlag": "0"}
		c.PathPrefix = "/prov/api/"
		c.Version = "2.0.1"
	})
	ch := charge()
	ch.PayAuthNo, ch.ECToken = "", "EC1"
	_, err := w.client.Prepay(context.Background(), ch)
	require.NoError(t, err)
	up := w.data(0)
	require.Equal(t, "11", up["medType"])
	require.Equal(t, "116.3,39.9", up["uldLatlnt"])
	require.Equal(t, "25.50", up["medfeeSumamt"], "what is computed is not replaced")
	require.Equal(t, "EC1", up["ecToken"])
	require.NotContains(t, up, "payAuthNo")
	require.Equal(t, "0", w.data(1)["acctUsedFlag"])
	require.True(t, strings.HasSuffix(w.client.base, "/prov/api"))
}

func TestARepeatNeverOrdersTwice(t *testing.T) {
	const up, pay, query = "/uldFeeInfo", "/pay_order", "/query_order_info"
	for _, tc := range []struct {
		rule    string
		handle  bool
		queries []any
		pays    []any
		calls   []string
		state   channel.State
		kind    payment.Kind
	}{
		{"an order that is being settled is left alone", true, []any{settledReply("2")}, nil, []string{query}, channel.InClearing, ""},
		{"so is a settled one", true, []any{settledReply("6")}, nil, []string{query}, channel.Captured, ""},
		{"and a failed one", true, []any{settledReply("15")}, nil, []string{query}, channel.Declined, ""},
		{"an upload without a pay order gets one", true, []any{settledReply("0")}, []any{ordered()}, []string{query, pay}, channel.InClearing, ""},
		{"which may settle in the call", true, []any{settledReply("0"), settledReply("6")}, []any{claims("6")}, []string{query, pay, query}, channel.Captured, ""},
		{"or claim so alone", true, []any{settledReply("0"), lost("")}, []any{claims("6")}, []string{query, pay, query}, channel.InClearing, ""},
		{"without a handle the upload is repeated to learn it", false, []any{settledReply("1")}, nil, []string{up, query}, channel.InClearing, ""},
		{"no pay order while the query is without an answer", true, []any{lost("")}, nil, []string{query}, "", payment.Uncertain},
		{"nor after a refused query", true, []any{refusal("E1")}, nil, []string{query}, "", payment.Uncertain},
		{"a refusal because the first one came in late is not a failure", true, []any{settledReply("0"), settledReply("2")}, []any{refusal("DUP")},
			[]string{query, pay, query}, channel.InClearing, ""},
		{"a true refusal is", true, []any{settledReply("0")}, []any{refusal("E2")}, []string{query, pay, query}, "", payment.Final},
		{"a lost reply is asked for again later", true, []any{settledReply("0")}, []any{lost("")}, []string{query, pay}, "", payment.Uncertain},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t)
			w.on(pathQuery, tc.queries...)
			w.on(pathPay, tc.pays...)
			ch := charge()
			ch.Repeat = true
			if tc.handle {
				ch = kept(ch)
			}
			got, err := w.client.Prepay(context.Background(), ch)
			require.Equal(t, tc.calls, w.paths())
			require.JSONEq(t, kept(charge()).Handle, got.Handle, "the handle is there beside an error too")
			if tc.kind != "" {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.state, got.Report.State)
		})
	}
}

func TestAHandleAloneMakesARepeat(t *testing.T) {
	w := newWorld(t)
	_, err := w.client.Prepay(context.Background(), kept(charge()))
	require.NoError(t, err)
	require.Equal(t, []string{"/query_order_info"}, w.paths())
}

func TestEveryFailureIsSorted(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		path   string
		answer any
		repeat bool
		want   payment.Kind
		code   string
	}{
		{"a refused upload is final", pathUpload, refusal("6201-7"), false, payment.Final, "6201-7"},
		{"an unsigned refusal of the first upload is final: it moved no money", pathUpload, unsignedNo("501"), false, payment.Final, "501"},
		{"a refused repeat of it is unknown: the first may have gone on", pathUpload, refusal("6201-7"), true, payment.Uncertain, "6201-7"},
		{"a refused pay order is final", pathPay, refusal("6202-1"), false, payment.Final, "6202-1"},
		{"an unsigned refusal of it is unknown", pathPay, unsignedNo("501"), false, payment.Uncertain, "501"},
		{"busy can be asked again", pathPay, refusal("BUSY"), false, payment.Retryable, "BUSY"},
		{"a rate limit can be asked again", pathUpload, status(429), false, payment.Retryable, "http_429"},
		{"a broken gateway is unknown", pathPay, status(502), false, payment.Uncertain, "http_502"},
		{"a page is unknown", pathPay, status(200), false, payment.Uncertain, "bad_reply"},
		{"a lost reply is unknown", pathPay, lost(""), false, payment.Uncertain, "no_answer"},
		{"an upload without a token is unknown", pathUpload, map[string]any{"payOrdId": "X"}, false, payment.Uncertain, "bad_reply"},
		{"a pay order of something else is unknown", pathPay, map[string]any{"payOrdId": "X"}, false, payment.Uncertain, "mismatch"},
		{"a code that is no code is not passed on", pathPay, refusal("张三 110101199003077475"), false, payment.Final, "other"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.BusyCodes = []string{"BUSY"} })
			w.on(tc.path, tc.answer)
			ch := charge()
			ch.Repeat = tc.repeat
			_, err := w.client.Prepay(context.Background(), ch)
			require.Equal(t, tc.want, kindOf(t, err), "%v", err)
			require.Equal(t, tc.code, payment.CodeOf(err))
		})
	}
	t.Run("a reply with another signature is unknown", func(t *testing.T) {
		w := newWorld(t)
		w.wrap = func(env map[string]any) { env["version"] = "2.0.2" }
		_, err := w.client.Prepay(context.Background(), charge())
		require.Equal(t, payment.Uncertain, kindOf(t, err))
	})
	t.Run("a refused connection can be asked again", func(t *testing.T) {
		w := newWorld(t)
		w.srv.Close()
		_, err := w.client.Prepay(context.Background(), charge())
		require.Equal(t, payment.Retryable, kindOf(t, err))
	})
	t.Run("a context that is over before the call sends nothing", func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := w.client.Prepay(ctx, charge())
		require.Equal(t, payment.Retryable, kindOf(t, err))
		require.Empty(t, w.paths())
	})
}

func TestPrepayRefusesWhatCannotBeUploaded(t *testing.T) {
	for rule, change := range map[string]func(*channel.Charge){
		"more than the total":  func(c *channel.Charge) { c.Amount = money.Fen(2551) },
		"nothing":              func(c *channel.Charge) { c.Amount = money.Fen(0) },
		"another currency":     func(c *channel.Charge) { c.Total = money.Minor(2550, money.HKD) },
		"no authorisation":     func(c *channel.Charge) { c.PayAuthNo = "" },
		"two authorisations":   func(c *channel.Charge) { c.ECToken = "EC1" },
		"a passport":           func(c *channel.Charge) { c.Payer.IDType = payment.Passport },
		"fees that do not add": func(c *channel.Charge) { c.Fees = c.Fees[:1] },
		"a negative fee": func(c *channel.Charge) {
			c.Fees = []payment.Fee{{Code: "a", Name: "a", Amount: money.Fen(2600)}, {Code: "b", Name: "b", Amount: money.Fen(-50)}}
		},
		"a handle of something else": func(c *channel.Charge) { c.Handle = "tn" },
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			ch := charge()
			change(&ch)
			_, err := w.client.Prepay(context.Background(), ch)
			require.Equal(t, payment.Final, kindOf(t, err))
			require.Empty(t, w.paths())
		})
	}
}

func TestNewChecksItsKeys(t *testing.T) {
	w := newWorld(t)
	for rule, change := range map[string]func(*Config){
		"a short app id":       func(c *Config) { c.AppID = "43AF" },
		"no secret":            func(c *Config) { c.AppSecret = "" },
		"no organisation":      func(c *Config) { c.OrgCode = "" },
		"no private key":       func(c *Config) { c.PrivateKeyHex = "" },
		"a key that is no hex": func(c *Config) { c.PrivateKeyHex = "zz" },
		"a point off curve":    func(c *Config) { c.PlatformPublicKeyHex = "04" + strings.Repeat("11", 64) },
		"a relative address":   func(c *Config) { c.BaseURL = "/org" },
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := w.cfg
			change(&cfg)
			_, err := New(cfg)
			require.ErrorContains(t, err, "insurance of hospital h1")
		})
	}
	cfg := w.cfg
	cfg.PlatformPublicKeyHex = strings.TrimPrefix(cfg.PlatformPublicKeyHex, "04")
	_, err := New(cfg)
	require.NoError(t, err, "the point without its prefix")
}
