package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
)

// backend is a booking backend: it is told how payments went, and believes
// only what is signed with its hospital's secret.
type backend struct {
	server  *http.Server
	base    string
	secrets map[string]*standardwebhooks.Webhook

	mu      sync.Mutex
	told    map[string][]message // by order
	refuses map[string]int       // by order: how many messages are still to be refused
	forged  []string
}

// message is one callback that was verified and accepted.
type message struct {
	id string
	activities.Callback
}

func newBackend(in *local.Installation) (*backend, error) {
	b := &backend{secrets: map[string]*standardwebhooks.Webhook{}, told: map[string][]message{}, refuses: map[string]int{}}
	for _, h := range []string{renmin, xiehe} {
		secret, err := in.CallbackSecret(h)
		if err != nil {
			return nil, err
		}
		if b.secrets[h], err = standardwebhooks.NewWebhookRaw(secret); err != nil {
			return nil, fmt.Errorf("callback secret of %s: %w", h, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.base = "http://" + l.Addr().String()
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(l) }() // ends in close
	return b, nil
}

func (b *backend) close() error { return b.server.Close() }

func (b *backend) url(hospital, order string) string { return b.base + "/" + hospital + "/" + order }

// ServeHTTP takes a callback at /<hospital>/<order>.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hospital, order, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil {
		err = b.take(hospital, order, r, body)
	}
	if err != nil {
		http.Error(w, "refused", http.StatusBadGateway)
	}
}

var errBusy = errors.New("the backend is busy")

func (b *backend) take(hospital, order string, r *http.Request, body []byte) error {
	m := message{id: r.Header.Get(standardwebhooks.HeaderWebhookID)}
	verifier := b.secrets[hospital]
	err := errors.New("no such hospital")
	if verifier != nil {
		err = verifier.Verify(body, r.Header)
	}
	if err == nil {
		err = json.Unmarshal(body, &m.Callback)
	}
	if err == nil && (m.Data.OrderNo != order || m.Data.HospitalID != hospital) {
		err = errors.New("about another order")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.forged = append(b.forged, order+": "+err.Error())
		return err
	}
	if b.refuses[order] > 0 {
		b.refuses[order]--
		return errBusy
	}
	// A message may come again, since its answer may have been lost; it says
	// the same under the same id then, and is dropped. It may know more of money
	// that came in besides the payment's, and goes back.
	for _, known := range b.told[order] {
		if known.id == m.id {
			if known.Data.CapturedFen = m.Data.CapturedFen; known.Data != m.Data {
				b.forged = append(b.forged, fmt.Sprintf("%s: %+v under the id of %+v", order, m.Data, known.Data))
			}
			return nil
		}
	}
	b.told[order] = append(b.told[order], m)
	return nil
}

// refuse lets the next messages about an order fail.
func (b *backend) refuse(order string, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuses[order] = times
}

// messages are those about an order so far.
func (b *backend) messages(order string) []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]message(nil), b.told[order]...)
}

// states are what it was told an order's payment had become.
func (b *backend) states(order string) []payment.Status {
	var all []payment.Status
	for _, m := range b.messages(order) {
		all = append(all, m.Data.Status)
	}
	return all
}

// unbelieved lists the messages that did not verify; there must be none.
func (b *backend) unbelieved() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.forged...)
}

func background() context.Context { return context.Background() }
