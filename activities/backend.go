package activities

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

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Backend is the step that tells the booking backend how a payment ended.
type Backend struct {
	Store     Store
	Hospitals Hospitals
	Clock     Clock
	HTTP      *http.Client
}

// TellIn names the payment and where to tell it.
type TellIn struct {
	PaymentID  string
	HospitalID string
	URL        string // none where no backend has to be told
	Settled    bool   // there is nothing left to complete
}

// Callback is the body of what is told, signed by the Standard Webhooks
// scheme (headers webhook-id, webhook-timestamp, webhook-signature). Its id
// repeats with the message, so that a backend can drop what it has seen.
type Callback struct {
	Type      string       `json:"type"` // payment.<status>
	Timestamp time.Time    `json:"timestamp"`
	Data      CallbackData `json:"data"`
}

// CallbackData is the payment as it stands. Amounts are fen.
type CallbackData struct {
	PaymentID     string         `json:"payment_id"`
	HospitalID    string         `json:"hospital_id"`
	OrderNo       string         `json:"order_no"`
	Status        payment.Status `json:"status"`
	Reason        string         `json:"reason,omitempty"`
	Method        payment.Method `json:"method"`
	AmountFen     int64          `json:"amount_fen"`
	CapturedFen   int64          `json:"captured_fen"`
	RefundedFen   int64          `json:"refunded_fen"`
	Voucher       string         `json:"voucher,omitempty"`
	Temporary     bool           `json:"voucher_temporary,omitempty"`
	AppointmentID string         `json:"appointment_id,omitempty"`
}

// Tell sends the payment as it stands and, when the HIS has it, completes it.
// A registered payment is told as completed: the answer to this message is
// what completes it. Any reply but 2xx is tried again.
func (b *Backend) Tell(ctx context.Context, in TellIn) (None, error) {
	if in.URL == "" && in.Settled {
		return None{}, nil
	}
	stands, err := b.Store.Standing(ctx, in.PaymentID)
	if err != nil {
		return None{}, boundary(err)
	}
	if in.URL != "" {
		if err := b.send(ctx, in, stands); err != nil {
			return None{}, boundary(err)
		}
	}
	if stands.Status == payment.Registered {
		return None{}, boundary(complete(ctx, b.Store, in.PaymentID, b.Clock()))
	}
	return None{}, nil
}

func (b *Backend) send(ctx context.Context, in TellIn, v store.Standing) error {
	secret, err := b.Hospitals.CallbackSecret(in.HospitalID)
	if err != nil {
		return err
	}
	signer, err := standardwebhooks.NewWebhookRaw(secret)
	if err != nil {
		return fmt.Errorf("callback secret: %w", err)
	}
	now := b.Clock()
	message := describe(v, now)
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("write callback: %w", err)
	}
	// Money that comes and goes makes it another message.
	id := fmt.Sprintf("%s.%s.%d.%d", in.PaymentID, message.Data.Status, v.Captured.Minor(), v.Refunded.Minor())
	if v.Voucher != nil && v.Voucher.Void {
		id += ".void" // a refund of the whole was asked for meanwhile
	}
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("sign callback: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.URL, bytes.NewReader(body))
	if err != nil {
		return &payment.Failure{Kind: payment.Final, System: "backend", Op: "callback", Code: "bad_url"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "regpay")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	reply, err := b.HTTP.Do(req)
	if err != nil {
		var u *url.Error // it repeats the address, which may carry a token of the backend's
		if errors.As(err, &u) {
			err = u.Err
		}
		return &payment.Failure{Kind: payment.Uncertain, System: "backend", Op: "callback", Err: err}
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 64<<10)) // lets the connection be used again
	if reply.StatusCode/100 != 2 {
		return &payment.Failure{Kind: payment.Retryable, System: "backend", Op: "callback", Code: strconv.Itoa(reply.StatusCode)}
	}
	return nil
}

func describe(v store.Standing, at time.Time) Callback {
	status, reason := v.Status, v.Reason
	switch {
	case status == payment.Registered:
		status = payment.Completed
	case status == payment.Suspended && v.Voucher != nil:
		// It waits for the HIS alone: what counts for the backend is that it is paid.
		status, reason = payment.Paid, ""
	}
	d := CallbackData{
		PaymentID: v.ID, HospitalID: v.HospitalID, OrderNo: v.OrderNo, Status: status,
		Reason: reason, Method: v.Method, AmountFen: v.Amount.Minor(),
		CapturedFen: v.Captured.Minor(), RefundedFen: v.Refunded.Minor(), AppointmentID: v.AppointmentID,
	}
	if v.Voucher != nil && !v.Voucher.Void {
		d.Voucher, d.Temporary = v.Voucher.Code, v.Voucher.Temporary
	}
	return Callback{Type: "payment." + string(status), Timestamp: at, Data: d}
}
