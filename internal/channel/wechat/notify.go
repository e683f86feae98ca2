package wechat

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
)

// Freshness is how far a notification's time may lie from ours, either way.
const Freshness = 5 * time.Minute

const (
	maxNotification = 256 << 10
	signatureType   = "WECHATPAY2-SHA256-RSA2048"
	probePrefix     = "WECHATPAY/SIGNTEST/"
	algorithm       = "AEAD_AES_256_GCM"
)

// ParseNotification believes a notification when it is signed by WeChat Pay,
// fresh, decrypts with this account's key, and is about this merchant and app.
// Its error is a *payment.Failure: Final where the notification is refused,
// Retryable where it could not be verified because certificates are missing.
//
// The steps are the library's handler's, which is not used itself: it goes by
// the system's clock, panics on a resource without a proper nonce, and puts
// the whole request into its errors.
func (c *Client) ParseNotification(ctx context.Context, n channel.Notification) (channel.Event, error) {
	if code, err := c.verify(ctx, n); err != nil {
		var f *payment.Failure
		if errors.As(err, &f) {
			return channel.Event{}, f
		}
		return channel.Event{}, &payment.Failure{Kind: payment.Final, System: system, Op: opNotification, Code: code, Err: err}
	}
	event, err := c.read(n.Body)
	if err != nil {
		code := "malformed"
		if errors.Is(err, errForeign) {
			code = "foreign_merchant"
		}
		return channel.Event{}, &payment.Failure{Kind: payment.Final, System: system, Op: opNotification, Code: code, Err: err}
	}
	return event, nil
}

// verify checks the signature over time, nonce and body.
func (c *Client) verify(ctx context.Context, n channel.Notification) (code string, err error) {
	if n.Method != http.MethodPost {
		return "malformed", errors.New("not a POST")
	}
	if len(n.Body) == 0 || len(n.Body) > maxNotification {
		return "malformed", errors.New("no body, or too long a one")
	}
	if t := n.Header.Get("Wechatpay-Signature-Type"); t != "" && t != signatureType {
		return "signature", errors.New("another type of signature")
	}
	stamp, nonce := n.Header.Get(consts.WechatPayTimestamp), n.Header.Get(consts.WechatPayNonce)
	serial, signature := n.Header.Get(consts.WechatPaySerial), n.Header.Get(consts.WechatPaySignature)
	if stamp == "" || nonce == "" || serial == "" || signature == "" {
		return "signature", errors.New("not signed")
	}
	if strings.HasPrefix(signature, probePrefix) {
		return "probe", errors.New("a probe, which has to be refused")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "stale", errors.New("no time")
	}
	if age := c.cfg.Now().Sub(time.Unix(seconds, 0)); age >= Freshness || age <= -Freshness {
		return "stale", errors.New("not of now")
	}
	if err := c.ready(ctx, opNotification); err != nil {
		return "", err
	}
	if err := c.verifier.Verify(ctx, serial, stamp+"\n"+nonce+"\n"+string(n.Body)+"\n", signature); err != nil {
		return "signature", errors.New("the signature does not hold")
	}
	return "", nil
}

// envelope is a notification's body. Types of events and of content are the
// ones of payments and domestic refunds.
type envelope struct {
	ID        string                    `json:"id"`
	EventType string                    `json:"event_type"`
	Resource  *notify.EncryptedResource `json:"resource"`
}

// read decrypts a body that was verified and reads its event.
func (c *Client) read(body []byte) (channel.Event, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return channel.Event{}, errors.New("the body is not the JSON of a notification")
	}
	if e.ID == "" || len(e.ID) > 64 || e.Resource == nil {
		return channel.Event{}, errors.New("a notification has an id and a resource")
	}
	plain, err := c.decrypt(*e.Resource)
	if err != nil {
		return channel.Event{}, err
	}
	return c.readContent(e, plain)
}

func (c *Client) readContent(e envelope, plain []byte) (channel.Event, error) {
	switch {
	case e.EventType == "TRANSACTION.SUCCESS" && e.Resource.OriginalType == "transaction":
		var t payments.Transaction
		if err := json.Unmarshal(plain, &t); err != nil {
			return channel.Event{}, errors.New("the content is not a transaction")
		}
		report, err := c.report(&t)
		if err != nil {
			return channel.Event{}, err
		}
		if report.State != channel.Captured {
			return channel.Event{}, errors.New("a transaction is announced as paid that is not")
		}
		return channel.Event{ID: e.ID, Charge: &report}, nil
	case strings.HasPrefix(e.EventType, "REFUND.") && e.Resource.OriginalType == "refund":
		var n refundNotice
		if err := json.Unmarshal(plain, &n); err != nil {
			return channel.Event{}, errors.New("the content is not a refund")
		}
		if e.EventType != "REFUND."+n.RefundStatus {
			return channel.Event{}, errors.New("the event and the refund's status differ")
		}
		report, err := c.refundEvent(n)
		if err != nil {
			return channel.Event{}, err
		}
		return channel.Event{ID: e.ID, Refund: &report}, nil
	}
	return channel.Event{}, errors.New("not an event of a payment or a refund")
}

func (c *Client) decrypt(r notify.EncryptedResource) ([]byte, error) {
	if r.Algorithm != algorithm {
		return nil, errors.New("another algorithm")
	}
	block, err := aes.NewCipher([]byte(c.cfg.APIv3Key))
	if err != nil {
		return nil, errors.New("the APIv3 key is not a key")
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, errors.New("the APIv3 key is not a key")
	}
	sealed, err := base64.StdEncoding.DecodeString(r.Ciphertext)
	if err != nil || len(r.Nonce) != gcm.NonceSize() {
		return nil, errors.New("the resource is not sealed as it should be")
	}
	plain, err := gcm.Open(nil, []byte(r.Nonce), sealed, []byte(r.AssociatedData))
	if err != nil {
		return nil, errors.New("the resource does not decrypt")
	}
	return plain, nil
}

// Acknowledge answers within WeChat Pay's rules: 204 ends the repeats; any
// other status with FAIL makes it try again, which is of use while something
// here is down. A refused one is told nothing about why.
func (c *Client) Acknowledge(err error) channel.Reply {
	if err == nil {
		return channel.Reply{Status: http.StatusNoContent}
	}
	r := channel.Reply{Status: http.StatusInternalServerError, ContentType: "application/json", Body: []byte(`{"code":"FAIL","message":"not processed"}`)}
	if payment.KindOf(err) == payment.Final {
		r.Status, r.Body = http.StatusUnauthorized, []byte(`{"code":"FAIL","message":"refused"}`)
	}
	return r
}
