package hospital

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/regpay/regpay/internal/breaker"
	"github.com/regpay/regpay/internal/config"
)

// Calls shows what the hospitals' systems answer, for a process to register.
func (d *Directory) Calls() prometheus.Collector { return d.calls }

// guard is what stands before one of the hospital's systems.
func (b *builder) guard(system string, g config.Guard) *breaker.Guard {
	return breaker.New(b.hospital.ID, system, breaker.Settings{
		CallsPerSecond: g.CallsPerSecond, FailurePercent: g.FailurePercent, MinCalls: g.MinCalls,
		Window: g.Window, OpenFor: g.OpenFor, Probes: g.Probes, SlowCall: g.SlowCall,
	}, b.calls)
}
