package voucher

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// alphabet leaves out what is mistaken for something else when it is read or
// heard (0 O, 1 I L). Its 31 characters are a prime number of them, which is
// what lets one check character find every single slip and every swap of
// neighbours.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// CodeLength is a code's length with its check character. The eleven before
// it hold 54 random bits.
const CodeLength = 12

// ErrCode: not a code that NewCode can have made.
var ErrCode = errors.New("not a voucher code")

// NewCode makes a code from the system's randomness.
func NewCode() (string, error) {
	var b [1]byte
	code := make([]byte, 0, CodeLength)
	for len(code) < CodeLength-1 {
		if _, err := rand.Read(b[:]); err != nil {
			return "", fmt.Errorf("make a voucher code: %w", err)
		}
		// 248 is the largest multiple of 31 in a byte: above it, some
		// characters would come more often than others.
		if b[0] < 248 {
			code = append(code, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(append(code, check(string(code)))), nil
}

// ParseCode reads a code as people write it (any case, spaces, dashes) and
// returns it as NewCode made it, or ErrCode.
func ParseCode(s string) (string, error) {
	if len(s) > 64 {
		return "", ErrCode
	}
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
	if len(code) != CodeLength {
		return "", ErrCode
	}
	for i := range len(code) {
		if strings.IndexByte(alphabet, code[i]) < 0 {
			return "", ErrCode
		}
	}
	if check(code[:CodeLength-1]) != code[CodeLength-1] {
		return "", ErrCode
	}
	return code, nil
}

// Spaced writes a code in groups of four, as it is shown.
func Spaced(code string) string {
	var b strings.Builder
	for i, r := range code {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// check is the character that makes the sum of position times value a multiple
// of 31. The check character stands at a position whose weight is 1.
func check(code string) byte {
	sum := 0
	for i := range len(code) {
		sum += (len(code) + 1 - i) * strings.IndexByte(alphabet, code[i])
	}
	n := len(alphabet)
	return alphabet[(n-sum%n)%n]
}
