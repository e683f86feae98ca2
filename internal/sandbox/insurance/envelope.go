package insurance

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/emmansun/gmsm/cipher"
	"github.com/emmansun/gmsm/padding"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
)

const (
	envelopeVersion = "2.0.1"
	encSM4          = "SM4"
	signSM2         = "SM2"
	// userID is the SM2 signer's identity that GM/T 0009 gives when none is agreed.
	userID = "1234567812345678"
	// maxEnvelope bounds a request's body, in bytes: a registration has one or
	// two fee lines, an outpatient visit some hundred.
	maxEnvelope = 1 << 20
)

// dataKey derives the SM4 key of an application: the first 16 characters of the
// upper-case hex of SM4-ECB(key = appId[:16], appSecret).
func dataKey(appID, appSecret string) ([]byte, error) {
	if len(appID) < sm4.BlockSize {
		return nil, errors.New("deriving the data key: appId is shorter than 16 characters")
	}
	sealed, err := ecbEncrypt([]byte(appID[:sm4.BlockSize]), []byte(appSecret))
	if err != nil {
		return nil, fmt.Errorf("deriving the data key: %w", err)
	}
	return []byte(strings.ToUpper(hex.EncodeToString(sealed)))[:sm4.BlockSize], nil
}

// ECB with PKCS#7 is the interface's own choice; equal blocks show as equal.
func ecbEncrypt(key, plain []byte) ([]byte, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	padded := padding.NewPKCS7Padding(sm4.BlockSize).Pad(plain)
	out := make([]byte, len(padded))
	cipher.NewECBEncrypter(block).CryptBlocks(out, padded)
	return out, nil
}

func ecbDecrypt(key, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || len(sealed)%sm4.BlockSize != 0 {
		return nil, errors.New("the cipher text is not whole blocks")
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(sealed))
	cipher.NewECBDecrypter(block).CryptBlocks(out, sealed)
	return padding.NewPKCS7Padding(sm4.BlockSize).Unpad(out)
}

// signText signs with SM2 and SM3 and gives base64 of raw r‖s, 64 bytes.
func signText(key *sm2.PrivateKey, text string) (string, error) {
	hash, err := sm2.CalculateSM2Hash(&key.PublicKey, []byte(text), []byte(userID))
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	r, s, err := sm2.Sign(rand.Reader, &key.PrivateKey, hash)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return base64.StdEncoding.EncodeToString(raw), nil
}

func verifyText(key *ecdsa.PublicKey, text, signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(raw) != 64 {
		return false
	}
	hash, err := sm2.CalculateSM2Hash(key, []byte(text), []byte(userID))
	if err != nil {
		return false
	}
	return sm2.Verify(key, hash, new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
}

// parseEnvelope reads the outer object of a request and checks its fixed
// fields. It decides nothing that needs a key.
func parseEnvelope(body []byte) (map[string]any, error) {
	if len(body) > maxEnvelope {
		return nil, fmt.Errorf("reading envelope: %d bytes, at most %d", len(body), maxEnvelope)
	}
	fields, err := decodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("reading envelope: %w", err)
	}
	for name, want := range map[string]string{"encType": encSM4, "signType": signSM2, "version": envelopeVersion} {
		if text(fields, name) != want {
			return nil, fmt.Errorf("reading envelope: %s is not %s", name, want)
		}
	}
	for _, name := range []string{"appId", "timestamp", "encData", "signData"} {
		if text(fields, name) == "" {
			return nil, fmt.Errorf("reading envelope: %s is missing", name)
		}
	}
	if _, there := fields["data"]; there {
		// The signature covers the plain data under this name; beside encData
		// it would leave open which of the two is meant.
		return nil, errors.New("reading envelope: data in clear beside encData")
	}
	return fields, nil
}

// open decrypts and verifies an envelope of this application and returns the
// plain data. The signature is over the plain text, so it is checked last.
func (a *application) open(fields map[string]any) (map[string]any, error) {
	key, err := dataKey(a.appID, a.appSecret)
	if err != nil {
		return nil, err
	}
	encoded := text(fields, "encData")
	if encoded != strings.ToUpper(encoded) {
		return nil, errors.New("opening envelope: encData is not upper-case hex")
	}
	sealed, err := hex.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("opening envelope: encData is not hex")
	}
	plain, err := ecbDecrypt(key, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening envelope: %w", err)
	}
	data, err := decodeObject(plain)
	if err != nil {
		return nil, fmt.Errorf("opening envelope: data: %w", err)
	}
	signed := make(map[string]any, len(fields)+1)
	for name, value := range fields {
		signed[name] = value
	}
	signed["data"] = data
	toSign, err := stringToSign(signed, a.appSecret)
	if err != nil {
		return nil, fmt.Errorf("opening envelope: %w", err)
	}
	if !verifyText(a.callerKey, toSign, text(fields, "signData")) {
		return nil, errSignature
	}
	return data, nil
}

var errSignature = errors.New("opening envelope: the signature is not the application's")

// seal signs and encrypts data into an envelope. Extra fields (code, success,
// message of a reply) are signed with the rest.
func (a *application) seal(data map[string]any, extra map[string]any, now time.Time) ([]byte, error) {
	fields := map[string]any{
		"appId":     a.appID,
		"encType":   encSM4,
		"signType":  signSM2,
		"version":   envelopeVersion,
		"timestamp": now.In(shanghai()).Format(timeLayout),
	}
	for name, value := range extra {
		fields[name] = value
	}
	if len(data) > 0 {
		fields["data"] = data
	}
	toSign, err := stringToSign(fields, a.appSecret)
	if err != nil {
		return nil, fmt.Errorf("sealing envelope: %w", err)
	}
	if fields["signData"], err = signText(a.platformKey, toSign); err != nil {
		return nil, fmt.Errorf("sealing envelope: %w", err)
	}
	if len(data) > 0 {
		plain, err := appendCanonical(nil, data)
		if err != nil {
			return nil, fmt.Errorf("sealing envelope: %w", err)
		}
		key, err := dataKey(a.appID, a.appSecret)
		if err != nil {
			return nil, fmt.Errorf("sealing envelope: %w", err)
		}
		sealed, err := ecbEncrypt(key, plain)
		if err != nil {
			return nil, fmt.Errorf("sealing envelope: %w", err)
		}
		delete(fields, "data")
		fields["encData"] = strings.ToUpper(hex.EncodeToString(sealed))
	}
	return json.Marshal(fields)
}

// text gives a field's value when it is a string, else "".
func text(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}
