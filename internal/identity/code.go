package identity

import (
	"fmt"
	"io"
)

// CodeDigits is how long an SMS code is.
const CodeDigits = 6

const (
	codes = 1_000_000 // that there are
	// draws is the largest multiple of codes in three bytes. What is drawn
	// above it is thrown away; its remainder would favour the low codes.
	draws = (1 << 24) / codes * codes
)

// NewCode draws a code of six digits, each of the million as likely as any
// other, leading zeros included. r is crypto/rand.Reader outside of tests.
func NewCode(r io.Reader) (string, error) {
	var b [3]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", fmt.Errorf("draw an SMS code: %w", err)
		}
		if n := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); n < draws {
			return fmt.Sprintf("%0*d", CodeDigits, n%codes), nil
		}
	}
}
