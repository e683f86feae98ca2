package staff

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/payment"
)

// What can be wrong with an account, for errors.Is.
var (
	ErrLogin = errors.New("a login has 2 to 32 lower-case letters, digits and . _ -, and begins with a letter or digit")
	ErrName  = errors.New("a name has 1 to 60 characters")
	ErrScope = errors.New("an account is for one hospital or more, or for all")
)

var login = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

const maxName = 60 // characters

// Account is a local account, for an installation without an identity provider.
type Account struct {
	Login         string
	Name          string
	Roles         []Role
	Hospitals     []string // AllHospitals for every one
	CreatedAt     time.Time
	PasswordSetAt time.Time
	DisabledAt    time.Time // zero while it is in use
	LockedUntil   time.Time // zero or past when it is not locked
	// OwnPassword says that its owner chose the password. Another one has been
	// seen by whoever made it, and is good for choosing an own one alone.
	OwnPassword bool
}

// Subject is what the account's owner is called in decisions and logs.
func (a Account) Subject() string { return LocalSubject(a.Login) }

// Person is the account's owner, signed in.
func (a Account) Person() Person {
	return Person{Subject: a.Subject(), Name: a.Name, Roles: slices.Clone(a.Roles), Hospitals: slices.Clone(a.Hospitals)}
}

// NormalLogin is a login as people type it, made the one that is kept.
func NormalLogin(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// IsLogin says whether an account can have this login.
func IsLogin(s string) bool { return login.MatchString(s) }

// Check finds all that is wrong with the account: ErrLogin, ErrName, ErrRole
// and ErrScope, joined.
func (a Account) Check() error {
	var all []error
	if !IsLogin(a.Login) {
		all = append(all, ErrLogin)
	}
	if n := utf8.RuneCountInString(a.Name); n == 0 || n > maxName || !utf8.ValidString(a.Name) ||
		strings.TrimSpace(a.Name) != a.Name || strings.ContainsFunc(a.Name, unicode.IsControl) {
		all = append(all, ErrName)
	}
	return errors.Join(append(all, CheckScope(a.Roles, a.Hospitals))...)
}

// CheckScope finds what is wrong with roles and hospitals: ErrRole, ErrScope.
func CheckScope(roles []Role, hospitals []string) error {
	var all []error
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	if _, err := ParseRoles(words); err != nil {
		all = append(all, err)
	}
	if len(hospitals) == 0 {
		all = append(all, ErrScope)
	}
	for _, h := range hospitals {
		if h != AllHospitals && !payment.IsHospitalID(h) {
			all = append(all, fmt.Errorf("%.40q: %w", h, ErrScope))
		}
	}
	return errors.Join(all...)
}
