package insurance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/regpay/regpay/internal/sandbox"
)

// repeats are the waits before a notice is sent again; public texts say that it
// repeats but not when.
func repeats() []time.Duration {
	return []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour}
}

// notify sends 6302 for a settled order to the URL that came with the upload.
func (s *Server) notify(o *order, note map[string]any) {
	if o.notifyURL == "" {
		return
	}
	note["callType"] = "02"
	s.env.Notifier.Send(sandbox.Notification{
		Counterparty: Name,
		Kind:         "6302",
		ID:           o.payOrdID,
		Build: func(ctx context.Context, forged bool) (*http.Request, error) {
			return s.buildNotice(ctx, o, note, forged)
		},
		Accepted: acknowledged,
		Schedule: repeats(),
		Timeout:  10 * time.Second,
		Faults:   s.faults,
	})
}

// acknowledged wants {"success":true,"message":…}.
func acknowledged(status int, body []byte) bool {
	var answer struct {
		Success bool `json:"success"`
	}
	return status == http.StatusOK && json.Unmarshal(body, &answer) == nil && answer.Success
}

// buildNotice seals a notice. A forged one is signed with somebody else's key,
// or carries other data than were signed, by turns.
func (s *Server) buildNotice(ctx context.Context, o *order, note map[string]any, forged bool) (*http.Request, error) {
	body, err := o.app.seal(note, nil, s.env.Clock.Now())
	if err == nil && forged {
		s.mu.Lock()
		s.forged++
		otherKey := s.forged%2 == 1
		s.mu.Unlock()
		if otherKey {
			body, err = o.app.sealAsForger(note, s.env.Clock.Now())
		} else {
			body, err = o.app.swapData(body, note)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("building a notice: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.notifyURL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("building a notice: %w", err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	return request, nil
}

// sealAsForger seals with a key that is not the platform's.
func (a *application) sealAsForger(note map[string]any, now time.Time) ([]byte, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	other := *a
	other.platformKey = key
	return other.seal(note, nil, now)
}

// swapData keeps an envelope's signature and puts other data under it.
func (a *application) swapData(envelope []byte, note map[string]any) ([]byte, error) {
	fields, err := decodeObject(envelope)
	if err != nil {
		return nil, err
	}
	changed := map[string]any{}
	for name, value := range note {
		changed[name] = value
	}
	changed["feeSumamt"] = "0.01"
	plain, err := appendCanonical(nil, changed)
	if err != nil {
		return nil, err
	}
	key, err := dataKey(a.appID, a.appSecret)
	if err != nil {
		return nil, err
	}
	sealed, err := ecbEncrypt(key, plain)
	if err != nil {
		return nil, err
	}
	fields["encData"] = strings.ToUpper(hex.EncodeToString(sealed))
	return json.Marshal(fields)
}
