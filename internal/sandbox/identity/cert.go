package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// certTypeIDCard is the only kind of document that the face check knows.
const certTypeIDCard = "IDENTITY_CARD"

// certInfo is whose face is checked.
type certInfo struct {
	Type string `json:"cert_type"`
	Name string `json:"cert_name"`
	No   string `json:"cert_no"`
}

// hash is cert_hash as the package comment defines it.
func (c certInfo) hash() string {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	sum := sha256.Sum256([]byte("cert_type=" + b64(c.Type) + "&cert_name=" + b64(c.Name) + "&cert_no=" + b64(c.No)))
	return hex.EncodeToString(sum[:])
}

// wellFormed reports whether no is 17 digits and a digit or X.
func wellFormed(no string) bool {
	if len(no) != 18 {
		return false
	}
	for i := range 18 {
		digit := no[i] >= '0' && no[i] <= '9'
		if !digit && (i != 17 || no[i] != 'X') {
			return false
		}
	}
	return true
}

// canExist reports whether a well-formed ID number has a real date of birth and the
// check digit of GB 11643-1999 (ISO 7064 MOD 11-2). One that does not is in no register.
func canExist(no string) bool {
	if !wellFormed(no) {
		return false
	}
	if _, err := time.Parse("20060102", no[6:14]); err != nil {
		return false
	}
	remainder := 0 // of the number read so far, doubled for every place
	for _, digit := range no[:17] {
		remainder = (remainder + int(digit-'0')) * 2 % 11
	}
	return no[17] == "0123456789X"[(12-remainder)%11]
}
