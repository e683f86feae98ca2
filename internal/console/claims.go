package console

import (
	"slices"
	"strings"

	"github.com/regpay/regpay/internal/staff"
)

// claims are what an issuer says of a person.
type claims map[string]any

// find looks a claim up: by its name as it is, since names such as
// https://example.org/roles have dots, then along the dots.
func (c claims) find(name string) any {
	if v, ok := c[name]; ok {
		return v
	}
	var at any = map[string]any(c)
	for _, part := range strings.Split(name, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[part]
	}
	return at
}

func (c claims) has(name string) bool { return c.find(name) != nil }

// words is a claim as a list: it may be one, or words with spaces between.
func (c claims) words(name string) []string {
	switch v := c.find(name).(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, one := range v {
			if word, ok := one.(string); ok {
				all = append(all, word)
			}
		}
		return all
	}
	return nil
}

func (c claims) text(name string) string {
	s, _ := c.find(name).(string)
	return clean(s)
}

// maxName is how much of a name is kept, in characters.
const maxName = 60

// personOf makes a person of what the issuer says; false when it gives no role
// or no hospital that is known here.
func (s *server) personOf(sub string, c claims) (staff.Person, bool) {
	p := staff.Person{Subject: staff.OIDCSubject(sub)}
	for _, word := range c.words(s.oidc.RolesClaim) {
		if role, ok := s.oidc.RoleMap[word]; ok && !slices.Contains(p.Roles, role) {
			p.Roles = append(p.Roles, role)
		}
	}
	for _, id := range c.words(s.oidc.HospitalsClaim) {
		here := id == staff.AllHospitals || slices.ContainsFunc(s.hospitals, func(h Hospital) bool { return h.ID == id })
		if here && !slices.Contains(p.Hospitals, id) {
			p.Hospitals = append(p.Hospitals, id)
		}
	}
	slices.Sort(p.Roles)
	slices.Sort(p.Hospitals)
	for _, name := range []string{"name", "preferred_username"} {
		if p.Name == "" {
			p.Name = cut(c.text(name), maxName)
		}
	}
	if p.Name == "" {
		p.Name = p.Subject
	}
	return p, len(p.Roles) > 0 && len(p.Hospitals) > 0
}
