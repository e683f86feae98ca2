package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/regpay/regpay/internal/config"
)

// wireNames are the connections that regpay's processes depend on.
func wireNames() []string {
	return []string{"wechat", "unionpay", "insurance", "his", "identity", postgres, temporal}
}

// wires are the connections of regpay's processes, led through proxies that can
// cut and delay them. It is safe for concurrent use.
type wires struct {
	server  *toxiproxy.ApiServer
	proxies map[string]*toxiproxy.Proxy
}

func newWires() *wires {
	return &wires{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), proxies: map[string]*toxiproxy.Proxy{}}
}

// lead puts a proxy in front of an address and returns the proxy's.
func (w *wires) lead(name, upstream string) (string, error) {
	if p := w.proxies[name]; p != nil {
		return p.Listen, nil
	}
	p := toxiproxy.NewProxy(w.server, name, "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return "", fmt.Errorf("lead the wire to %s: %w", name, err)
	}
	w.proxies[name] = p
	return p.Listen, nil
}

// leadURL is lead for the host of a URL.
func (w *wires) leadURL(name string, address *string) error {
	u, err := url.Parse(*address)
	if err != nil {
		return fmt.Errorf("lead the wire to %s: %w", name, err)
	}
	if u.Host, err = w.lead(name, u.Host); err != nil {
		return err
	}
	*address = u.String()
	return nil
}

// rewire has a configuration use the proxies.
func (w *wires) rewire(c *config.Config) error {
	var errs []error
	through := func(name string, address *string) { errs = append(errs, w.leadURL(name, address)) }
	for i := range c.Hospitals {
		h := &c.Hospitals[i]
		through("wechat", &h.Channels.WeChat.BaseURL)
		through("unionpay", &h.Channels.UnionPay.BaseURL)
		through("insurance", &h.Channels.Insurance.BaseURL)
		through("his", &h.HIS.BaseURL)
		through("identity", &h.SMS.BaseURL)
		through("identity", &h.Face.BaseURL)
	}
	var err error
	c.Temporal.Address, err = w.lead(temporal, c.Temporal.Address)
	return errors.Join(append(errs, err, w.rewireDatabase(c))...)
}

// rewireDatabase writes the address of the books anew, beside the file that
// has it: it holds a password.
func (w *wires) rewireDatabase(c *config.Config) error {
	text, err := os.ReadFile(c.Database.DSNFile)
	if err != nil {
		return fmt.Errorf("lead the wire to the books: %w", err)
	}
	dsn := strings.TrimSpace(string(text))
	if err := w.leadURL(postgres, &dsn); err != nil {
		return err
	}
	c.Database.DSNFile += "_through_proxy"
	if err := os.WriteFile(c.Database.DSNFile, []byte(dsn+"\n"), 0o600); err != nil {
		return fmt.Errorf("lead the wire to the books: %w", err)
	}
	return nil
}

// toxic adds what happens to what comes back on a wire; [wires.heal] ends it.
func (w *wires) toxic(name, what, kind, attributes string) error {
	p := w.proxies[name]
	if p == nil {
		return fmt.Errorf("no wire to %q", name)
	}
	text := `{"name":"` + what + `","type":"` + kind + `","stream":"downstream","attributes":` + attributes + `}`
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		return fmt.Errorf("%s on the wire to %s: %w", what, name, err)
	}
	return nil
}

// hold delays replies for longer than anybody waits for them.
func (w *wires) hold(name string) error {
	return w.toxic(name, "hold", "latency", `{"latency":60000}`)
}

// slow delays replies by some 400 ms.
func (w *wires) slow(name string) error {
	return w.toxic(name, "slow", "latency", `{"latency":400,"jitter":300}`)
}

// stall lets nothing come back, and closes nothing.
func (w *wires) stall(name string) error { return w.toxic(name, "stall", "timeout", `{"timeout":0}`) }

// reset resets connections as soon as they are used.
func (w *wires) reset(name string) error {
	return w.toxic(name, "reset", "reset_peer", `{"timeout":20}`)
}

// cut closes every connection and takes no new one.
func (w *wires) cut(name string) error {
	p := w.proxies[name]
	if p == nil {
		return fmt.Errorf("no wire to %q", name)
	}
	p.Stop()
	return nil
}

// heal ends whatever is wrong with a wire.
func (w *wires) heal(ctx context.Context, name string) error {
	p := w.proxies[name]
	if p == nil {
		return fmt.Errorf("no wire to %q", name)
	}
	p.Toxics.ResetToxics(ctx)
	if err := p.Start(); err != nil && !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		return fmt.Errorf("heal the wire to %s: %w", name, err)
	}
	return nil
}

func (w *wires) names() []string { return slices.Sorted(maps.Keys(w.proxies)) }

func (w *wires) close() {
	for _, p := range w.proxies {
		p.Stop()
	}
}
