package scenario

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Person is an invented patient, unlike every other one, so that limits which
// count by person (codes by SMS, the risk rules) are never shared, and so that
// a trace of one can be searched for.
type Person struct {
	Name, IDNumber, Phone, OpenID, PsnNo string
}

// Source draws a number from 0 to n-1. A *rand.Rand of math/rand/v2 is one.
type Source interface{ IntN(n int) int }

// NewPerson invents a patient with a valid identity card number.
func NewPerson() Person { return Invent(chance{}) }

// Invent is NewPerson with choices that can be repeated.
func Invent(s Source) Person {
	syllables := []string{"安", "柏", "辰", "朵", "恩", "芙", "归", "禾", "荟", "简", "珂", "岚", "沐", "宁", "欧", "芃"}
	var name strings.Builder
	name.WriteString("谌") // rare enough to be found again in any text
	for range 4 {
		name.WriteString(syllables[s.IntN(len(syllables))])
	}
	first := fmt.Sprintf("110105%04d%02d%02d%03d", 1940+s.IntN(70), 1+s.IntN(12), 1+s.IntN(28), s.IntN(1000))
	return Person{
		Name:     name.String(),
		IDNumber: first + string(payment.IDCardCheck(first)),
		Phone:    fmt.Sprintf("1%d%09d", 3+s.IntN(7), s.IntN(1_000_000_000)),
		OpenID:   "o" + hexOf(s, 13) + "x",
		PsnNo:    "P" + hexOf(s, 10),
	}
}

// Patient is the person as the API wants them.
func (p Person) Patient() wire.Patient {
	return wire.Patient{Name: p.Name, IDType: payment.IDCard, IDNumber: p.IDNumber, Phone: p.Phone,
		OpenID: p.OpenID, PsnNo: p.PsnNo, City: "110100"}
}

// Traces are the texts that must not be found where personal data has no
// place, by what they are.
func (p Person) Traces() map[string]string {
	return map[string]string{"name": p.Name, "ID number": p.IDNumber, "phone": p.Phone,
		"openid": p.OpenID, "number of the insured": p.PsnNo}
}

// chance is a source that nobody can repeat.
type chance struct{}

func (chance) IntN(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("scenario: no randomness: " + err.Error())
	}
	return int(i.Int64())
}

// hexOf draws n bytes, in hex.
func hexOf(s Source, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.IntN(256))
	}
	return hex.EncodeToString(b)
}
