// Package privacy keeps personal data unreadable to everyone without a key:
// encryption at rest and in Temporal, blind indexes for looking things up
// without reading them, and masks for people who need to recognise a patient
// but not to know them.
//
// Everything is national cryptography (GM/T): SM4 in GCM for secrecy and
// integrity, HMAC-SM3 for indexes.
package privacy

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// KeySize is the length of a key of the ring, in bytes (SM4 has 128-bit keys).
const KeySize = 16

const (
	envelopeVersion = 1
	nonceSize       = 12
	maxKeyID        = 64
	minIndexKey     = 16
	indexSize       = 16 // bytes of an index: 128 bits, so that chance never makes two equal
)

// Errors of opening an envelope, for errors.Is. None says more about the
// content, which may be personal data.
var (
	ErrEnvelope = errors.New("not an envelope of this keyring")
	ErrKey      = errors.New("sealed with a key that is not on the keyring")
	ErrTampered = errors.New("the sealed data was altered or belongs elsewhere")
)

// Keyring seals with its active key and opens with any of its keys, so that a
// key is rotated by adding a new one, making it active, and dropping the old
// one when nothing is sealed with it any more. It is immutable and safe for
// concurrent use.
//
// Nonces are random: a key should be rotated well before 2^32 envelopes.
type Keyring struct {
	active string
	keys   map[string]cipher.AEAD
	index  []byte
}

// Option changes how a Keyring is made.
type Option func(*Keyring) error

// WithIndexKey sets the key of the blind indexes (16 bytes or more). Keep it
// over every rotation: an index made with another key finds nothing. Without
// it, the index key is derived from the key whose id sorts first.
func WithIndexKey(key []byte) Option {
	return func(k *Keyring) error {
		if len(key) < minIndexKey {
			return fmt.Errorf("keyring: the index key has %d bytes, fewer than %d", len(key), minIndexKey)
		}
		k.index = mac(key, "regpay blind index", "")
		return nil
	}
}

// NewKeyring makes a ring of SM4 keys (KeySize bytes each) by id, one of which
// is active.
func NewKeyring(active string, keys map[string][]byte, opts ...Option) (*Keyring, error) {
	k := &Keyring{active: active, keys: make(map[string]cipher.AEAD, len(keys))}
	ids := make([]string, 0, len(keys))
	for id, key := range keys {
		if id == "" || len(id) > maxKeyID {
			return nil, fmt.Errorf("keyring: a key's id has 1 to %d bytes", maxKeyID)
		}
		if len(key) != KeySize {
			return nil, fmt.Errorf("keyring: key %q has %d bytes, not %d", id, len(key), KeySize)
		}
		block, err := sm4.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("keyring: key %q: %w", id, err)
		}
		if k.keys[id], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("keyring: key %q: %w", id, err)
		}
		ids = append(ids, id)
	}
	if _, ok := k.keys[active]; !ok {
		return nil, fmt.Errorf("keyring: the active key %q is not among the keys", active)
	}
	k.index = mac(keys[slices.Min(ids)], "regpay blind index", "")
	for _, o := range opts {
		if err := o(k); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Active is the id of the key that seals.
func (k *Keyring) Active() string { return k.active }

// Seal encrypts plain. The result opens only with the same aad, which ties it
// to its place (a row, a column) without being part of it.
func (k *Keyring) Seal(plain, aad []byte) ([]byte, error) {
	gcm := k.keys[k.active]
	head := 2 + len(k.active) + nonceSize
	out := make([]byte, head, head+len(plain)+gcm.Overhead())
	out[0] = envelopeVersion
	out[1] = byte(len(k.active))
	copy(out[2:], k.active)
	if _, err := rand.Read(out[head-nonceSize:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return gcm.Seal(out, out[head-nonceSize:head], plain, bound(out[:head-nonceSize], aad)), nil
}

// Open decrypts what Seal made. It returns ErrEnvelope, ErrKey or ErrTampered.
func (k *Keyring) Open(sealed, aad []byte) ([]byte, error) {
	id, ok := keyID(sealed)
	if !ok {
		return nil, fmt.Errorf("open: %w", ErrEnvelope)
	}
	gcm, ok := k.keys[id]
	if !ok {
		return nil, fmt.Errorf("open: %w", ErrKey)
	}
	head := 2 + len(id)
	plain, err := gcm.Open(nil, sealed[head:head+nonceSize], sealed[head+nonceSize:], bound(sealed[:head], aad))
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrTampered)
	}
	return plain, nil
}

// keyID reads which key an envelope was sealed with.
func keyID(sealed []byte) (string, bool) {
	if len(sealed) < 2 || sealed[0] != envelopeVersion {
		return "", false
	}
	n := int(sealed[1])
	if n == 0 || len(sealed) < 2+n+nonceSize {
		return "", false
	}
	return string(sealed[2 : 2+n]), true
}

// bound is the additional data of an envelope: its head, so that a key's id
// cannot be exchanged, and the caller's.
func bound(head, aad []byte) []byte {
	b := make([]byte, 0, len(head)+len(aad))
	return append(append(b, head...), aad...)
}

// Index is a blind index of value: equal values of one label have equal
// indexes, and nobody without the index key can tell which value it was. It is
// lower hex and does not change when keys are rotated.
func (k *Keyring) Index(label, value string) string {
	return hex.EncodeToString(mac(k.index, label, value)[:indexSize])
}

// mac is HMAC-SM3 over label and value, kept apart by the label's length.
func mac(key []byte, label, value string) []byte {
	h := hmac.New(sm3.New, key)
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(label)))
	h.Write(n[:])
	h.Write([]byte(label))
	h.Write([]byte(value))
	return h.Sum(nil)
}
