package local

import (
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
)

// Options say how an installation is made. The zero value is a working one
// without limits.
type Options struct {
	// Stack is passed on to deploy/stack. Parts are stack.All when zero;
	// WriteConfig is this package's.
	Stack stack.Options
	// Risk are the limits of the risk rules at every hospital. The zero value
	// has none, so that load is not taken for an attack.
	Risk config.Risk
	// FeeRates is what a channel keeps of a capture, "0.006" for 0.6 %; see
	// onboarding.Terms for channels that are not named.
	FeeRates map[payment.Channel]string
	// Configure has the last word on the configuration before it is written.
	Configure func(*config.Config)
	// Serve names the processes to run in place of regpay's own workers and API,
	// once the books are set up: other ways to do the same job, to be compared
	// in the same place. The configuration is at configPath.
	Serve func(configPath string, e stack.Endpoints) ([]stack.Process, error)
	// PProf has loopback addresses at which regpay's processes serve profiles, by
	// name of the process.
	PProf map[string]string
	// Log is the log level of regpay's processes; default warn.
	Log string
	// Env is added to the environment of regpay's processes.
	Env []string
}

func (o Options) complete() Options {
	if o.Stack.Parts == 0 {
		o.Stack.Parts = stack.All
	}
	o.Stack.Parts |= stack.Regpay
	if o.Log == "" {
		o.Log = "warn"
	}
	return o
}
