package staff

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What a password has.
const (
	MinPassword = 10  // characters
	MaxPassword = 128 // bytes
)

// Errors of passwords, for errors.Is.
var (
	ErrPassword = errors.New("a password has 10 characters to 128 bytes, and is not the login")
	ErrHash     = errors.New("not a password hash of argon2id")
)

// The parameters of new hashes: the least memory that OWASP's Password Storage
// Cheat Sheet recommends for argon2id, with its number of passes. More memory
// would make a guess dearer for whoever stole the hashes, but several sign-ins
// at once share a small machine with the payments; 19 MiB are some 30 ms of one
// core. One lane, since a sign-in should not take the second core as well.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16 // bytes, as RFC 9106, 3.1 recommends
	keyLen  = 32 // bytes
)

// Bounds of parameters that are believed of a stored hash: one that was
// tampered with must not take all memory or never end.
const (
	maxMemory = 1 << 20 // KiB: 1 GiB
	maxPasses = 16
	maxLanes  = 16
)

var phcText = base64.RawStdEncoding.Strict()

// CheckPassword finds out whether an account can have a password: its length,
// and that it is not the login. No kinds of characters are asked for: length
// is what counts (NIST SP 800-63B, 3.1.1.2).
func CheckPassword(login, password string) error {
	if !utf8.ValidString(password) || utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword ||
		strings.EqualFold(strings.TrimSpace(password), login) {
		return ErrPassword
	}
	return nil
}

// NewPassword makes a first password of 20 letters and digits (100 bits). It
// has neither 0 nor 1, so that nothing in it is taken for another character.
func NewPassword() string { return strings.ToLower(rand.Text()[:20]) }

// HashPassword makes the PHC string of a password, with a salt of its own.
func HashPassword(password string) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	h := hash{memory: memory, passes: passes, lanes: lanes, salt: salt}
	h.key = h.of(password, keyLen)
	return h.String(), nil
}

// VerifyPassword says whether a password is that of a PHC string, and whether
// the string is stale: made with other parameters than those of today, so that
// the password should be hashed anew while it is known. It returns ErrHash for
// a string that HashPassword cannot have made.
func VerifyPassword(phc, password string) (ok, stale bool, err error) {
	h, err := parseHash(phc)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(h.key, h.of(password, uint32(len(h.key)))) == 1
	stale = h.memory != memory || h.passes != passes || h.lanes != lanes || len(h.salt) != saltLen || len(h.key) != keyLen
	return ok, stale, nil
}

// VerifyNobody takes as long as VerifyPassword and believes nobody: for logins
// that do not exist, which would else be told by the quick answer.
func VerifyNobody(password string) {
	hash{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltLen)}.of(password, keyLen)
}

type hash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func (h hash) of(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, size)
}

// String is the hash in the PHC string format.
func (h hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		phcText.EncodeToString(h.salt), phcText.EncodeToString(h.key))
}

func parseHash(phc string) (hash, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || len(phc) > 512 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return hash{}, ErrHash
	}
	var h hash
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return hash{}, ErrHash
	}
	var err error
	if h.salt, err = phcText.DecodeString(parts[4]); err != nil {
		return hash{}, ErrHash
	}
	if h.key, err = phcText.DecodeString(parts[5]); err != nil {
		return hash{}, ErrHash
	}
	if h.lanes < 1 || h.lanes > maxLanes || h.passes < 1 || h.passes > maxPasses || h.memory < 8*uint32(h.lanes) || h.memory > maxMemory ||
		len(h.salt) < 8 || len(h.key) < 16 || h.String() != phc {
		return hash{}, ErrHash
	}
	return h, nil
}
