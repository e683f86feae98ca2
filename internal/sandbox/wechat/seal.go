package wechat

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// beijing is the zone of every time that the platform writes.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// signatureHeaders signs TIMESTAMP\nNONCE\nBODY\n with the platform's key, as
// replies and notifications are (documented as 如何构造请求签名，如何验证签名).
func signatureHeaders(m *merchant, now time.Time, body []byte) (http.Header, error) {
	timestamp, nonce := strconv.FormatInt(now.Unix(), 10), randomHex(16)
	signature, err := signRSA(m.platformKey, timestamp+"\n"+nonce+"\n"+string(body)+"\n")
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", timestamp)
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Signature", signature)
	h.Set("Wechatpay-Serial", m.platformSerial())
	h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
	return h, nil
}

func signRSA(key *rsa.PrivateKey, message string) (string, error) {
	digest := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

func verifyRSA(key *rsa.PublicKey, message, signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(message))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
}

// sealed is something encrypted with a merchant's APIv3 key (documented as 如何解密证书和回调报文).
type sealed struct {
	Algorithm      string `json:"algorithm"`
	OriginalType   string `json:"original_type,omitempty"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
	Nonce          string `json:"nonce"`
}

func seal(m *merchant, originalType, associated string, plain []byte) (sealed, error) {
	block, err := aes.NewCipher(m.apiV3Key)
	if err != nil {
		return sealed{}, fmt.Errorf("sealing: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return sealed{}, fmt.Errorf("sealing: %w", err)
	}
	nonce := randomHex(6) // 12 characters, GCM's nonce size
	ciphertext := gcm.Seal(nil, []byte(nonce), plain, []byte(associated))
	return sealed{Algorithm: "AEAD_AES_256_GCM", OriginalType: originalType, AssociatedData: associated, Nonce: nonce,
		Ciphertext: base64.StdEncoding.EncodeToString(ciphertext)}, nil
}

// randomHex is n random bytes in hex; the platform's nonces and tokens.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand.Read never returns an error
	return hex.EncodeToString(b)
}

// randomUUID is a random UUID, version 4.
func randomUUID() string {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck // crypto/rand.Read never returns an error
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func rfc3339(t time.Time) string { return t.In(beijing).Format(time.RFC3339) }
