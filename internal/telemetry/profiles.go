package telemetry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// ServeProfiles serves the Go runtime's profiles under /debug/pprof/ at an
// address of this machine's loopback, until the server is closed. A profile
// holds no personal data, but whoever can ask for one can also keep the process
// busy, so another address is an error. failed is told when serving ends by
// itself.
func ServeProfiles(addr string, failed func(error)) (*http.Server, error) {
	ip, err := netip.ParseAddrPort(addr)
	if err != nil || !ip.Addr().IsLoopback() {
		return nil, fmt.Errorf("profiles: %q is no address of the loopback, like 127.0.0.1:6060", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("profiles: %w", err))
		}
	}()
	return s, nil
}
