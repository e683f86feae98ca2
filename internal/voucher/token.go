package voucher

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Token is the content of a QR code:
//
//	RP1.<hospital>.<order>.<code>.<slot>.<amount>.<signature>
//
// slot is in minutes since 1970 and amount in fen, both in base 36. The
// signature is the first 96 bits of HMAC-SM3 over everything before it, in
// unpadded base64url: short enough for a coarse QR code, and nobody tries 2^95
// forgeries at a counter.
const tokenVersion = "RP1"

// signatureSize is in bytes.
const signatureSize = 12

// MinKey is the least length of the signing key, in bytes.
const MinKey = 16

// ErrToken: not a token of this hospital, or tampered with.
var ErrToken = errors.New("not a voucher token")

// Claim is what a token says.
type Claim struct {
	HospitalID string
	OrderNo    string
	Code       string
	SlotAt     time.Time // to the minute
	AmountFen  int64
}

// Signer signs tokens. Each hospital has a key of its own, derived from one of
// the installation, so that a counter which checks tokens cannot make those of
// another hospital. It is safe for concurrent use.
type Signer struct{ key []byte }

// NewSigner takes the installation's key, of at least MinKey bytes.
func NewSigner(key []byte) (*Signer, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("the voucher key has %d bytes, it needs %d", len(key), MinKey)
	}
	return &Signer{key: append([]byte(nil), key...)}, nil
}

// HospitalKey is what a hospital's counters are given to check tokens with.
func (s *Signer) HospitalKey(hospital string) []byte {
	return mac(s.key, "regpay voucher key\x00"+hospital)
}

var (
	word = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	num  = regexp.MustCompile(`^[0-9a-z]{1,13}$`)
)

// Sign makes a token. It returns an error for a claim that a token cannot hold.
func (s *Signer) Sign(c Claim) (string, error) {
	if !word.MatchString(c.HospitalID) || !word.MatchString(c.OrderNo) || !word.MatchString(c.Code) ||
		c.SlotAt.Unix() < 0 || c.AmountFen < 0 {
		return "", errors.New("sign a voucher: a member has a form that a token cannot hold")
	}
	body := strings.Join([]string{tokenVersion, c.HospitalID, c.OrderNo, c.Code,
		strconv.FormatInt(c.SlotAt.Unix()/60, 36), strconv.FormatInt(c.AmountFen, 36)}, ".")
	return body + "." + signature(s.HospitalKey(c.HospitalID), body), nil
}

// Verify checks a token with a hospital's key and reads it, or returns
// ErrToken. It says nothing of whether the voucher still holds.
func Verify(hospitalKey []byte, token string) (Claim, error) {
	parts := strings.Split(token, ".")
	if len(token) > 400 || len(parts) != 7 || parts[0] != tokenVersion ||
		!word.MatchString(parts[1]) || !word.MatchString(parts[2]) || !word.MatchString(parts[3]) ||
		!num.MatchString(parts[4]) || !num.MatchString(parts[5]) {
		return Claim{}, ErrToken
	}
	body := strings.Join(parts[:6], ".")
	if !hmac.Equal([]byte(signature(hospitalKey, body)), []byte(parts[6])) {
		return Claim{}, ErrToken
	}
	slot, err := strconv.ParseInt(parts[4], 36, 64)
	if err != nil || slot > 1<<40 {
		return Claim{}, ErrToken
	}
	amount, err := strconv.ParseInt(parts[5], 36, 64)
	if err != nil {
		return Claim{}, ErrToken
	}
	return Claim{HospitalID: parts[1], OrderNo: parts[2], Code: parts[3],
		SlotAt: time.Unix(slot*60, 0).UTC(), AmountFen: amount}, nil
}

func signature(key []byte, body string) string {
	return base64.RawURLEncoding.EncodeToString(mac(key, body)[:signatureSize])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sm3.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
