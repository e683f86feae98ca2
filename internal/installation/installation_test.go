package installation

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/config"
)

// least is a configuration that can be opened up to the database, at an address
// where nobody listens.
const least = `
database: {dsn_file: dsn}
http: {public_url: https://pay.example.org}
encryption: {active: k1, keys: [{id: k1, file: k1}], index_key_file: index}
temporal: {}
hospitals:
  - id: ren-he
    callback_secret_file: secret
    his: {kind: fhir, base_url: https://his.example.org/fhir, token_file: secret}
`

// installed writes the configuration with one part replaced, and its files.
func installed(t *testing.T, old, with string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"dsn": "postgres://u:p@127.0.0.1:1/regpay?sslmode=disable", "k1": strings.Repeat("0a", 16),
		"index": strings.Repeat("0b", 16), "secret": "s", "regpay.yaml": strings.Replace(least, old, with, 1)}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return filepath.Join(dir, "regpay.yaml")
}

// What a person has to mend is told at once by its key, and not after waiting
// for a database.
func TestAMistakeIsToldAtOnceByTheNameOfItsKey(t *testing.T) {
	for name, tc := range map[string]struct {
		old, with string
		files     map[string]string
		want      string
	}{
		"a key that is not known":            {"public_url", "publicurl", nil, "there is no key http.publicurl"},
		"an encryption key's file":           {"file: k1", "file: k9", nil, "encryption.keys: k1: read secret"},
		"an encryption key of wrong size":    {"", "", map[string]string{"k1": "0a0b"}, "encryption.keys: k1: "},
		"the index key's file":               {"file: index", "file: nowhere", nil, "encryption.index_key_file: read secret"},
		"a hospital's secret":                {"_file: secret", "_file: nowhere", nil, "hospital ren-he: callback_secret_file: read secret"},
		"the database's file":                {"dsn_file: dsn", "dsn_file: nowhere", nil, "database.dsn_file: read secret"},
		"an address that is none":            {"", "", map[string]string{"dsn": "postgres://u:hushhush@[::1/x"}, "database.dsn, or the content of database.dsn_file"},
		"words that are no address":          {"", "", map[string]string{"dsn": "hushhush"}, "database.dsn, or the content of database.dsn_file"},
		"Temporal's certificate":             {"temporal: {}", "temporal: {cert_file: nowhere, key_file: nowhere}", nil, "temporal.cert_file and temporal.key_file: "},
		"Temporal's authority":               {"temporal: {}", "temporal: {ca_file: nowhere}", nil, "temporal.ca_file: "},
		"an authority without a certificate": {"temporal: {}", "temporal: {ca_file: secret}", nil, "temporal.ca_file: no certificate in the file"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Open(t.Context(), installed(t, tc.old, tc.with, tc.files), time.Hour, zap.NewNop())
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hushhush", "a password is not shown")
			require.NotContains(t, err.Error(), "0a0b")
			require.Less(t, time.Since(start), time.Minute)
		})
	}
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "nowhere.yaml"), time.Hour, zap.NewNop())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestADatabaseThatIsNotThereIsWaitedForAsLongAsPatienceLasts(t *testing.T) {
	_, err := Open(t.Context(), installed(t, "", "", nil), 50*time.Millisecond, zap.NewNop())
	require.ErrorContains(t, err, "the database cannot be reached")
}

func TestWhatComesUpLaterIsFound(t *testing.T) {
	tries := 0
	err := retry(t.Context(), "it", zap.NewNop(), func() error {
		if tries++; tries == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, tries)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refused := errors.New("refused")
	require.ErrorIs(t, retry(ctx, "it", zap.NewNop(), func() error { return refused }), refused, "the last reason is told")
}

func TestBooksAloneNeedNeitherHospitalsNorTemporal(t *testing.T) {
	c, err := config.Load(installed(t, "_file: secret", "_file: nowhere", nil))
	require.NoError(t, err)
	_, err = OpenBooks(t.Context(), c)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "callback_secret_file", "it gets as far as the database")
	c.Database.DSNFile = "nowhere"
	_, err = OpenBooks(t.Context(), c)
	require.ErrorContains(t, err, "database.dsn_file")
}

// rule I10: whatever reaches Temporal is sealed.
func TestTheConnectionToTemporalSealsWhatItCarries(t *testing.T) {
	c, err := config.Load(installed(t, "", "", nil))
	require.NoError(t, err)
	ring, err := keys(c)
	require.NoError(t, err)
	o, err := (&Installation{Config: c, Keys: ring, Log: zap.NewNop()}).clientOptions()
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7233", o.HostPort)
	require.Equal(t, "regpay", o.Namespace)
	require.Nil(t, o.ConnectionOptions.TLS, "a plain connection unless a certificate is given")

	sealed, err := o.DataConverter.ToPayload("张小明")
	require.NoError(t, err)
	require.NotContains(t, string(sealed.Data), "张小明")
	failure := o.FailureConverter.ErrorToFailure(errors.New("张小明"))
	require.NotContains(t, failure.String(), "张小明")
	plain, err := converter.GetDefaultDataConverter().ToPayload("张小明")
	require.NoError(t, err)
	require.Contains(t, string(plain.Data), "张小明", "the check above can fail")
}

func TestTemporalIsCheckedByItsAuthority(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	files := map[string]string{
		"cert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
	for name, tc := range map[string]struct {
		with         string
		certificates int
	}{
		"the server alone": {"temporal: {ca_file: cert}", 0},
		"both sides":       {"temporal: {ca_file: cert, cert_file: cert, key_file: key}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(installed(t, "temporal: {}", tc.with, files))
			require.NoError(t, err)
			ring, err := keys(c)
			require.NoError(t, err)
			o, err := (&Installation{Config: c, Keys: ring, Log: zap.NewNop()}).clientOptions()
			require.NoError(t, err)
			require.NotNil(t, o.ConnectionOptions.TLS.RootCAs)
			require.Len(t, o.ConnectionOptions.TLS.Certificates, tc.certificates)
		})
	}
}
