package local

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
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
func plan(o Options, e stack.Endpoints, configPath string) (p stack.Plan, err error) {
	starter := func(command string) []string {
		return []string{command, "--config", configPath, "--log", o.Log, "--patience", patience}
	}
	p = stack.Plan{Setup: []stack.Process{{
		Name: "setup", Path: e.Binary("starter"), Args: starter("setup"), Env: o.Env, ReadyTimeout: setupTimeout,
	}}}
	if o.Serve != nil {
		p.Serve, err = o.Serve(configPath, e)
		return shared(p), err
	}
	for i, address := range e.Workers {
		p.Serve = append(p.Serve, stack.Process{
			Name: WorkerProcess(i + 1), Path: e.Binary("workers"), Env: o.Env,
			Args: append([]string{"--config", configPath, "--metrics", address, "--log", o.Log, "--patience", patience},
				o.profiles(WorkerProcess(i+1))...),
			Ready: stack.ReadyHTTP("http://" + address + "/healthz"),
		})
	}
	p.Serve = append(p.Serve, stack.Process{
		Name: APIProcess, Path: e.Binary("starter"), Args: append(starter("serve"), o.profiles(APIProcess)...), Env: o.Env,
		Ready: stack.ReadyHTTP(e.API + "/readyz"),
	})
	return shared(p), nil
}

// shared gives each of the processes its share of the machine's processors.
// A Go program takes all of them otherwise, and where several do, much of the
// time goes into looking for work that another one has: on two processors it
// was a fifth of regpay's CPU under a light load.
func shared(p stack.Plan) stack.Plan {
	if os.Getenv("GOMAXPROCS") != "" || len(p.Serve) == 0 {
		return p
	}
	share := "GOMAXPROCS=" + strconv.Itoa(max(runtime.NumCPU()/len(p.Serve), 1))
	for i := range p.Serve {
		p.Serve[i].Env = append(slices.Clone(p.Serve[i].Env), share)
	}
	return p
}

func (o Options) profiles(process string) []string {
	if address, ok := o.PProf[process]; ok {
		return []string{"--pprof", address}
	}
	return nil
}
