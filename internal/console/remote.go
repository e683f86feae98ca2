package console

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// from is the address of who asks, for the audit log. Behind proxies that the
// configuration names it is the last one of X-Forwarded-For that is none of
// them: what stands before it, anybody can write.
func (s *server) from(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	at := peer.Addr().Unmap()
	if !s.isProxy(at) {
		return at.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		at = next.Unmap().WithZone("")
		if !s.isProxy(at) {
			break
		}
	}
	return at.String()
}

// placed says whether from tells one place from another. Behind a proxy that the
// configuration does not name everybody comes from it; but anybody can send the
// headers that tell of one.
func (s *server) placed(r *http.Request) bool {
	return len(s.proxies) > 0 || r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func (s *server) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
