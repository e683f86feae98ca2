package console

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

func TestWhatIsAskedForIsLoggedFirstWithWhoAndWhere(t *testing.T) {
	done := 0
	var s *site
	pages := func(*server) []route {
		return []route{
			{method: http.MethodGet, path: "/rule", handle: func(p *page) error { return p.forbidden() }},
			{method: http.MethodPost, path: "/end", action: staff.Cancel, handle: func(p *page) error {
				if err := p.ask(store.Asking{PaymentID: "pay_1", Reason: p.form("reason"), By: "somebody", Address: "somewhere"}); err != nil {
					return err
				}
				done++
				return p.redirect("/rule")
			}},
		}
	}
	s = newSite(t)
	s.Config.Handler = build(Options{Engine: noEngine{}, Books: s.books, Origin: s.URL, CookieKey: make([]byte, 32), Local: true, Now: s.clock.now,
		Hospitals: []Hospital{{ID: renHe}}}, pages)
	b := s.signedIn("li")
	form := url.Values{"csrf": {b.csrf()}, "reason": {"来电取消"}}
	require.Equal(t, http.StatusSeeOther, b.post("/console/end", form).StatusCode)
	require.Equal(t, []store.Asking{{PaymentID: "pay_1", Reason: "来电取消", By: "local:li", Address: "127.0.0.1"}}, s.books.asked)
	require.Equal(t, 1, done)

	s.books.refuse = errors.New("no room")
	require.Equal(t, http.StatusServiceUnavailable, b.post("/console/end", form).StatusCode)
	s.books.refuse = payment.Problem{Code: payment.CodeState}
	require.Equal(t, http.StatusConflict, b.post("/console/end", form).StatusCode)
	require.Equal(t, 1, done, "what cannot be logged is not done")
}

func TestEveryActionOnAPaymentIsLoggedBeforeItIsAskedFor(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("li")
	b.send(decidePath, "decision", "refund", "note", "患者不要号了")
	b.send(paymentPath+"/cancel", "reason", "患者来电取消")
	d.books.file.Payment.Status, d.books.file.Payment.Case = payment.Registered, nil
	b.send(paymentPath+"/refund", "key", newKey(), "amount", "12.50", "reason", "医生停诊退号")
	require.Equal(t, []store.Asking{
		{PaymentID: somePayment, CaseID: someCase, Verdict: payment.RefundAll, Reason: "患者不要号了", By: "local:li", Address: "127.0.0.1"},
		{PaymentID: somePayment, Reason: "患者来电取消", By: "local:li", Address: "127.0.0.1"},
		{PaymentID: somePayment, Amount: money.Fen(1250), Reason: "医生停诊退号", By: "local:li", Address: "127.0.0.1"},
	}, d.books.asked)
	require.Len(t, d.engine.decided, 1)
	require.Len(t, d.engine.cancelled, 1)
	require.Len(t, d.engine.refunds, 1)

	d.books.refuse = errors.New("no room")
	for path, form := range map[string][]string{
		decidePath:              {"decision", "refund", "note", "患者不要号了"},
		paymentPath + "/cancel": {"reason", "患者来电取消"},
		paymentPath + "/refund": {"key", newKey(), "amount", "1", "reason", "医生停诊退号"},
	} {
		require.Equal(t, http.StatusServiceUnavailable, b.send(path, form...).StatusCode, path)
	}
	require.Len(t, d.engine.decided, 1)
	require.Len(t, d.engine.cancelled, 1)
	require.Len(t, d.engine.refunds, 1)
}
