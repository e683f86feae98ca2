package plain

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/store"
)

// How long an API key is believed without asking again, and how many are
// remembered: as regpay's API has it.
const (
	keyLife = 15 * time.Second
	keyRoom = 1024
)

// authenticator looks a key up, or returns store.ErrNotFound.
type authenticator interface {
	AuthenticateAPIKey(ctx context.Context, secret string) (store.APIKey, error)
}

// keyring remembers valid keys by their hash. It is safe for concurrent use.
type keyring struct {
	books authenticator
	now   func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]knownKey
}

type knownKey struct {
	key   store.APIKey
	until time.Time
}

func newKeyring(b authenticator, now func() time.Time) *keyring {
	return &keyring{books: b, now: now, known: map[[sha256.Size]byte]knownKey{}}
}

// lookup returns the key of an Authorization header, or errUnauthorized.
func (k *keyring) lookup(ctx context.Context, header string) (store.APIKey, error) {
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(secret, store.SecretPrefix) || len(secret) > 128 {
		return store.APIKey{}, errUnauthorized
	}
	sum := sha256.Sum256([]byte(secret))
	k.mu.Lock()
	known, ok := k.known[sum]
	k.mu.Unlock()
	if ok && k.now().Before(known.until) {
		return known.key, nil
	}
	key, err := k.books.AuthenticateAPIKey(ctx, secret)
	if errors.Is(err, store.ErrNotFound) {
		return store.APIKey{}, errUnauthorized
	}
	if err != nil {
		return store.APIKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= keyRoom {
		clear(k.known)
	}
	k.known[sum] = knownKey{key: key, until: k.now().Add(keyLife)}
	return key, nil
}

// may says whether a key is for a hospital.
func may(k store.APIKey, hospital string) bool {
	return slices.Contains(k.Hospitals, hospital) || slices.Contains(k.Hospitals, "*")
}
