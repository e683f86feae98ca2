package plain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// newBackend is how callbacks leave: connections stay open, redirects are not
// followed.
func newBackend() *http.Client { return outbound.Client(nil, oneTry) }

// callback is the message of a payment's end.
func callback(p paid, req payment.Request, done his.Registered, now time.Time) activities.Callback {
	amount := req.Order.Amount.Minor()
	return activities.Callback{Type: "payment." + string(payment.Completed), Timestamp: now, Data: activities.CallbackData{
		PaymentID: payment.ID(p.hospital, p.order), HospitalID: p.hospital, OrderNo: p.order,
		Status: payment.Completed, Method: req.Choice.Method, AmountFen: amount, CapturedFen: amount,
		Voucher: p.voucher, AppointmentID: done.AppointmentID,
	}}
}

// tell posts the signed callback, as regpay does. Its id is the same at every
// repeat. Any reply but 2xx is an error.
func (a *arm) tell(ctx context.Context, p paid, req payment.Request, done his.Registered) error {
	if req.CallbackURL == "" {
		return nil
	}
	secret, err := a.Hospitals.CallbackSecret(p.hospital)
	if err != nil {
		return err
	}
	signer, err := standardwebhooks.NewWebhookRaw(secret)
	if err != nil {
		return fmt.Errorf("callback secret: %w", err)
	}
	now := time.Now()
	message := callback(p, req, done, now)
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("write callback: %w", err)
	}
	id := fmt.Sprintf("%s.%s.%d.0", message.Data.PaymentID, message.Data.Status, message.Data.CapturedFen)
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("sign callback: %w", err)
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, req.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the callback's address is none")
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("User-Agent", "regpay")
	post.Header.Set(standardwebhooks.HeaderWebhookID, id)
	post.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	post.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	said, err := a.backend.Do(post)
	if err != nil {
		var u *url.Error // it repeats the address, which may carry a token
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("callback: %w", err)
	}
	defer said.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(said.Body, 64<<10)) // lets the connection be used again
	if said.StatusCode/100 != 2 {
		return fmt.Errorf("callback: status %d", said.StatusCode)
	}
	return nil
}
