package hospital

import (
	"context"

	"github.com/regpay/regpay/internal/his/fhir"
	"github.com/regpay/regpay/internal/identity"
)

// systems connects the HIS and the identity services.
func (b *builder) systems(h *Hospital) {
	b.informationSystem(h)
	if b.hospital.SMS.BaseURL != "" {
		b.sms(h)
	}
	if b.hospital.Face.BaseURL != "" {
		b.face(h)
	}
}

func (b *builder) informationSystem(h *Hospital) {
	before, c := len(b.errs), b.hospital.HIS
	cfg := fhir.Config{HospitalID: h.ID, BaseURL: c.BaseURL, Token: string(b.secret("his.token_file", c.TokenFile)), Timeout: c.Timeout}
	if !b.since(before) && !b.failed("his", cfg.Check()) {
		h.his = b.guard("his", c.Guard).HIS(fhir.New(cfg))
	}
}

func (b *builder) sms(h *Hospital) {
	before, c := len(b.errs), b.hospital.SMS
	cfg := identity.Config{BaseURL: c.BaseURL, Account: c.Account, Key: b.secret("sms.key_file", c.KeyFile), Timeout: c.Timeout}
	if b.since(before) {
		return
	}
	sms, err := identity.NewGateway(cfg)
	if b.failed("sms", err) {
		return
	}
	h.sms = sms
	if c.Template != "" {
		h.sms = templated{sms, c.Template}
	}
}

func (b *builder) face(h *Hospital) {
	before, c := len(b.errs), b.hospital.Face
	cfg := identity.FaceConfig{BaseURL: c.BaseURL, AccessToken: b.accessToken(c.AccessTokenFile), Timeout: c.Timeout}
	if b.since(before) {
		return
	}
	face, err := identity.NewWeChatFace(cfg)
	if !b.failed("face", err) {
		h.face = face
	}
}

// templated sends every code with the text that the hospital agreed on with
// its gateway.
type templated struct {
	identity.SMS
	template string
}

func (t templated) Send(ctx context.Context, m identity.Message) error {
	m.Template = t.template
	return t.SMS.Send(ctx, m)
}

// accessToken reads the token at every call: it lives two hours, and the
// program that renews it writes it to the file.
func (b *builder) accessToken(file string) func(context.Context) (string, error) {
	b.secret("face.access_token_file", file)
	c := b.config
	return func(context.Context) (string, error) {
		token, err := c.Secret(file)
		return string(token), err
	}
}
