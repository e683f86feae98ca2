package unionpay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Names of the fields that carry the signature.
const (
	fieldSignature      = "signature"
	fieldSignPubKeyCert = "signPubKeyCert"
)

// digest is what RSA signs under ACP 5.1.0: the lower-case hex text of the
// SHA-256 of the string to sign is itself hashed by SHA256withRSA. Signing the
// first hash directly is a common mistake and does not verify.
func digest(form Form) []byte {
	inner := sha256.Sum256([]byte(form.StringToSign()))
	outer := sha256.Sum256([]byte(hex.EncodeToString(inner[:])))
	return outer[:]
}

// sign adds the signing certificate and the signature of it and everything
// else. It changes form.
func sign(form Form, key *rsa.PrivateKey, certPEM string) error {
	form[fieldSignPubKeyCert] = certPEM
	delete(form, fieldSignature)
	raw, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest(form))
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	form[fieldSignature] = base64.StdEncoding.EncodeToString(raw)
	return nil
}

// verify checks a message of a merchant against its certificate.
func verify(form Form, cert *x509.Certificate) error {
	raw, err := base64.StdEncoding.DecodeString(form[fieldSignature])
	if err != nil || len(raw) == 0 {
		return errors.New("verifying: the signature is not base64")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("verifying: the certificate has no RSA key")
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest(form), raw); err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	return nil
}
