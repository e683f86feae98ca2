package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.uber.org/zap"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// OIDC is an OpenID Connect issuer at which people sign in.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret string // empty for a public client, which PKCE alone protects
	// Scopes are asked for beside openid and profile.
	Scopes []string
	// RolesClaim and HospitalsClaim name the claims; dots go into objects, as in
	// realm_access.roles.
	RolesClaim, HospitalsClaim string
	// RoleMap turns the issuer's words into roles. What it does not name is no
	// role here.
	RoleMap map[string]staff.Role
	// Client reaches the issuer; one with a timeout when nil.
	Client *http.Client
}

const (
	// oidcTime is how long somebody may take at the issuer.
	oidcTime = 10 * time.Minute
	// issuerTimeout is of one call to it.
	issuerTimeout = 10 * time.Second
	// issuerRest is for how long an issuer that did not say what it is is not
	// asked again.
	issuerRest = 5 * time.Second
	// loggedError bounds what is logged of a sign-in that failed, in characters.
	loggedError = 300
)

// oidcSignIn is the sign-in at an issuer. What the issuer says of itself is
// asked for at the first sign-in and not when the process starts: the payments
// do not wait for it.
type oidcSignIn struct {
	OIDC
	returnTo string
	now      func() time.Time
	asking   singleflight.Group

	mu       sync.Mutex // of what follows, and never held while the issuer is asked
	provider *oidc.Provider
	failed   error // of the last time that it was asked in vain
	failedAt time.Time
}

func newOIDC(o OIDC, returnTo string, now func() time.Time) *oidcSignIn {
	client := http.Client{Timeout: issuerTimeout}
	if o.Client != nil {
		client = *o.Client
	}
	client.Transport = discreet{client.Transport}
	o.Client = &client
	return &oidcSignIn{OIDC: o, returnTo: returnTo, now: now}
}

// ask returns the issuer, and a context with which it is called. Everybody who
// signs in meanwhile waits for the same answer, and where there is none they are
// told so for a while: they do not queue for a timeout each.
func (o *oidcSignIn) ask(ctx context.Context) (*oidc.Provider, context.Context, error) {
	with := oidc.ClientContext(ctx, o.Client)
	if provider, err := o.known(); provider != nil || err != nil {
		return provider, with, err
	}
	answer := o.asking.DoChan("", func() (any, error) {
		if provider, err := o.known(); provider != nil || err != nil {
			return provider, err // somebody else's answer came in between
		}
		// Who asked first may leave; the others still wait.
		alone, stop := context.WithTimeout(context.WithoutCancel(with), issuerTimeout)
		defer stop()
		provider, err := oidc.NewProvider(alone, o.Issuer)
		if err != nil {
			err = fmt.Errorf("ask the issuer about itself: %w", err)
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.provider, o.failed, o.failedAt = provider, err, o.now()
		return provider, err
	})
	select {
	case <-ctx.Done():
		return nil, with, fmt.Errorf("ask the issuer about itself: %w", ctx.Err())
	case a := <-answer:
		provider, _ := a.Val.(*oidc.Provider)
		return provider, with, a.Err
	}
}

// known is the issuer when it has said what it is, an error when it lately did
// not, and neither when it has to be asked.
func (o *oidcSignIn) known() (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil && o.now().Sub(o.failedAt) < issuerRest {
		return nil, o.failed
	}
	return o.provider, nil
}

// discreet hides the issuer's refusals but for their status: package oidc puts
// the whole answer into its error, which is logged, and what an issuer answers
// can tell of people. The exchange of a code is a POST, whose answer package
// oauth2 keeps apart from its error.
type discreet struct{ next http.RoundTripper }

func (d discreet) RoundTrip(r *http.Request) (*http.Response, error) {
	next := d.next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || res.StatusCode == http.StatusOK {
		return res, err
	}
	_ = res.Body.Close() // nothing of it is read
	res.Body, res.ContentLength = http.NoBody, 0
	res.Status = strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode)
	return res, nil
}

func (o *oidcSignIn) client(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: o.returnTo,
		Scopes: append([]string{oidc.ScopeOpenID, "profile"}, o.Scopes...),
	}
}

// endAddress is where people sign out at the issuer (OpenID Connect
// RP-Initiated Logout 1.0), or empty when it has no such place, or one of
// another origin, to which the policy lets no form lead.
func (o *oidcSignIn) endAddress(ctx context.Context, back string) string {
	provider, _, err := o.ask(ctx)
	if err != nil {
		return ""
	}
	var says struct {
		End string `json:"end_session_endpoint"`
	}
	if provider.Claims(&says) != nil || says.End == "" {
		return ""
	}
	to, err := url.Parse(says.End)
	home, broken := url.Parse(o.Issuer)
	if err != nil || broken != nil || to.Scheme != home.Scheme || to.Host != home.Host {
		return ""
	}
	query := to.Query()
	query.Set("client_id", o.ClientID)
	query.Set("post_logout_redirect_uri", back)
	to.RawQuery = query.Encode()
	return to.String()
}

// errand is what the browser keeps while somebody is at the issuer, signed.
// State ties the answer to this browser, Nonce the token to this errand, and
// Verifier is the proof that whoever exchanges the code is who asked for it.
type errand struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"t,omitempty"`
}

// beginOIDC sends somebody to the issuer.
func (s *server) beginOIDC(p *page) error {
	provider, _, err := s.oidc.ask(p.ctx())
	if err != nil {
		return s.failedOIDC(p, "discovery", err)
	}
	next, _ := below(p.query("next"))
	e := errand{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next}
	value, err := s.sign("oidc", nil, e, p.now.Add(oidcTime))
	if err != nil {
		return fmt.Errorf("sign the errand: %w", err)
	}
	s.setCookie(p.w, cookieOIDC, value, oidcTime)
	to := s.oidc.client(provider).AuthCodeURL(e.State, oidc.Nonce(e.Nonce), oauth2.S256ChallengeOption(e.Verifier))
	http.Redirect(p.w, p.r, to, http.StatusSeeOther)
	return nil
}

// returnOIDC takes the issuer's answer.
func (s *server) returnOIDC(p *page) error {
	var e errand
	known := s.signed("oidc", nil, s.cookie(p.r, cookieOIDC), &e)
	s.dropCookie(p.w, cookieOIDC) // an answer is taken once
	q := p.r.URL.Query()
	switch {
	case !known:
		return s.failedOIDC(p, "errand", errors.New("this browser is on no errand, or it took too long"))
	case subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(e.State)) != 1:
		return s.failedOIDC(p, "state", errors.New("the state is another one"))
	case q.Has("iss") && q.Get("iss") != s.oidc.Issuer: // RFC 9207
		return s.failedOIDC(p, "issuer", errors.New("another issuer answers"))
	case q.Get("code") == "":
		// Its error is a code of the protocol, but anybody can write the address.
		return s.failedOIDC(p, "answer", errors.New("the issuer gives no code"))
	}
	provider, ctx, err := s.oidc.ask(p.ctx())
	if err != nil {
		return s.failedOIDC(p, "discovery", err)
	}
	token, err := s.oidc.client(provider).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(e.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // whose text has the issuer's whole answer
			err = fmt.Errorf("the issuer refuses the code: %d %s", refused.Response.StatusCode, refused.ErrorCode)
		}
		return s.failedOIDC(p, "exchange", err)
	}
	claims, sub, err := s.oidc.verify(ctx, provider, token, e.Nonce)
	if err != nil {
		return s.failedOIDC(p, "token", err)
	}
	person, ok := s.personOf(sub, claims)
	if !ok {
		s.log.Warn("somebody without a role or hospital came from the issuer", zap.String("request_id", inbound.RequestID(p.ctx())))
		return p.redirect(pathSignIn, bad("signin_no_role"))
	}
	if err := s.begin(p, person, store.ViaOIDC); err != nil {
		return err
	}
	return p.redirect(e.Next)
}

// failedOIDC says that it did not work, and logs why, without what the issuer
// answered: keys that cannot be read are in their error as they came.
func (s *server) failedOIDC(p *page, at string, err error) error {
	const keys = "failed to decode keys"
	why, _, unread := strings.Cut(err.Error(), keys)
	if unread {
		why += keys
	}
	s.log.Warn("a sign-in at the issuer failed", zap.String("request_id", inbound.RequestID(p.ctx())), zap.String("at", at), zap.String("error", cut(why, loggedError)))
	return p.redirect(pathSignIn, bad("signin_failed"))
}

// verify checks the identity token: its signature, issuer, audience and time,
// and that it was made for this errand. Claims that it does not carry are asked
// for at the issuer's userinfo endpoint.
func (o *oidcSignIn) verify(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, nonce string) (claims, string, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, "", errors.New("the issuer gives no identity token")
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: o.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, "", fmt.Errorf("verify the identity token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return nil, "", errors.New("the identity token is of another sign-in")
	}
	if id.Subject == "" {
		return nil, "", errors.New("the identity token names nobody")
	}
	all := claims{}
	if err := id.Claims(&all); err != nil {
		return nil, "", fmt.Errorf("read the identity token: %w", err)
	}
	if all.has(o.RolesClaim) && all.has(o.HospitalsClaim) || provider.UserInfoEndpoint() == "" {
		return all, id.Subject, nil
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, "", fmt.Errorf("ask the issuer who it is: %w", err)
	}
	more := claims{}
	switch err := info.Claims(&more); {
	case err != nil:
		return nil, "", fmt.Errorf("read who it is: %w", err)
	case info.Subject != id.Subject:
		return nil, "", errors.New("the issuer tells of somebody else")
	}
	for name, value := range more {
		if _, there := all[name]; !there { // what is signed counts first
			all[name] = value
		}
	}
	return all, id.Subject, nil
}
