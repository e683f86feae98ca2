// Package staff is who may do what at the review console: people with roles,
// each for some hospitals; the passwords of local accounts; and the rule by
// which guessing at a password is stopped.
//
// It decides and keeps nothing: the store has the accounts, the console asks.
// But for the randomness of salts and first passwords it is pure.
package staff

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrRole: a role that does not exist, or none at all.
var ErrRole = errors.New("a role is support, finance, auditor or admin")

// Role is a kind of work. A person can have several.
type Role string

// The roles.
const (
	Support Role = "support" // decides cases with the patient on the phone
	Finance Role = "finance" // follows the money, without personal data
	Auditor Role = "auditor" // reads everything and changes nothing
	Admin   Role = "admin"   // accounts and maintenance windows; neither personal data nor decisions
)

// Roles lists every role in the order in which they are shown.
func Roles() []Role { return []Role{Support, Finance, Auditor, Admin} }

// ParseRoles reads roles from words, without repeats and in the order of Roles.
// No word, or one that is no role, is ErrRole.
func ParseRoles(words []string) ([]Role, error) {
	var out []Role
	for _, w := range words {
		r := Role(strings.ToLower(strings.TrimSpace(w)))
		if !slices.Contains(Roles(), r) {
			return nil, fmt.Errorf("%.40q: %w", w, ErrRole)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, ErrRole
	}
	return slices.DeleteFunc(Roles(), func(r Role) bool { return !slices.Contains(out, r) }), nil
}

// AllHospitals in a list of hospitals stands for every one of them.
const AllHospitals = "*"

// Person is somebody who is signed in.
type Person struct {
	// Subject names the person in decisions and in the audit log: LocalSubject
	// or OIDCSubject, at most 64 bytes.
	Subject   string
	Name      string // to be shown
	Roles     []Role
	Hospitals []string // AllHospitals for every one
}

// Has says whether the person has a role.
func (p Person) Has(r Role) bool { return slices.Contains(p.Roles, r) }

// Oversees says whether a hospital is one of the person's. None has no id, so
// that a scope which somebody forgot to fill in shows nothing.
func (p Person) Oversees(hospital string) bool {
	return hospital != "" && oversees(p.Hospitals, hospital)
}

func oversees(all []string, hospital string) bool {
	return slices.Contains(all, AllHospitals) || slices.Contains(all, hospital)
}

const (
	localPrefix = "local:"
	oidcPrefix  = "oidc:"
	maxSubject  = 64 // bytes, as payment.Decision takes of an operator
)

// LocalSubject is the subject of a local account. The prefix keeps it apart
// from people of the identity provider and from the operators that are nobody.
func LocalSubject(login string) string { return localPrefix + login }

// IsSubject says whether a name is one that only somebody who signed in at the
// console can have, in whatever case it is written: operators are compared
// without regard to it.
func IsSubject(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.HasPrefix(name, localPrefix) || strings.HasPrefix(name, oidcPrefix)
}

var plainSubject = regexp.MustCompile(`^[0-9A-Za-z._@|+-]+$`)

// OIDCSubject is the subject of somebody whom the identity provider knows by
// its sub claim: that claim, or a hash of one that is too long or has other
// characters than ids have (OpenID Connect Core 2: up to 255 of ASCII).
//
// Operators are compared without regard to case, sub claims are not. So one
// with upper-case letters is hashed too: two people never count as one.
func OIDCSubject(sub string) string {
	if len(oidcPrefix)+len(sub) <= maxSubject && plainSubject.MatchString(sub) && sub == strings.ToLower(sub) {
		return oidcPrefix + sub
	}
	sum := sha256.Sum256([]byte(sub))
	return oidcPrefix + "~" + hex.EncodeToString(sum[:16])
}
