package unionpay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// digest is the hash that RSA signs: SHA-256 over the lower-case hex of the
// SHA-256 of the canonical text (signMethod 01 of version 5.1.0).
func digest(canonical string) []byte {
	inner := sha256.Sum256([]byte(canonical))
	outer := sha256.Sum256([]byte(hex.EncodeToString(inner[:])))
	return outer[:]
}

// sign adds the signature. PKCS#1 v1.5 is deterministic, so the same message
// always has the same one.
func sign(f fields, key *rsa.PrivateKey) error {
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest(f.canonical()))
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	f["signature"] = base64.StdEncoding.EncodeToString(sig)
	return nil
}

var errUnsigned = errors.New("no signature or no certificate")

// verify checks that UnionPay signed the message.
func (c *Client) verify(f fields) error {
	if f["signature"] == "" || f["signPubKeyCert"] == "" || f["signMethod"] != "01" {
		return errUnsigned
	}
	sig, err := base64.StdEncoding.DecodeString(f["signature"])
	if err != nil {
		return errors.New("the signature is not base64")
	}
	key, err := c.trust.key(f["signPubKeyCert"], c.cfg.Clock())
	if err != nil {
		return err
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest(f.canonical()), sig); err != nil {
		return errors.New("the signature does not match")
	}
	return nil
}
