package unionpay

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The third part of the CN of the certificates that UnionPay signs with, such
// as "041@8310000000083040@中国银联股份有限公司@00016495", and the one that its
// test gateway has there.
const (
	companyName = "中国银联股份有限公司"
	testName    = "00040000:SIGN"
)

// trust says which certificates are UnionPay's.
type trust struct {
	roots, middles *x509.CertPool
	testToo        bool
}

func newTrust(rootPEM, middlePEM []byte, testToo bool) (trust, error) {
	root, err := parseCert(rootPEM)
	if err != nil {
		return trust{}, fmt.Errorf("root certificate: %w", err)
	}
	middle, err := parseCert(middlePEM)
	if err != nil {
		return trust{}, fmt.Errorf("middle certificate: %w", err)
	}
	return trust{roots: newPool(root), middles: newPool(middle), testToo: testToo}, nil
}

// key returns the public key of a PEM certificate that came with a message,
// once chain, validity at now, and owner are right.
func (t trust) key(certPEM string, now time.Time) (*rsa.PublicKey, error) {
	cert, err := parseCert([]byte(certPEM))
	if err != nil {
		return nil, fmt.Errorf("signPubKeyCert: %w", err)
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots:         t.roots,
		Intermediates: t.middles,
		CurrentTime:   now,
		// These certificates sign messages; their extended usage varies.
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("signPubKeyCert: %w", err)
	}
	if !t.owner(cert.Subject.CommonName) {
		return nil, errors.New("signPubKeyCert: its owner is not UnionPay")
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("signPubKeyCert: not an RSA key")
	}
	return key, nil
}

func (t trust) owner(cn string) bool {
	parts := strings.Split(cn, "@")
	if len(parts) < 3 {
		return false
	}
	return parts[2] == companyName || (t.testToo && parts[2] == testName)
}

func parseCert(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("not a PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("a certificate that cannot be read")
	}
	return cert, nil
}

func parseKey(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("neither PKCS#1 nor PKCS#8")
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return rsaKey, nil
}
