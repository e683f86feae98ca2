package insurance

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// seal makes the envelope of a message: signed in the plain, then encrypted.
func (c *Client) seal(data object) ([]byte, error) {
	kept, ok := prune(data)
	if !ok {
		return nil, errors.New("seal: nothing to send")
	}
	env := object{
		"appId":     c.cfg.AppID,
		"encType":   "SM4",
		"signType":  "SM2",
		"version":   c.cfg.Version,
		"timestamp": c.cfg.Clock().In(china).Format(c.cfg.TimestampLayout),
		"data":      kept,
	}
	text, err := signText(env, c.cfg.AppSecret)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if env["signData"], err = c.sign(text); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	plain, err := compact(kept)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if env["encData"], err = encrypt(c.sm4, []byte(plain)); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	delete(env, "data")
	body, err := json.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return body, nil
}

// opened is an envelope whose signature is the platform's.
type opened struct {
	appID     string
	timestamp string
	code      string // of a reply; "0" is good
	refused   bool   // a reply that says success: false, whatever its code
	data      object // nil when there was none
}

var (
	errUnsigned  = errors.New("an envelope without a signature")
	errSignature = errors.New("the signature does not match")
)

// open reads an envelope and checks its signature. Beside an error it returns
// the code that the unverified envelope claims, for the caller to weigh.
func (c *Client) open(body []byte) (opened, string, error) {
	env, err := decode(body)
	if err != nil {
		return opened{}, "", err
	}
	code := text(env, "code")
	for name, want := range map[string]string{"encType": "SM4", "signType": "SM2"} {
		if got := text(env, name); got != "" && !strings.EqualFold(got, want) {
			return opened{}, code, fmt.Errorf("an envelope with another %s", name)
		}
	}
	signature := text(env, "signData")
	if signature == "" {
		return opened{}, code, errUnsigned
	}
	o := opened{
		appID: text(env, "appId"), timestamp: text(env, "timestamp"), code: code,
		refused: text(env, "success") == "false",
	}
	delete(env, "data") // only what was encrypted is data
	if enc := text(env, "encData"); enc != "" {
		plain, err := decrypt(c.sm4, enc)
		if err != nil {
			return opened{}, code, err
		}
		if o.data, err = decode(plain); err != nil {
			return opened{}, code, err
		}
		env["data"] = o.data
	}
	if err := c.verify(env, signature); err != nil {
		return opened{}, code, err
	}
	return o, code, nil
}

// verify takes both ways in which numbers inside data are signed: as they are
// written, and as strings, which the platform's development kit makes of them
// before signing. Either way the platform's key vouches for the same value.
func (c *Client) verify(env object, signature string) error {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return errors.New("the signature is not base64")
	}
	literal, err := signText(env, c.cfg.AppSecret)
	if err != nil {
		return err
	}
	if c.signedByPlatform(literal, sig) {
		return nil
	}
	quoted, err := signText(quote(env).(object), c.cfg.AppSecret)
	if err != nil {
		return err
	}
	if quoted != literal && c.signedByPlatform(quoted, sig) {
		return nil
	}
	return errSignature
}
