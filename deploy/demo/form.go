package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
)

// browser is somebody's at the review console, without a window. The API does
// not take decisions of people who have an account there: they use the forms.
type browser struct {
	http.Client
	origin, console string
}

var token = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// signIn opens the console as somebody.
func signIn(ctx context.Context, in *local.Installation, p local.Person) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{Client: http.Client{Jar: jar}, origin: in.APIBase, console: in.Console()}
	if _, err := b.ask(ctx, http.MethodPost, "/signin", url.Values{"login": {p.Login}, "password": {p.Password}}); err != nil {
		return nil, fmt.Errorf("sign %s in: %w", p.Login, err)
	}
	return b, nil
}

// decide sends the form of a decision, as the case's page has it.
func (b *browser) decide(ctx context.Context, d payment.Decision) error {
	path := "/cases/" + d.CaseID
	page, err := b.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return fmt.Errorf("open the case: %w", err)
	}
	found := token.FindStringSubmatch(page)
	if found == nil {
		return errors.New("the case's page has no form")
	}
	_, err = b.ask(ctx, http.MethodPost, path+"/decide", url.Values{"csrf": {found[1]}, "decision": {string(d.Verdict)}, "note": {d.Note}})
	return err
}

// ask is one page that the browser goes to, wherever it is led from there.
func (b *browser) ask(ctx context.Context, method, path string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.console+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.origin)
	}
	reply, err := b.Do(req)
	if err != nil {
		return "", err
	}
	page, err := io.ReadAll(reply.Body)
	if err = errors.Join(err, reply.Body.Close()); err != nil {
		return "", err
	}
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the console answers %s", reply.Status)
	}
	return string(page), nil
}
