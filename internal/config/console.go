package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/regpay/regpay/internal/staff"
)

// Console is where a hospital's staff decide cases. It is served below
// http.public_url, at /console.
type Console struct {
	Enabled bool `yaml:"enabled"`
	// SessionHours is how long a sign-in is good for at most.
	SessionHours int `yaml:"session_hours"`
	// Local lets people sign in with accounts that `starter staff add` makes.
	Local bool  `yaml:"local"`
	OIDC  *OIDC `yaml:"oidc"`
	// TemporalUI is the address of Temporal's UI, for links.
	TemporalUI string `yaml:"temporal_ui"`
	// Proxies are the networks whose X-Forwarded-For says where somebody is.
	Proxies []string `yaml:"proxies"`
}

// OIDC is the OpenID Connect issuer at which staff sign in.
type OIDC struct {
	Issuer           string   `yaml:"issuer"`
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file"`
	Scopes           []string `yaml:"scopes"`
	// RolesClaim and HospitalsClaim name claims of the identity token; dots go
	// into objects.
	RolesClaim     string `yaml:"roles_claim"`
	HospitalsClaim string `yaml:"hospitals_claim"`
	// RoleMap gives the role that a word of the roles claim stands for.
	RoleMap map[string]string `yaml:"role_map"`
}

// Bounds and default of console.session_hours.
const (
	defaultSessionHours = 10
	maxSessionHours     = 24
)

// Networks are the proxies as networks; an address alone is one of itself.
func (c Console) Networks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range c.Proxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			at, alone := netip.ParseAddr(text)
			if alone != nil {
				return nil, err
			}
			network = netip.PrefixFrom(at.Unmap(), at.Unmap().BitLen())
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

// console finds what is wrong with the console's settings, when it is served.
func (is *checks) console(c Console, publicURL string) {
	if !c.Enabled {
		return
	}
	is.need(c.Local || c.OIDC != nil, "console: nobody could sign in: set console.local or console.oidc")
	is.need(c.SessionHours >= 1 && c.SessionHours <= maxSessionHours, "console.session_hours lies between 1 and %d", maxSessionHours)
	is.need(c.TemporalUI == "" || isAddress(c.TemporalUI), "console.temporal_ui is no http(s) address")
	// Passwords and patients' data would cross the network for all to read.
	is.need(isPrivate(publicURL), "console: http.public_url has to be https, unless it is this machine alone (127.0.0.1, localhost)")
	for _, p := range c.Proxies {
		_, err := Console{Proxies: []string{p}}.Networks()
		is.need(err == nil, "console.proxies: %q is no address or network such as 10.0.0.0/8", p)
	}
	if c.OIDC != nil {
		is.oidc(*c.OIDC)
	}
}

func (is *checks) oidc(o OIDC) {
	is.need(isAddress(o.Issuer) && isPrivate(o.Issuer), "console.oidc.issuer is missing or no https address")
	is.need(o.ClientID != "", "console.oidc.client_id is missing")
	is.need(o.RolesClaim != "", "console.oidc.roles_claim is missing")
	is.need(o.HospitalsClaim != "", "console.oidc.hospitals_claim is missing")
	is.need(len(o.RoleMap) > 0, "console.oidc.role_map is missing: nobody would have a role")
	for word, role := range o.RoleMap {
		is.need(slices.Contains(staff.Roles(), staff.Role(role)), "console.oidc.role_map: %s is to be %q, which is none of support, finance, auditor, admin", word, role)
	}
}

// isPrivate says whether nobody on the way can read what is sent to an address.
// One that is no address is told of elsewhere.
func isPrivate(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
