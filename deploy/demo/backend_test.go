package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/internal/payment"
)

const backendSecret = "secret of h-one"

func startBackend(t *testing.T) *booking.Backend {
	t.Helper()
	b, err := booking.Listen([]string{"h-one"}, func(string) ([]byte, error) { return []byte(backendSecret), nil })
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// tell tells the backend of a payment's state, signed by its hospital.
func tell(t *testing.T, b *booking.Backend, id string, status payment.Status) {
	t.Helper()
	now := time.Now()
	body, err := json.Marshal(activities.Callback{Type: "payment." + string(status), Timestamp: now,
		Data: activities.CallbackData{PaymentID: "pay_1", HospitalID: "h-one", OrderNo: "000001", Status: status}})
	require.NoError(t, err)
	key, err := standardwebhooks.NewWebhookRaw([]byte(backendSecret))
	require.NoError(t, err)
	signature, err := key.Sign(id, now, body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL("h-one"), bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Equal(t, http.StatusNoContent, reply.StatusCode)
}
