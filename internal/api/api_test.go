package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

var _ api.Books = (*store.Store)(nil)

// The keys of the tests: a booking backend of one hospital, its staff, another
// hospital's backend, and one of all.
const (
	backend = "rp_backend"
	staff   = "rp_staff"
	other   = "rp_other"
	all     = "rp_all"
)

func now() time.Time { return time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC) }

func index(digest string) string { return "index of " + digest }

// stack is the API with everything around it in memory.
type stack struct {
	t        *testing.T
	books    *books
	engine   *engine
	wechat   *bank
	verifier *verifier
	handler  http.Handler
	logs     *observer.ObservedLogs
	clock    time.Time
}

func newStack(t *testing.T, change ...func(*api.Options)) *stack {
	s := &stack{t: t, wechat: &bank{}, verifier: &verifier{}, clock: now()}
	s.books = &books{views: map[string]store.View{}, keys: map[string]store.APIKey{
		backend: {ID: "k1", Name: "backend", Hospitals: []string{"ren-he"}},
		staff:   {ID: "k2", Name: "staff", Hospitals: []string{"ren-he"}, Staff: true},
		other:   {ID: "k3", Name: "other", Hospitals: []string{"other"}},
		all:     {ID: "k4", Name: "all", Hospitals: []string{"*"}, Staff: true},
	}}
	s.engine = &engine{b: s.books}
	core, logs := observer.New(zap.DebugLevel)
	s.logs = logs
	signer, err := voucher.NewSigner(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	ren := hospital{channels: map[payment.Channel]channel.Client{payment.WeChat: s.wechat, payment.Insurance: &bank{}}}
	o := api.Options{Engine: s.engine, Books: s.books, Verifier: s.verifier, Index: index, Vouchers: signer,
		Registry: prometheus.NewRegistry(), Log: zap.New(core), Now: func() time.Time { return s.clock },
		Hospitals: api.HospitalFunc(func(id string) (api.Hospital, bool) { return ren, id == "ren-he" || id == "other" })}
	for _, f := range change {
		f(&o)
	}
	s.handler = api.New(o)
	return s
}

// reply is an answer, its body read.
type reply struct {
	*http.Response
	body []byte
}

func (s *stack) do(method, path, key string, body any, header ...string) reply {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		require.NoError(s.t, err)
		r = bytes.NewReader(j)
	}
	req := httptest.NewRequest(method, path, r)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	res := rec.Result()
	b, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return reply{res, b}
}

// as reads a reply's body, after checking its status.
func as[T any](t *testing.T, r reply, status int) T {
	t.Helper()
	require.Equal(t, status, r.StatusCode, "%s", r.body)
	var v T
	require.NoError(t, json.Unmarshal(r.body, &v), "%s", r.body)
	return v
}

// problem checks that a reply is a problem of a code.
func problem(t *testing.T, r reply, status int, code string) wire.Problem {
	t.Helper()
	p := as[wire.Problem](t, r, status)
	require.Equal(t, code, p.Code, "%s", r.body)
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"))
	require.Equal(t, "urn:regpay:problem:"+code, p.Type)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.RequestID)
	require.Equal(t, r.Header.Get("X-Request-Id"), p.RequestID)
	return p
}

// valid is a start that everything is right with.
func valid() wire.Start {
	first := "11010119900307001"
	return wire.Start{
		Order: wire.Order{HospitalID: "ren-he", OrderNo: "R20260105000017",
			Slot:      wire.Slot{ID: "slot-1", Department: "心内科", Doctor: "王医生", StartsAt: now().Add(24 * time.Hour)},
			Fees:      []wire.Fee{{Code: "110200001", Name: "诊查费", AmountFen: 4000}, {Code: "1102", Name: "挂号费", AmountFen: 1000}},
			AmountFen: 5000,
			Patient: wire.Patient{Name: "张三", IDType: payment.IDCard, Phone: "13800000000", OpenID: "o-1", PsnNo: "P1",
				IDNumber: first + string(payment.IDCardCheck(first))},
		},
		Choice:      wire.Choice{Method: payment.ByWeChat, Scene: payment.JSAPI},
		CallbackURL: "https://booking.example.org/cb", PayWithinSeconds: 600,
	}
}

// edited is valid with JSON members changed by path, such as
// "order.amount_fen"; nil takes a member out.
func edited(t *testing.T, changes map[string]any) string {
	t.Helper()
	b, err := json.Marshal(valid())
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m))
	for path, v := range changes {
		at := m
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			at = at[p].(map[string]any)
		}
		if last := parts[len(parts)-1]; v == nil {
			delete(at, last)
		} else {
			at[last] = v
		}
	}
	b, err = json.Marshal(m)
	require.NoError(t, err)
	return string(b)
}

// view is a payment in the books, with one tender of WeChat Pay.
func view(hospital, order string, st payment.Status) store.View {
	v := store.View{Standing: store.Standing{ID: payment.ID(hospital, order), HospitalID: hospital, OrderNo: order, Status: st,
		Method: payment.ByWeChat, Amount: money.Fen(5000)}, PayBy: now().Add(10 * time.Minute), CreatedAt: now(), UpdatedAt: now(),
		MaskedName: "张*", MaskedPhone: "138****0000", Department: "心内科", Doctor: "王医生", SlotAt: now().Add(24 * time.Hour),
		Tenders: []store.TenderView{{Attempt: 1, Channel: payment.WeChat, Scene: payment.JSAPI, MerchantNo: payment.MerchantNo(order, 1),
			State: channel.Open, Amount: money.Fen(5000), Pay: payment.PayParams{"package": "prepay_id=1"}}},
	}
	if st == payment.Completed || st == payment.Paid || st == payment.Refunding || st == payment.Registered {
		v.Captured = money.Fen(5000)
		v.Tenders[0].State, v.Tenders[0].Captured, v.Tenders[0].Pay = channel.Captured, money.Fen(5000), nil
		v.Voucher = &store.Voucher{Code: "23456789ABCD", Temporary: st == payment.Paid, IssuedAt: now()}
	}
	return v
}

func (s *stack) put(v store.View) store.View {
	s.books.views[v.ID] = v
	return v
}

func answer(v store.View) payment.Answer {
	a := payment.Answer{PaymentID: v.ID, Status: v.Status, Method: v.Method, Amount: v.Amount, PayBy: v.PayBy}
	if v.Status == payment.AwaitingPayment {
		t := v.Tenders[0]
		a.Tender = &payment.NextTender{Channel: t.Channel, Scene: t.Scene, MerchantNo: t.MerchantNo, Amount: t.Amount, Pay: t.Pay}
	}
	if v.Status == payment.Verifying {
		a.Verify = []payment.VerifyKind{payment.BySMS, payment.ByFace}
	}
	return a
}

// logged is everything that was logged, as text.
func (s *stack) logged() string {
	var b strings.Builder
	for _, e := range s.logs.All() {
		fmt.Fprintln(&b, e.Message, e.ContextMap())
	}
	return b.String()
}
