package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// SecretPrefix starts every API key, so that one that leaked into a text is
// recognised as such.
const SecretPrefix = "rp_"

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

type apiKeyRow struct {
	ID        string         `db:"id"`
	Name      string         `db:"name"`
	Hospitals pq.StringArray `db:"hospitals"`
	Staff     bool           `db:"staff"`
}

func (r apiKeyRow) key() APIKey {
	return APIKey{ID: r.ID, Name: r.Name, Hospitals: r.Hospitals, Staff: r.Staff}
}

// CreateAPIKey makes a key and returns its secret, which is not kept and can
// never be read again. An empty ID is filled in at random; one that exists is
// ErrConflict.
func (s *Store) CreateAPIKey(ctx context.Context, k APIKey) (secret string, err error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make an API key: %w", err)
	}
	secret = SecretPrefix + strings.ToLower(secretText.EncodeToString(b))
	if k.ID == "" {
		k.ID = "key_" + strings.ToLower(rand.Text()[:12])
	}
	hash := sha256.Sum256([]byte(secret))
	now := time.Now()
	err = s.loggedChange(ctx, SubjectAPIKeys, bySystem, now, func(tx *sqlx.Tx) (string, map[string]string, error) {
		const insert = `INSERT INTO api_keys (id, name, hash, hospitals, staff, created_at) VALUES ($1, $2, $3, $4, $5, $6)`
		_, err := tx.ExecContext(ctx, insert, k.ID, k.Name, hash[:], pq.StringArray(nonNil(k.Hospitals)), k.Staff, stamp(now))
		return "key_created", details("key", k.ID, "name", k.Name, "hospitals", strings.Join(k.Hospitals, ",")), err
	})
	if err != nil {
		return "", fmt.Errorf("create API key %s: %w", k.ID, err)
	}
	return secret, nil
}

// AuthenticateAPIKey finds whose secret it is, or returns ErrNotFound, also for
// a key that was revoked. The secret is 256 random bits, so a plain hash of it
// gives nothing away and can be looked up.
func (s *Store) AuthenticateAPIKey(ctx context.Context, secret string) (APIKey, error) {
	if !strings.HasPrefix(secret, SecretPrefix) {
		return APIKey{}, fmt.Errorf("authenticate: %w", ErrNotFound)
	}
	hash := sha256.Sum256([]byte(secret))
	var r apiKeyRow
	const read = `SELECT id, name, hospitals, staff FROM api_keys WHERE hash = $1 AND revoked_at IS NULL`
	if err := s.db.GetContext(ctx, &r, read, hash[:]); err != nil {
		return APIKey{}, fmt.Errorf("authenticate: %w", found(err))
	}
	return r.key(), nil
}

// RevokeAPIKey ends a key at once. Revoking it again changes nothing; one that
// does not exist is ErrNotFound.
func (s *Store) RevokeAPIKey(ctx context.Context, id string) error {
	now := time.Now()
	err := s.loggedChange(ctx, SubjectAPIKeys, bySystem, now, func(tx *sqlx.Tx) (string, map[string]string, error) {
		var fresh bool
		const write = `
UPDATE api_keys k SET revoked_at = coalesce(k.revoked_at, $2) FROM api_keys old
 WHERE k.id = $1 AND old.id = k.id RETURNING old.revoked_at IS NULL`
		if err := tx.GetContext(ctx, &fresh, write, id, stamp(now)); err != nil {
			return "", nil, found(err)
		}
		if !fresh {
			return "", nil, nil
		}
		return "key_revoked", details("key", id), nil
	})
	if err != nil {
		return fmt.Errorf("revoke API key %s: %w", id, err)
	}
	return nil
}

// APIKeys lists the keys that are valid, without their secrets.
func (s *Store) APIKeys(ctx context.Context) ([]APIKey, error) {
	var rows []apiKeyRow
	const read = `SELECT id, name, hospitals, staff FROM api_keys WHERE revoked_at IS NULL ORDER BY created_at, id`
	if err := s.db.SelectContext(ctx, &rows, read); err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	out := make([]APIKey, len(rows))
	for i, r := range rows {
		out[i] = r.key()
	}
	return out, nil
}
