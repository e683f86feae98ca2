package booking

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
	"github.com/regpay/regpay/internal/payment"
)

func startBackend(t *testing.T) *Backend {
	t.Helper()
	b, err := Listen([]string{"h-one", "h-two"}, func(h string) ([]byte, error) { return []byte("secret of " + h), nil })
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func told(hospital string, status payment.Status) activities.Callback {
	return activities.Callback{Type: "payment." + string(status), Timestamp: time.Now(),
		Data: activities.CallbackData{PaymentID: "pay_1", HospitalID: hospital, OrderNo: "000001", Status: status}}
}

// tell sends a callback, signed with the secret of signer at the time at.
func tell(t *testing.T, b *Backend, to, signer, id string, m activities.Callback, at time.Time) int {
	t.Helper()
	body, err := json.Marshal(m)
	require.NoError(t, err)
	key, err := standardwebhooks.NewWebhookRaw([]byte("secret of " + signer))
	require.NoError(t, err)
	signature, err := key.Sign(id, at, body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL(to), bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	return reply.StatusCode
}

func TestTheBackendBelievesOnlyWhatItsHospitalSignedJustNow(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		to, signer string
		message    activities.Callback
		at         time.Time
	}{
		"another hospital's signature":                  {"h-one", "h-two", told("h-one", payment.Completed), now},
		"another hospital's message":                    {"h-two", "h-two", told("h-one", payment.Completed), now},
		"a hospital that it does not serve":             {"h-three", "h-three", told("h-three", payment.Completed), now},
		"an old message":                                {"h-one", "h-one", told("h-one", payment.Completed), now.Add(-time.Hour)},
		"a type that is not the status of what it says": {"h-one", "h-one", activities.Callback{Type: "payment.closed", Data: told("h-one", payment.Completed).Data}, now},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBackend(t)
			require.Equal(t, http.StatusUnauthorized, tell(t, b, tc.to, tc.signer, "m1", tc.message, tc.at))
			messages, _, refused := b.Deliveries()
			require.Equal(t, [2]int{0, 1}, [2]int{messages, refused})
		})
	}
}

func TestAMessageThatComesAgainChangesNothing(t *testing.T) {
	b := startBackend(t)
	_, more := b.Of("pay_1")
	for range 3 {
		require.Equal(t, http.StatusNoContent, tell(t, b, "h-one", "h-one", "m1", told("h-one", payment.Completed), time.Now()))
	}
	require.Equal(t, http.StatusNoContent, tell(t, b, "h-one", "h-one", "m2", told("h-one", payment.Refunded), time.Now()))
	select {
	case <-more:
	default:
		t.Fatal("who waited was not told")
	}
	all, _ := b.Of("pay_1")
	require.Len(t, all, 2)
	messages, repeats, refused := b.Deliveries()
	require.Equal(t, [3]int{2, 2, 0}, [3]int{messages, repeats, refused})
}

func TestABackendThatIsAwayIsToldLater(t *testing.T) {
	b := startBackend(t)
	b.SetAway(true)
	require.Equal(t, http.StatusServiceUnavailable, tell(t, b, "h-one", "h-one", "m1", told("h-one", payment.Completed), time.Now()))
	all, _ := b.Of("pay_1")
	require.Empty(t, all)
	b.SetAway(false)
	require.Equal(t, http.StatusNoContent, tell(t, b, "h-one", "h-one", "m1", told("h-one", payment.Completed), time.Now()))
	all, _ = b.Of("pay_1")
	require.Len(t, all, 1)
}
