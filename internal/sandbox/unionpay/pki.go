package unionpay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// signerCN is the common name of the certificate that signs what the gateway
// says. Its third part between @ is what a merchant must check beside the chain.
const signerCN = "041@8310000000083040@中国银联股份有限公司@00016495"

const (
	rsaBits    = 2048
	rootPath   = "unionpay/root.pem"
	middlePath = "unionpay/middle.pem"
)

// identity is a key with its certificate, as PEM too.
type identity struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

// authority is the acquirer's chain: the root signs the middle one, and the
// middle one signs the certificate of the gateway and those of the merchants.
type authority struct {
	root, middle, signer identity
}

// openAuthority reads the chain or makes it at the first start. The keys of
// root and middle stay in the directory, so that a hospital added later is
// certified under the same root.
func openAuthority(files *sandbox.Files, now time.Time) (*authority, error) {
	var a authority
	var err error
	if a.root, err = openIdentity(files, "unionpay/root_key.pem", rootPath, caTemplate("Sandbox Root CA", now), nil); err != nil {
		return nil, err
	}
	if a.middle, err = openIdentity(files, "unionpay/middle_key.pem", middlePath, caTemplate("Sandbox Middle CA", now), &a.root); err != nil {
		return nil, err
	}
	a.signer, err = openIdentity(files, "unionpay/signer_key.pem", "unionpay/signer.pem", leafTemplate(signerCN, now), &a.middle)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

func caTemplate(cn string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: cn, Country: []string{"CN"}},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func leafTemplate(cn string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: cn, Country: []string{"CN"}},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(5, 0, 0),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
}

// openIdentity loads a key and its certificate, making what is missing. issuer
// nil means self-signed.
func openIdentity(files *sandbox.Files, keyRel, certRel string, template *x509.Certificate, issuer *identity) (identity, error) {
	key, err := files.RSAKey(keyRel, rsaBits)
	if err != nil {
		return identity{}, err
	}
	content, err := files.LoadOrCreate(certRel, func() ([]byte, error) { return certify(template, key, issuer) })
	if err != nil {
		return identity{}, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return identity{}, fmt.Errorf("reading %s: no PEM block", certRel)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return identity{}, fmt.Errorf("reading %s: %w", certRel, err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return identity{}, errors.New("reading " + certRel + ": the certificate is not that of the key beside it")
	}
	return identity{key: key, cert: cert, pem: wirePEM(content)}, nil
}

// wirePEM is a certificate as signPubKeyCert carries it: CRLF between the
// lines and nothing after the last, as the real gateway sends it.
func wirePEM(content []byte) string {
	return strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", "\r\n")
}

func certify(template *x509.Certificate, key *rsa.PrivateKey, issuer *identity) ([]byte, error) {
	// 62 bits: a merchant sends the serial as a decimal number (certId).
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	parent, signer := template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// newForger makes a chain of its own with the same names: what somebody could
// sign with who has no key of the gateway.
func newForger(now time.Time) (identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return identity{}, err
	}
	content, err := certify(leafTemplate(signerCN, now), key, nil)
	if err != nil {
		return identity{}, err
	}
	return identity{key: key, pem: wirePEM(content)}, nil
}
