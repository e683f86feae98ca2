package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// PayTender is the patient with what the API returned for their device: in
// WeChat the app checks the merchant's signature first, a QR code is scanned, a
// form is posted by the browser, a tn goes to the app's control. They behave as
// told after a while; a refusal to even begin is an error.
func (s *Sandbox) PayTender(ctx context.Context, t wire.Pay, do sandbox.Behaviour, after time.Duration) error {
	in := sandbox.Instruction{Channel: string(t.Channel), Behaviour: do, AfterMS: after.Milliseconds()}
	switch t.Scene {
	case payment.JSAPI:
		return s.presentJSAPI(ctx, t.Pay, do, after)
	case payment.Native:
		in.Token = t.Pay["code_url"]
	case payment.App:
		in.Token = t.Pay["tn"]
	case payment.Front:
		token, err := s.openCashier(ctx, t.Pay)
		if err != nil {
			return err
		}
		in.Token = token
	default:
		return fmt.Errorf("nothing that a patient could pay in the scene %q", t.Scene)
	}
	if in.Token == "" {
		return fmt.Errorf("the answer has nothing to pay with in the scene %q", t.Scene)
	}
	return s.Instruct(ctx, in)
}

// presentJSAPI hands the parameters to the app, which opens only when the
// merchant's signature of them verifies.
func (s *Sandbox) presentJSAPI(ctx context.Context, pay map[string]string, do sandbox.Behaviour, after time.Duration) error {
	call := map[string]any{"after_ms": after.Milliseconds(), "behaviour": do}
	for _, name := range []string{"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"} {
		call[name] = pay[name]
	}
	return s.call(ctx, http.MethodPost, "/patients/jsapi", call, nil)
}

// openCashier is the patient's browser: it posts the signed form and finds the
// cashier's page, or the page that says why there is none.
func (s *Sandbox) openCashier(ctx context.Context, pay map[string]string) (token string, err error) {
	var fields map[string]string
	if err := json.Unmarshal([]byte(pay["form"]), &fields); err != nil {
		return "", fmt.Errorf("open UnionPay's cashier: the form: %w", err)
	}
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, pay["url"], strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("open UnionPay's cashier: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := s.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("open UnionPay's cashier: %w", err)
	}
	defer reply.Body.Close()
	page, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return "", fmt.Errorf("open UnionPay's cashier: %w", err)
	}
	if token = attribute(page, "data-token"); token == "" {
		return "", fmt.Errorf("open UnionPay's cashier: refused with code %q", attribute(page, "data-resp-code"))
	}
	return token, nil
}

// attribute reads an attribute of the page's body element.
func attribute(page []byte, name string) string {
	found := regexp.MustCompile(`<body[^>]*\s` + regexp.QuoteMeta(name) + `="([^"]*)"`).FindSubmatch(page)
	if found == nil {
		return ""
	}
	return html.UnescapeString(string(found[1]))
}

// ErrNoCode: no code was sent to the patient.
var ErrNoCode = errors.New("no code was sent")

// AnswerSMS has a code sent, reads it from the patient's phone and answers.
func (in *Installation) AnswerSMS(ctx context.Context, hospital, paymentID string) (wire.Verified, error) {
	started, err := in.API.Verify(ctx, paymentID, wire.Verification{Kind: payment.BySMS})
	if err != nil {
		return wire.Verified{}, err
	}
	if started.Challenge == nil {
		return wire.Verified{}, ErrNoCode
	}
	code, err := in.Sandbox.SMSCode(ctx, hospital, started.Challenge.ChallengeID)
	if err != nil {
		return wire.Verified{}, err
	}
	return in.API.Verify(ctx, paymentID, wire.Verification{
		Kind: payment.BySMS, ChallengeID: started.Challenge.ChallengeID, Code: code})
}

// AnswerFace starts a face check, lets the patient come out of it with a
// result (see [Sandbox.SetFace]), and answers.
func (in *Installation) AnswerFace(ctx context.Context, paymentID, result string) (wire.Verified, error) {
	started, err := in.API.Verify(ctx, paymentID, wire.Verification{Kind: payment.ByFace})
	if err != nil {
		return wire.Verified{}, err
	}
	if started.Challenge == nil || started.Challenge.VerifyID == "" {
		return wire.Verified{}, errors.New("no face check was started")
	}
	if err := in.Sandbox.SetFace(ctx, started.Challenge.VerifyID, result); err != nil {
		return wire.Verified{}, err
	}
	return in.API.Verify(ctx, paymentID, wire.Verification{Kind: payment.ByFace, ChallengeID: started.Challenge.ChallengeID})
}
