package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// How long an API key is believed without asking the books again, which is
// also how long a revoked one still works, and how many are remembered.
const (
	keyLife = 15 * time.Second
	keyRoom = 1024
)

type callerKey struct{}

// caller is who asks.
type caller struct{ store.APIKey }

// may says whether the caller works for a hospital.
func (c caller) may(hospital string) bool {
	return slices.Contains(c.Hospitals, hospital) || c.everywhere()
}

func (c caller) everywhere() bool { return slices.Contains(c.Hospitals, "*") }

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// authenticate is huma middleware: it lets requests with a valid API key pass.
// It runs before the body is read.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	key, err := s.keys.lookup(ctx.Context(), ctx.Header("Authorization"))
	if err != nil {
		r, w := humachi.Unwrap(ctx)
		var p *problem
		if !errors.As(s.refuse(ctx.Context(), err), &p) {
			p = newProblem(CodeUnavailable)
		}
		s.write(w, r, p)
		return
	}
	noteKey(ctx.Context(), key.ID)
	next(huma.WithValue(ctx, callerKey{}, caller{key}))
}

// staffOnly refuses keys that may not decide reviews.
func (s *server) staffOnly(ctx huma.Context, next func(huma.Context)) {
	if !callerOf(ctx.Context()).Staff {
		r, w := humachi.Unwrap(ctx)
		s.write(w, r, newProblem(CodeForbidden))
		return
	}
	next(ctx)
}

// keyring remembers valid API keys for a moment, by their hash, so that a busy
// caller does not cost a query at every call. It is bounded and safe for
// concurrent use.
type keyring struct {
	books Books
	now   func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]knownKey
}

type knownKey struct {
	key   store.APIKey
	until time.Time
}

func newKeyring(b Books, now func() time.Time) *keyring {
	return &keyring{books: b, now: now, known: map[[sha256.Size]byte]knownKey{}}
}

// lookup returns the key of an Authorization header, or a problem.
func (k *keyring) lookup(ctx context.Context, header string) (store.APIKey, error) {
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(secret, "rp_") || len(secret) > 128 {
		return store.APIKey{}, newProblem(CodeUnauthorized)
	}
	sum := sha256.Sum256([]byte(secret))
	if key, ok := k.remembered(sum); ok {
		return key, nil
	}
	key, err := k.books.AuthenticateAPIKey(ctx, secret)
	if errors.Is(err, store.ErrNotFound) || payment.HasCode(err, payment.CodeNotFound) {
		return store.APIKey{}, newProblem(CodeUnauthorized)
	}
	if err != nil {
		return store.APIKey{}, err
	}
	k.remember(sum, key)
	return key, nil
}

func (k *keyring) remembered(sum [sha256.Size]byte) (store.APIKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.known[sum]
	if !ok || !k.now().Before(e.until) {
		return store.APIKey{}, false
	}
	return e.key, true
}

func (k *keyring) remember(sum [sha256.Size]byte, key store.APIKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= keyRoom {
		clear(k.known) // costs the callers one query each, rarely
	}
	k.known[sum] = knownKey{key: key, until: k.now().Add(keyLife)}
}
