package archive

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// PageLimitMS is what a page of the review console may take at the 99th
// percentile, in milliseconds: the whole answer, from the request to its last
// byte, with the session, the queries, the record of who looked, and the HTML.
const PageLimitMS = 100

const (
	origin   = "http://console.example"
	password = "a long enough password"
)

// loginOf names the account of a scope.
func loginOf(s scope) string { return strings.ReplaceAll(s.name, " ", "-") }

func number(n int) string { return strconv.Itoa(n) }

// hospitalNames are the hospitals as the console shows them.
func (b *books) hospitalNames() []console.Hospital {
	var out []console.Hospital
	for h := range b.o.Hospitals {
		out = append(out, console.Hospital{ID: hospitalID(h), Name: map[string]string{"zh-CN": "第" + number(h+1) + "医院"}})
	}
	return out
}

// noWorkflows stands for the engine: what is measured changes no payment.
type noWorkflows struct{ console.Engine }

// pageOf is one page, as somebody asks for it.
type pageOf struct {
	name string
	path func(*mathrand.Rand) string
	// status is what the answer has; a page that is alone is opened at once.
	status int
}

// pages times whole answers of the console's handler, which runs in this
// process: without the network, and without a browser.
func (b *books) pages(ctx context.Context, d *drawn, r *Result) error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	handler := console.New(console.Options{Engine: noWorkflows{}, Books: b.Store, Hospitals: b.hospitalNames(), Origin: origin,
		CookieKey: []byte(hex.EncodeToString(key)), Local: true})
	for _, s := range b.desks() {
		p := clerk(s)
		account := staff.Account{Login: loginOf(s), Name: p.Name, Roles: p.Roles, Hospitals: p.Hospitals, OwnPassword: true}
		if err := b.AddStaff(ctx, account, password, "cli:bench", b.start); err != nil {
			return err
		}
		cookie, err := signIn(handler, account.Login)
		if err != nil {
			return err
		}
		for n, page := range b.pagesOf(d, s) {
			random := mathrand.New(mathrand.NewPCG(b.o.Seed, 1<<34+uint64(n)))
			m, err := b.timePage(handler, cookie, s, page, random)
			if err != nil {
				return err
			}
			r.Pages = append(r.Pages, m)
		}
	}
	return nil
}

// signIn gives the cookie of a session.
func signIn(handler http.Handler, login string) (string, error) {
	form := url.Values{"login": {login}, "password": {password}}
	q := httptest.NewRequest(http.MethodPost, origin+console.Base+"/signin", strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Origin", origin)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, q)
	for _, c := range w.Result().Cookies() {
		if c.Name == "regpay_console" {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("sign in as %s: %d", login, w.Code)
}

// pagesOf are the pages of somebody's day. Payments and cases are of their
// hospitals.
func (b *books) pagesOf(d *drawn, s scope) []pageOf {
	all := scoped(s, d.payments)
	for _, h := range s.hospitals {
		all = append(all, d.byHospital[h]...)
	}
	open, cases := scoped(s, d.open), scoped(s, d.cases)
	fixed := func(path string) func(*mathrand.Rand) string {
		return func(*mathrand.Rand) string { return path }
	}
	pages := []pageOf{
		{"queue", fixed("/queue"), http.StatusOK},
		{"queue, refreshed", fixed("/queue/live"), http.StatusOK},
		{"queue, mine", fixed("/queue?tab=mine"), http.StatusOK},
		{"queue, unclaimed", fixed("/queue?tab=unclaimed"), http.StatusOK},
		{"queue, overdue", fixed("/queue?tab=overdue"), http.StatusOK},
		{"queue, one reason", fixed("/queue?reason=" + string(payment.ReviewRefundFailed)), http.StatusOK},
		{"find, unknown number", fixed("/find?q=NOSUCHNUMBER"), http.StatusOK},
		{"find, by order", func(r *mathrand.Rand) string { return "/find?q=" + one(r, all).Order }, http.StatusSeeOther},
		{"payment", func(r *mathrand.Rand) string { return "/payments/" + one(r, all).ID }, http.StatusOK},
		{"audit log of a payment", func(r *mathrand.Rand) string { return "/audit?subject=" + one(r, all).ID }, http.StatusOK},
		{"overview, 1 day", fixed("/overview?days=1"), http.StatusOK},
		{"overview, 30 days", fixed("/overview?days=30"), http.StatusOK},
		{"overview, 90 days", fixed("/overview?days=90"), http.StatusOK},
	}
	if len(open) > 0 {
		pages = append(pages,
			pageOf{"queue, page anywhere", func(r *mathrand.Rand) string { return "/queue?after=" + one(r, open).No }, http.StatusOK},
			pageOf{"queue, by order", func(r *mathrand.Rand) string { return "/queue?q=" + one(r, open).Order }, http.StatusOK},
			pageOf{"case, open", func(r *mathrand.Rand) string { return "/cases/" + one(r, open).No }, http.StatusOK})
	}
	if len(cases) > 0 {
		pages = append(pages, pageOf{"case, any", func(r *mathrand.Rand) string { return "/cases/" + one(r, cases).No }, http.StatusOK})
	}
	return pages
}

// scoped are the keys of a scope's hospitals.
func scoped(s scope, all []key) []key {
	person := clerk(s)
	var out []key
	for _, k := range all {
		if person.Oversees(k.Hospital) {
			out = append(out, k)
		}
	}
	return out
}

// timePage asks for a page again and again.
func (b *books) timePage(handler http.Handler, cookie string, s scope, p pageOf, r *mathrand.Rand) (Query, error) {
	name := "page: " + p.name + ", " + s.name
	took, bytes := make([]time.Duration, 0, b.o.Calls), 0
	whole := time.Now()
	for i := range warmUp + b.o.Calls {
		if i >= warmUp+fewest && time.Since(whole) > enough {
			break
		}
		q := httptest.NewRequest(http.MethodGet, origin+console.Base+p.path(r), nil)
		q.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		began := time.Now()
		handler.ServeHTTP(w, q)
		spent := time.Since(began)
		if w.Code != p.status {
			return Query{}, fmt.Errorf("%s: answered %d, not %d", name, w.Code, p.status)
		}
		if i >= warmUp {
			took, bytes = append(took, spent), bytes+w.Body.Len()
		}
	}
	if len(took) == 0 {
		return Query{}, errors.New(name + ": was not asked for")
	}
	m := summed(name, took)
	m.For, m.Rows, m.Within = "console", float64(bytes)/float64(len(took))/1024, m.P99 < PageLimitMS
	return m, nil
}

var _ console.Books = (*store.Store)(nil)
