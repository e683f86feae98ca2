package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// backendAPI answers by method and path, and keeps what was sent.
type backendAPI struct {
	*httptest.Server
	answers map[string]any
	sent    map[string]string
}

func serving(t *testing.T, answers map[string]any) (*backendAPI, *client.Client) {
	b := &backendAPI{answers: answers, sent: map[string]string{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Method + " " + r.URL.Path
		body, _ := io.ReadAll(r.Body)
		b.sent[key] = string(body)
		v, ok := b.answers[key]
		if !ok {
			v = &wire.Problem{Status: 404, Code: payment.CodeNotFound, Detail: "There is no such payment."}
		}
		if p, bad := v.(*wire.Problem); bad {
			w.WriteHeader(p.Status)
		}
		_ = json.NewEncoder(w).Encode(v)
	}))
	t.Cleanup(b.Close)
	api, err := client.New(client.Config{BaseURL: b.URL, APIKey: "rp_x",
		Wait: func(context.Context, time.Duration) error { return nil }})
	require.NoError(t, err)
	return b, api
}

func paid() wire.Payment {
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	return wire.Payment{PaymentID: "pay_1", HospitalID: "ren-he", OrderNo: "R20260105000001", Status: payment.Completed,
		Method: payment.ByMixed, AmountFen: 5000, CapturedFen: 5000, PayBy: at, CreatedAt: at, SlotAt: at,
		Patient: wire.Masked{Name: "张*", Phone: "138****0000"}, Department: "心内科", Doctor: "王医生",
		Voucher: &wire.Voucher{Code: "23456789ABCD", State: wire.VoucherPaid},
		Tenders: []wire.Tender{
			{Attempt: 1, Channel: payment.WeChat, Scene: payment.JSAPI, State: channel.Captured, AmountFen: 2000, CapturedFen: 2000, MerchantNo: "N1"},
			{Attempt: 2, Channel: payment.Insurance, State: channel.Captured, AmountFen: 3000, CapturedFen: 3000, MerchantNo: "N2"},
		}}
}

func text() (terminal, *bytes.Buffer) {
	var b bytes.Buffer
	return terminal{out: &b}, &b
}

func TestShowWritesATableInYuan(t *testing.T) {
	_, api := serving(t, map[string]any{
		"GET /v1/payments/pay_1":          paid(),
		"GET /v1/payments/pay_1/timeline": wire.Timeline{Items: []wire.Event{{Action: "captured", Actor: "workflow", Detail: map[string]string{"b": "2", "a": "1"}}}},
		"GET /v1/payments/pay_1/refunds": wire.Refunds{Items: []wire.Refund{{RefundNo: "F1", State: channel.RefundProcessing, AmountFen: 100, Key: "k",
			ExpectedBy: time.Date(2026, 1, 14, 15, 59, 59, 0, time.UTC)}}},
	})
	out, b := text()
	require.NoError(t, showCommand{Payment: "pay_1", Timeline: true, Refunds: true}.run(t.Context(), api, out))
	for _, want := range []string{"¥50.00 by mixed", "wechat jsapi", "¥30.00", "心内科", "23456789ABCD (paid)", "a=1 b=2", "F1", "expected by", clock(time.Date(2026, 1, 14, 15, 59, 59, 0, time.UTC))} {
		require.Contains(t, b.String(), want)
	}
}

func TestShowFindsAnOrder(t *testing.T) {
	b, api := serving(t, map[string]any{
		"GET /v1/payments":       wire.Page{Items: []wire.Payment{paid()}},
		"GET /v1/payments/pay_1": paid(),
	})
	var out bytes.Buffer
	require.NoError(t, showCommand{Payment: "R20260105000001"}.run(t.Context(), api, terminal{out: &out, json: true}))
	var got shown
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, "pay_1", got.PaymentID)

	b.answers["GET /v1/payments"] = wire.Page{Items: []wire.Payment{}}
	require.Equal(t, exitNotFound, exitCode(showCommand{Payment: "R2"}.run(t.Context(), api, terminal{out: io.Discard})))
	b.answers["GET /v1/payments"] = wire.Page{Items: []wire.Payment{paid(), paid()}}
	require.Equal(t, exitUsage, exitCode(showCommand{Payment: "R2"}.run(t.Context(), api, terminal{out: io.Discard})))
}

func TestExitCodesTellWhatHappened(t *testing.T) {
	for want, p := range map[int]*wire.Problem{
		exitNotFound: {Status: 404, Code: payment.CodeNotFound}, exitConflict: {Status: 409, Code: payment.CodeState},
		exitFailed: {Status: 422, Code: payment.CodeAmount}, exitUnavailable: {Status: 503, Code: "unavailable"},
	} {
		var err error = p
		if p.Status == 503 {
			err = &client.Unreachable{Err: p}
		}
		require.Equal(t, want, exitCode(told(err)), p.Code)
	}
	require.NoError(t, told(nil))
	require.Equal(t, exitFailed, exitCode(errors.New("other")))
	err := told(&wire.Problem{Status: 422, Code: "x", Detail: "wrong", Errors: []wire.FieldError{{Field: "order.fees", Detail: "do not add up"}}})
	require.Equal(t, "wrong (x)\n  order.fees: do not add up", err.Error())
}

func TestPayReadsAFileAndPrintsWhatIsNeeded(t *testing.T) {
	b, api := serving(t, map[string]any{"POST /v1/payments": wire.Answer{PaymentID: "pay_1", Status: payment.AwaitingPayment, AmountFen: 5000,
		Tender: &wire.Pay{Channel: payment.WeChat, Scene: payment.Native, AmountFen: 5000, Pay: map[string]string{"code_url": "weixin://x"}}}})
	file := filepath.Join(t.TempDir(), "request.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"order":{"order_no":"R1","amount_fen":5000},"choice":{"method":"wechat"}}`), 0o600))
	out, text := text()
	require.NoError(t, payCommand{File: file}.run(t.Context(), api, out))
	require.Contains(t, text.String(), "weixin://x")
	require.Contains(t, text.String(), "¥50.00 by wechat native")
	require.Contains(t, b.sent["POST /v1/payments"], `"order_no":"R1"`)
}

func TestPayRefusesAFileThatIsNoRequest(t *testing.T) {
	_, api := serving(t, nil)
	for name, in := range map[string]string{"half": `{"order":`, "misspelt": `{"ordr":{}}`, "two": `{} {}`, "nothing": ``} {
		err := payCommand{File: "-"}.run(t.Context(), api, terminal{out: io.Discard, in: strings.NewReader(in)})
		require.Equal(t, exitUsage, exitCode(err), name)
	}
	require.Equal(t, exitUsage, exitCode(payCommand{File: "/nowhere"}.run(t.Context(), api, terminal{out: io.Discard})))
}

func TestPayWaitsForTheEnd(t *testing.T) {
	p := paid()
	b, api := serving(t, map[string]any{"POST /v1/payments": wire.Answer{PaymentID: "pay_1"}, "GET /v1/payments/pay_1": p})
	in := func() terminal { return terminal{out: io.Discard, in: strings.NewReader(`{}`)} }
	require.NoError(t, payCommand{File: "-", Wait: time.Minute}.run(t.Context(), api, in()))
	p.Status = payment.Closed
	b.answers["GET /v1/payments/pay_1"] = p
	require.Equal(t, exitFailed, exitCode(payCommand{File: "-", Wait: time.Minute}.run(t.Context(), api, in())))
	p.Status = payment.AwaitingPayment
	b.answers["GET /v1/payments/pay_1"] = p
	require.Equal(t, exitFailed, exitCode(payCommand{File: "-", Wait: time.Millisecond}.run(t.Context(), api, in())), "time is up")
}

func TestReviewsAreListedAndDecided(t *testing.T) {
	c := wire.Case{CaseID: "pay_1-R01-C1", Reason: payment.ReviewRefundFailed, Allowed: payment.ReviewRefundFailed.Allowed()}
	b, api := serving(t, map[string]any{
		"GET /v1/reviews":                wire.Reviews{Items: []wire.Review{{Case: c, PaymentID: "pay_1", HospitalID: "ren-he", OrderNo: "R1", AmountFen: 5000}}},
		"POST /v1/payments/pay_1/review": wire.Decided{PaymentID: "pay_1", CaseID: c.CaseID, Decision: payment.RetryRefund},
	})
	out, text := text()
	require.NoError(t, reviewList{}.run(t.Context(), api, out))
	require.Contains(t, text.String(), "retry_refund, refund_offline")
	require.NoError(t, reviewDecide{Case: c.CaseID, Decision: "retry_refund", Operator: "wang"}.run(t.Context(), api, out))
	require.JSONEq(t, `{"case_id":"pay_1-R01-C1","decision":"retry_refund","operator":"wang"}`, b.sent["POST /v1/payments/pay_1/review"])
	require.Equal(t, exitUsage, exitCode(reviewDecide{Case: "C1"}.run(t.Context(), api, out)))
	delete(b.sent, "POST /v1/payments/pay_1/review")
	require.Equal(t, exitUsage, exitCode(reviewDecide{Case: c.CaseID, Decision: "retry_refund", Operator: "local:wang"}.run(t.Context(), api, out)))
	require.Empty(t, b.sent["POST /v1/payments/pay_1/review"], "nobody speaks for an account of the console")

	c.SecondPerson, c.Escalations = true, 1
	c.Proposal = &wire.Proposal{Decision: payment.RetryRefund, Operator: "wang"}
	b.answers["GET /v1/reviews"] = wire.Reviews{Items: []wire.Review{{Case: c, PaymentID: "pay_1"}}}
	b.answers["POST /v1/payments/pay_1/review"] = wire.Decided{PaymentID: "pay_1", CaseID: c.CaseID, Decision: payment.RefundOffline, Proposed: true}
	text.Reset()
	require.NoError(t, reviewList{}.run(t.Context(), api, out))
	require.Contains(t, text.String(), "retry_refund by wang")
	require.Contains(t, text.String(), "overdue")
	require.NoError(t, reviewDecide{Case: c.CaseID, Decision: "refund_offline", Operator: "li", Reference: "RCPT-1", HandedBy: "wu"}.run(t.Context(), api, out))
	require.Contains(t, text.String(), "another person has to confirm")
	require.JSONEq(t, `{"case_id":"pay_1-R01-C1","decision":"refund_offline","operator":"li","reference":"RCPT-1","handed_by":"wu"}`, b.sent["POST /v1/payments/pay_1/review"])
}

func TestRefundTakesYuan(t *testing.T) {
	b, api := serving(t, map[string]any{"POST /v1/payments/pay_1/refunds": wire.Refunds{Items: []wire.Refund{{RefundNo: "F1", AmountFen: 1250}}}})
	out, text := text()
	require.NoError(t, refundCommand{Payment: "pay_1", Amount: "12.5", Key: "k", Reason: "r"}.run(t.Context(), api, out))
	require.JSONEq(t, `{"key":"k","amount_fen":1250,"reason":"r"}`, b.sent["POST /v1/payments/pay_1/refunds"])
	require.Contains(t, text.String(), "¥12.50")
	for _, bad := range []refundCommand{{Payment: "pay_1"}, {Payment: "pay_1", Amount: "1", All: true},
		{Payment: "pay_1", Amount: "1.005"}, {Payment: "pay_1", Amount: "x"}} {
		require.Equal(t, exitUsage, exitCode(bad.run(t.Context(), api, out)))
	}
}

func TestRefundAllReturnsWhatIsLeft(t *testing.T) {
	b, api := serving(t, map[string]any{
		"GET /v1/payments/pay_1": paid(),
		"GET /v1/payments/pay_1/refunds": wire.Refunds{Items: []wire.Refund{
			{AmountFen: 1000, State: channel.RefundProcessing}, {AmountFen: 700, State: channel.RefundFailed}}},
		"POST /v1/payments/pay_1/refunds": wire.Refunds{},
	})
	out, _ := text()
	require.NoError(t, refundCommand{Payment: "pay_1", All: true, Key: "k"}.run(t.Context(), api, out))
	require.JSONEq(t, `{"key":"k","amount_fen":3300}`, b.sent["POST /v1/payments/pay_1/refunds"])
	b.answers["GET /v1/payments/pay_1/refunds"] = wire.Refunds{Items: []wire.Refund{{AmountFen: 5000, State: channel.RefundSucceeded}}}
	require.Equal(t, exitConflict, exitCode(refundCommand{Payment: "pay_1", All: true}.run(t.Context(), api, out)))
}

// The key of a refund that may have been taken has to be known, or it would be
// asked for twice.
func TestRefundNamesItsKeyWhenNothingIsKnown(t *testing.T) {
	b, api := serving(t, map[string]any{"POST /v1/payments/pay_1/refunds": &wire.Problem{Status: 503, Code: "unavailable"}})
	b.Close()
	err := refundCommand{Payment: "pay_1", Amount: "1"}.run(t.Context(), api, terminal{out: io.Discard})
	require.Equal(t, exitUnavailable, exitCode(err))
	require.Contains(t, err.Error(), "--key cli-")
}

func TestChineseTakesTwoColumns(t *testing.T) {
	var tb table
	tb.add("心内科", "x")
	tb.add("abc", "y")
	var b bytes.Buffer
	tb.write(&b, "")
	require.Equal(t, "心内科  x\nabc     y\n", b.String())
}

func TestTheCommandLineParses(t *testing.T) {
	for _, args := range [][]string{
		{"pay", "-", "--api-key", "k"}, {"show", "pay_1", "--api-key", "k", "--json"}, {"review", "list", "--api-key", "k"},
		{"review", "decide", "pay_1-C1", "reject", "--operator", "w", "--api-key", "k"}, {"refund", "pay_1", "5.00", "--api-key", "k"},
		{"key", "create", "n", "--hospital", "a", "--hospital", "b", "--staff", "--json"}, {"key", "list"}, {"serve"}, {"setup"}, {"stray", "--hospital", "a", "--merchant-no", "R1A01"},
	} {
		var c command
		k, err := kong.New(&c, kong.Vars{"version": "x"})
		require.NoError(t, err)
		_, err = k.Parse(args)
		require.NoError(t, err, args)
	}
	for _, args := range [][]string{{"review", "decide", "pay_1-C1", "perhaps", "--operator", "w", "--api-key", "k"}, {"show", "--api-key", "k"}, {"pay", "--nothing"}} {
		var c command
		k, err := kong.New(&c, kong.Vars{"version": "x"})
		require.NoError(t, err)
		_, err = k.Parse(args)
		require.Error(t, err, args)
	}
}
