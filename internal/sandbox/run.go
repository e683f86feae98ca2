package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"
)

// ManifestFile is the onboarding manifest's name in the sandbox's directory.
const ManifestFile = "onboarding.json"

// Manifest is what the sandbox hands out, as a counterparty's staff would when
// a hospital signs up. Paths in it are relative to the sandbox's directory.
type Manifest struct {
	// Endpoints are base URLs by counterparty, and the admin interface's.
	Endpoints map[string]string `json:"endpoints"`
	// Hospitals are the fragments by hospital and counterparty.
	Hospitals map[string]map[string]any `json:"hospitals"`
}

// Served is a counterparty and the address it listens on ("127.0.0.1:0" takes
// a free port).
type Served struct {
	Counterparty
	Address string
}

// Config says what [Run] serves.
type Config struct {
	Env            *Env
	Counterparties []Served
	// Hospitals are their ids: lower-case letters, digits, hyphens.
	Hospitals    []string
	AdminAddress string
	// AdvertiseHost replaces the host in the manifest's URLs, for a sandbox in
	// a container of its own; empty uses the listening address.
	AdvertiseHost string
	// AllowRemote permits listening on addresses that are not loopback.
	AllowRemote bool
	// Ready is called when everything is listening and the manifest is written;
	// may be nil.
	Ready func(Manifest)
}

var hospitalID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Run listens, onboards every hospital, writes the manifest, and serves until
// ctx ends; then it lets requests finish for a few seconds, ends all background
// work and returns nil. It closes the Env.
func Run(ctx context.Context, c Config) error {
	defer c.Env.Close()
	if err := c.checkHospitals(); err != nil {
		return err
	}
	// A reader must never take the last run's ports for this one's.
	if err := c.Env.Files.Remove(ManifestFile); err != nil {
		return err
	}
	var group serverGroup
	defer group.close()
	manifest := Manifest{Endpoints: map[string]string{}, Hospitals: map[string]map[string]any{}}
	for _, id := range c.Hospitals {
		manifest.Hospitals[id] = map[string]any{}
	}
	parties := make([]Counterparty, 0, len(c.Counterparties))
	for _, s := range c.Counterparties {
		listener, base, err := c.listen(ctx, s.Name(), s.Address)
		if err != nil {
			return err
		}
		group.listeners = append(group.listeners, listener)
		if p, ok := s.Counterparty.(PathPrefixer); ok {
			base += p.PathPrefix()
		}
		manifest.Endpoints[s.Name()] = base
		for i, id := range c.Hospitals {
			fragment, err := s.Onboard(ctx, Hospital{ID: id, Index: i, BaseURL: base})
			if err != nil {
				return fmt.Errorf("onboarding %s at %s: %w", id, s.Name(), err)
			}
			manifest.Hospitals[id][s.Name()] = fragment
		}
		group.handlers = append(group.handlers, s.Handler())
		parties = append(parties, s.Counterparty)
	}
	listener, base, err := c.listen(ctx, "admin", c.AdminAddress)
	if err != nil {
		return err
	}
	group.listeners = append(group.listeners, listener)
	group.handlers = append(group.handlers, Admin(c.Env.Patients, parties...))
	manifest.Endpoints["admin"] = base

	failed := group.serve(c.Env.Log)
	content, err := json.MarshalIndent(manifest, "", " ")
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if err := c.Env.Files.Write(ManifestFile, append(content, '\n')); err != nil {
		return err
	}
	if c.Ready != nil {
		c.Ready(manifest)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	}
}

func (c Config) checkHospitals() error {
	if len(c.Hospitals) == 0 {
		return errors.New("no hospital was named")
	}
	// Counterparties keep files of their own in a folder of their name, beside
	// the hospitals'.
	taken := map[string]bool{}
	for _, s := range c.Counterparties {
		taken[s.Name()] = true
	}
	for _, id := range c.Hospitals {
		if !hospitalID.MatchString(id) {
			return fmt.Errorf("hospital %q: an id has lower-case letters, digits and hyphens", id)
		}
		if taken[id] {
			return fmt.Errorf("hospital %q: the id is taken", id)
		}
		taken[id] = true
	}
	return nil
}

func (c Config) listen(ctx context.Context, name, address string) (net.Listener, string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("listening for %s: %w", name, err)
	}
	addr, err := netip.ParseAddrPort(listener.Addr().String())
	if err == nil && !c.AllowRemote && !addr.Addr().Unmap().IsLoopback() {
		err = fmt.Errorf("%s is not a loopback address", address)
	}
	if err != nil {
		listener.Close()
		return nil, "", fmt.Errorf("listening for %s: %w", name, err)
	}
	host := addr.Addr().Unmap().String()
	if c.AdvertiseHost != "" {
		host = c.AdvertiseHost
	}
	return listener, "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port())), nil
}

// serverGroup is the servers that start and end together.
type serverGroup struct {
	listeners []net.Listener
	handlers  []http.Handler // one for each listener
	servers   []*http.Server // empty until served
}

func (g *serverGroup) serve(log *slog.Logger) <-chan error {
	failed := make(chan error, len(g.listeners))
	for i, l := range g.listeners {
		s := &http.Server{Handler: g.handlers[i], ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
		g.servers = append(g.servers, s)
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	return failed
}

// close lets requests finish for up to three seconds and cuts the rest.
func (g *serverGroup) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for _, s := range g.servers {
		if s.Shutdown(ctx) != nil {
			s.Close()
		}
	}
	// Those that were never served; a second close of the others does no harm.
	for _, l := range g.listeners {
		l.Close()
	}
}
