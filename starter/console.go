package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

// newConsole makes the staff's pages of an installation.
func newConsole(in *installation.Installation, e *engine, vouchers *voucher.Signer) (http.Handler, error) {
	c := in.Config.Console
	proxies, err := c.Networks()
	if err != nil {
		return nil, fmt.Errorf("console.proxies: %w", err)
	}
	origin, err := originOf(in.Config.HTTP.PublicURL)
	if err != nil {
		return nil, err
	}
	o := console.Options{
		Engine: desk{engine: e, now: time.Now}, Books: in.Store, Origin: origin,
		CookieKey: []byte(in.Keys.Index("console", "cookie key")),
		Session:   time.Duration(c.SessionHours) * time.Hour,
		Local:     c.Local, WorkflowURL: workflowURL(c.TemporalUI, in.Config.Temporal.Namespace),
		Proxies: proxies, Log: in.Log, Vouchers: vouchers,
	}
	for _, h := range in.Config.Hospitals {
		o.Hospitals = append(o.Hospitals, console.Hospital{ID: h.ID, Name: h.Name})
	}
	if c.OIDC != nil {
		if o.OIDC, err = issuerOf(in.Config, *c.OIDC); err != nil {
			return nil, err
		}
	}
	return console.New(o), nil
}

func issuerOf(c *config.Config, o config.OIDC) (*console.OIDC, error) {
	out := &console.OIDC{Issuer: o.Issuer, ClientID: o.ClientID, Scopes: o.Scopes,
		RolesClaim: o.RolesClaim, HospitalsClaim: o.HospitalsClaim, RoleMap: map[string]staff.Role{}}
	for word, role := range o.RoleMap {
		out.RoleMap[word] = staff.Role(role)
	}
	if o.ClientSecretFile == "" {
		return out, nil
	}
	secret, err := c.Secret(o.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("console.oidc.client_secret_file: %w", err)
	}
	out.ClientSecret = string(secret)
	return out, nil
}

// originOf is what a browser sends as the origin of a page at an address.
func originOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("http.public_url: %w", err)
	}
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, nil
}

// workflowURL is where Temporal's UI shows a workflow whose id is put at its
// end.
func workflowURL(ui, namespace string) string {
	if ui == "" {
		return ""
	}
	return strings.TrimSuffix(ui, "/") + "/namespaces/" + url.PathEscape(namespace) + "/workflows/"
}

// desk is the console's way to the workflows.
type desk struct {
	engine *engine
	now    func() time.Time
}

var _ console.Engine = desk{}

func (d desk) Decide(ctx context.Context, ref console.Ref, decision payment.Decision) error {
	return d.engine.Decide(ctx, api.Ref(ref), decision)
}

func (d desk) Cancel(ctx context.Context, ref console.Ref, c payment.Cancellation) (payment.Answer, error) {
	return d.engine.Cancel(ctx, api.Ref(ref), c)
}

// refundKey is a key as the API takes it: the console's refunds are found there
// by theirs.
var refundKey = regexp.MustCompile(`^[0-9A-Za-z_-]{1,48}$`)

func (d desk) Refund(ctx context.Context, v store.View, o console.RefundOrder) ([]store.RefundRow, error) {
	if !refundKey.MatchString(o.Key) {
		return nil, payment.Problem{Code: payment.CodeRefundConflict, Field: "key", Text: "a key has 1 to 48 letters, digits, - and _"}
	}
	rows, _, err := api.OrderRefund(ctx, d.engine.books, d.engine, api.RefundOrder{View: v, Key: o.Key, Amount: o.Amount,
		Reason: o.Reason, Actor: o.Actor, At: d.now()})
	return rows, err
}
