package payment

import (
	"regexp"
	"time"
)

var (
	passport = regexp.MustCompile(`^[0-9A-Z]{5,17}$`)
	phone    = regexp.MustCompile(`^(1[3-9][0-9]{9}|\+[1-9][0-9]{6,14})$`)
	idCard   = regexp.MustCompile(`^[1-9][0-9]{16}[0-9Xx]$`)
)

// ValidIDNumber checks a document's number by the rules of its kind.
func ValidIDNumber(t IDType, s string) bool {
	switch t {
	case IDCard:
		return ValidIDCard(s)
	case Passport:
		return passport.MatchString(s)
	}
	return false
}

// ValidIDCard checks a resident identity card number by GB 11643-1999: six
// digits of division, a real date of birth, three of sequence, and a check
// character by ISO 7064 MOD 11-2.
func ValidIDCard(s string) bool {
	if !idCard.MatchString(s) {
		return false
	}
	if _, err := time.Parse("20060102", s[6:14]); err != nil {
		return false
	}
	last := s[17]
	if last == 'x' {
		last = 'X'
	}
	return IDCardCheck(s[:17]) == last
}

// IDCardCheck is the check character for the first 17 digits.
func IDCardCheck(first17 string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(first17[i]-'0')
	}
	return "10X98765432"[sum%11]
}
