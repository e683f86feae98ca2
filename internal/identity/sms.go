package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// SMS sends codes. Sending the same Message again is safe: Ref names it, and a
// text goes out once. An Uncertain failure is therefore answered by the same
// Message, and a refusal for being too fast holds a *TooFast.
type SMS interface {
	Send(ctx context.Context, m Message) error
}

// Message is one text with a code in it.
type Message struct {
	Phone    string // 1[3-9] and nine digits, or +country number
	Template string // the gateway's name for the wording
	Code     string
	Ref      string // unique per text, without personal data; 1–128 of [0-9A-Za-z_.:/-]
}

// String keeps phone and code out of anything that formats values.
func (m Message) String() string { return "sms(" + m.Ref + ")" }

// GoString does the same for %#v.
func (m Message) GoString() string { return m.String() }

// TooFast says when the gateway wants to be asked again.
type TooFast struct{ After time.Duration }

func (e *TooFast) Error() string { return fmt.Sprintf("too many texts, again after %s", e.After) }

// Config is an account at the SMS gateway.
type Config struct {
	BaseURL   string
	Account   string
	Key       []byte // of the HMAC, its bytes as they stand
	Timeout   time.Duration
	Transport http.RoundTripper // nil: http.DefaultTransport
	Now       func() time.Time  // nil: time.Now
}

// Gateway is an SMS over the gateway's HTTP interface:
// POST {base}/v1/messages, signed by HMAC-SHA256 over the time and the body.
// It is safe for concurrent use.
type Gateway struct {
	caller
	account string
	key     []byte
	now     func() time.Time
}

var _ SMS = (*Gateway)(nil)

const opSend = "send"

// NewGateway checks the configuration and makes the client; it sends nothing.
func NewGateway(cfg Config) (*Gateway, error) {
	c, err := newCaller("sms", cfg.BaseURL, cfg.Timeout, cfg.Transport)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sms gateway: %w", err)
	case cfg.Account == "" || len(cfg.Key) == 0:
		return nil, errors.New("sms gateway: no account or no key")
	}
	g := &Gateway{caller: c, account: cfg.Account, key: append([]byte(nil), cfg.Key...), now: cfg.Now}
	if g.now == nil {
		g.now = time.Now
	}
	return g, nil
}

type smsRequest struct {
	Account  string            `json:"account"`
	To       string            `json:"to"`
	Template string            `json:"template"`
	Params   map[string]string `json:"params"`
	Ref      string            `json:"ref"`
}

// Send is one try. Final: the gateway will never send this (bad number, the
// same Ref for another text, our key). Retryable: nothing was sent. Uncertain:
// it may have been.
func (g *Gateway) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(smsRequest{Account: g.account, To: m.Phone, Template: m.Template, Params: map[string]string{"code": m.Code}, Ref: m.Ref})
	if err != nil {
		return g.fail(payment.Final, opSend, "encode", nil)
	}
	stamp := strconv.FormatInt(g.now().Unix(), 10)
	mac := hmac.New(sha256.New, g.key)
	mac.Write([]byte(stamp + "\n"))
	mac.Write(body)
	header := http.Header{"X-Timestamp": {stamp}, "X-Signature": {hex.EncodeToString(mac.Sum(nil))}}
	status, head, reply, err := g.post(ctx, opSend, "/v1/messages", header, body)
	if err != nil {
		return err
	}
	return g.read(status, head, reply)
}

func (g *Gateway) read(status int, head http.Header, reply []byte) error {
	var said struct {
		MessageID string `json:"message_id"`
		Code      string `json:"code"`
	}
	parsed := json.Unmarshal(reply, &said) == nil
	if status == http.StatusOK || status == http.StatusCreated || status == http.StatusAccepted {
		if !parsed || said.MessageID == "" {
			return g.fail(payment.Uncertain, opSend, "unusable_reply", nil)
		}
		return nil
	}
	code := "http_" + strconv.Itoa(status)
	if parsed && gatewayCode.MatchString(said.Code) {
		code = strings.ToLower(said.Code)
	}
	switch {
	case status == http.StatusTooManyRequests:
		return g.fail(payment.Retryable, opSend, code, &TooFast{After: retryAfter(head.Get("Retry-After"), g.now())})
	case status == http.StatusUnauthorized && said.Code == "STALE_TIMESTAMP":
		return g.fail(payment.Retryable, opSend, code, nil) // a new try has a new time
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return g.fail(payment.Final, opSend, code, nil)
	}
	return g.fail(payment.Uncertain, opSend, code, nil)
}

var gatewayCode = regexp.MustCompile(`^[A-Z][A-Z_]{1,63}$`)

// retryAfter reads seconds or an HTTP date. What is missing or absurd becomes
// a minute, the gap between two codes; nothing is above an hour.
func retryAfter(s string, now time.Time) time.Duration {
	after := time.Minute
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		after = time.Duration(min(n, 3600)) * time.Second
	} else if at, err := http.ParseTime(s); err == nil && at.After(now) {
		after = at.Sub(now)
	}
	return min(after, time.Hour)
}
