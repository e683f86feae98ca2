package local

import (
	"fmt"
	"time"

	"github.com/regpay/regpay/deploy/stack"
)

// Names of regpay's processes in the stack, for Kill, Restart and Log. The
// workers are "worker-1" and up.
const APIProcess = "api"

// WorkerProcess is the name of the n-th worker, from 1.
func WorkerProcess(n int) string { return fmt.Sprintf("worker-%d", n) }

const (
	setupTimeout = 2 * time.Minute
	patience     = "30s"
)

// plan is regpay's share of the stack: set up once, then the workers, then the
// API, so that it never takes a payment that nobody would carry on.
func plan(o Options, e stack.Endpoints, configPath string) stack.Plan {
	starter := func(command string) []string {
		return []string{command, "--config", configPath, "--log", o.Log, "--patience", patience}
	}
	p := stack.Plan{Setup: []stack.Process{{
		Name: "setup", Path: e.Binary("starter"), Args: starter("setup"), Env: o.Env, ReadyTimeout: setupTimeout,
	}}}
	for i, address := range e.Workers {
		p.Serve = append(p.Serve, stack.Process{
			Name: WorkerProcess(i + 1), Path: e.Binary("workers"), Env: o.Env,
			Args:  []string{"--config", configPath, "--metrics", address, "--log", o.Log, "--patience", patience},
			Ready: stack.ReadyHTTP("http://" + address + "/healthz"),
		})
	}
	p.Serve = append(p.Serve, stack.Process{
		Name: APIProcess, Path: e.Binary("starter"), Args: starter("serve"), Env: o.Env,
		Ready: stack.ReadyHTTP(e.API + "/readyz"),
	})
	return p
}
