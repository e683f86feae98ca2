package insurance

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	gmcipher "github.com/emmansun/gmsm/cipher"
	"github.com/emmansun/gmsm/padding"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
)

// sm4Key derives the key of the messages: the app secret, encrypted under the
// first 16 characters of the app id, in upper-case hex, of which the first 16
// characters are the key.
func sm4Key(appID, secret string) ([]byte, error) {
	if len(appID) < sm4.BlockSize {
		return nil, errors.New("app id: at least 16 characters are needed")
	}
	hexed, err := encrypt([]byte(appID[:sm4.BlockSize]), []byte(secret))
	if err != nil {
		return nil, err
	}
	return []byte(hexed[:sm4.BlockSize]), nil
}

// encrypt is SM4-ECB with PKCS#7 padding, in upper-case hex. ECB is what the
// platform speaks; that nothing was changed is the signature's work.
func encrypt(key, text []byte) (string, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("sm4: %w", err)
	}
	padded := padding.NewPKCS7Padding(sm4.BlockSize).Pad(text)
	out := make([]byte, len(padded))
	gmcipher.NewECBEncrypter(block).CryptBlocks(out, padded)
	return strings.ToUpper(hex.EncodeToString(out)), nil
}

var errCipher = errors.New("the encrypted data cannot be read")

func decrypt(key []byte, hexed string) ([]byte, error) {
	b, err := hex.DecodeString(hexed)
	if err != nil || len(b) == 0 || len(b)%sm4.BlockSize != 0 {
		return nil, errCipher
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sm4: %w", err)
	}
	gmcipher.NewECBDecrypter(block).CryptBlocks(b, b)
	text, err := padding.NewPKCS7Padding(sm4.BlockSize).Unpad(b)
	if err != nil {
		return nil, errCipher
	}
	return text, nil
}

// signature is what SM2 makes, as ASN.1 has it.
type signature struct{ R, S *big.Int }

// sign is SM2 with SM3, base64 of r and s in 32 bytes each.
func (c *Client) sign(text string) (string, error) {
	der, err := c.key.SignWithSM2(rand.Reader, []byte(c.cfg.UserID), []byte(text))
	if err != nil {
		return "", fmt.Errorf("sm2: %w", err)
	}
	var sig signature
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return "", fmt.Errorf("sm2: %w", err)
	}
	raw := make([]byte, 64)
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return base64.StdEncoding.EncodeToString(raw), nil
}

// signedByPlatform says whether the platform signed the text.
func (c *Client) signedByPlatform(text string, raw []byte) bool {
	if len(raw) != 64 {
		return false
	}
	der, err := asn1.Marshal(signature{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	return err == nil && sm2.VerifyASN1WithSM2(c.platform, []byte(c.cfg.UserID), []byte(text), der)
}
