// Package booking plays the hospitals' booking backend towards an installation:
// it is told, signed, how payments end. The demo and the fault run use it.
package booking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/regpay/regpay/activities"
)

// maxCallback is the longest callback that is read, in bytes.
const maxCallback = 64 << 10

// Backend receives callbacks. As a real one would, it believes nothing that does
// not verify and drops what it has seen. It is safe for concurrent use.
type Backend struct {
	server *http.Server
	base   string
	keys   map[string]*standardwebhooks.Webhook // by hospital

	mu       sync.Mutex
	told     map[string][]activities.Callback // by payment, in order of arrival
	seen     map[string]int                   // deliveries by message id
	refused  int
	away     bool                     // nobody answers: every callback is refused
	listener map[string]chan struct{} // closed when a payment is told of
}

// Listen listens on a free loopback port. secret finds a hospital's.
func Listen(hospitals []string, secret func(hospital string) ([]byte, error)) (*Backend, error) {
	b := &Backend{keys: map[string]*standardwebhooks.Webhook{}, told: map[string][]activities.Callback{},
		seen: map[string]int{}, listener: map[string]chan struct{}{}}
	for _, h := range hospitals {
		s, err := secret(h)
		if err != nil {
			return nil, err
		}
		if b.keys[h], err = standardwebhooks.NewWebhookRaw(s); err != nil {
			return nil, fmt.Errorf("callback secret of %s: %w", h, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for callbacks: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /callbacks/{hospital}", b.receive)
	b.base = "http://" + l.Addr().String()
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := b.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("the booking backend stopped:", err)
		}
	}()
	return b, nil
}

// Close stops listening.
func (b *Backend) Close() { _ = b.server.Close() }

// URL is where a hospital's callbacks go.
func (b *Backend) URL(hospital string) string { return b.base + "/callbacks/" + hospital }

func (b *Backend) receive(w http.ResponseWriter, r *http.Request) {
	if b.isAway() {
		http.Error(w, "the booking backend is away", http.StatusServiceUnavailable)
		return
	}
	message, err := b.verify(r)
	if err != nil {
		b.mu.Lock()
		b.refused++
		b.mu.Unlock()
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	b.keep(r.Header.Get(standardwebhooks.HeaderWebhookID), message)
	w.WriteHeader(http.StatusNoContent)
}

// SetAway lets every callback be refused for a while, as by a backend that is
// down, or ends that.
func (b *Backend) SetAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

func (b *Backend) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

// verify checks the signature and its age, and that the message is of the
// hospital whose secret signed it.
func (b *Backend) verify(r *http.Request) (m activities.Callback, err error) {
	hospital := r.PathValue("hospital")
	key, ok := b.keys[hospital]
	if !ok {
		return m, errors.New("not a hospital of this backend")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCallback))
	if err != nil {
		return m, err
	}
	if err := key.Verify(body, r.Header); err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, errors.New("not a callback")
	}
	if m.Data.HospitalID != hospital || m.Type != "payment."+string(m.Data.Status) {
		return m, errors.New("the callback contradicts itself")
	}
	return m, nil
}

func (b *Backend) keep(id string, m activities.Callback) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[id]++
	if b.seen[id] > 1 {
		return
	}
	b.told[m.Data.PaymentID] = append(b.told[m.Data.PaymentID], m)
	if c, ok := b.listener[m.Data.PaymentID]; ok {
		close(c)
		delete(b.listener, m.Data.PaymentID)
	}
}

// Of lists what a payment's callbacks said, and a channel that is closed when
// there is one more.
func (b *Backend) Of(paymentID string) ([]activities.Callback, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.listener[paymentID]
	if !ok {
		c = make(chan struct{})
		b.listener[paymentID] = c
	}
	return append([]activities.Callback(nil), b.told[paymentID]...), c
}

// Deliveries counts messages that verified, those that came again, and those
// that did not verify.
func (b *Backend) Deliveries() (messages, repeats, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.seen {
		repeats += n - 1
	}
	return len(b.seen), repeats, b.refused
}

// Wait waits until the payment is told of once more, or for d at most.
func (b *Backend) Wait(ctx context.Context, more <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-more:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
