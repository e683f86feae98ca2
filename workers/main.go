// Command workers runs the workflows and their steps. It keeps nothing: run
// as many as the load needs. With --queues a process serves some queues alone,
// so that a slow system's steps can have hosts of their own.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/telemetry"
	"github.com/regpay/regpay/workflows"
)

type command struct {
	Config   string        `help:"Configuration file." default:"regpay.yaml" env:"REGPAY_CONFIG" type:"path"`
	Queues   []string      `help:"Task queues to serve; all by default." placeholder:"QUEUE"`
	Metrics  string        `help:"Address of /metrics and /healthz; empty for none." default:"127.0.0.1:9090" env:"REGPAY_WORKER_METRICS"`
	PProf    string        `name:"pprof" help:"Loopback address of the Go profiles (/debug/pprof/); none by default." env:"REGPAY_PPROF" placeholder:"ADDRESS"`
	Log      string        `help:"Log level." default:"info" enum:"debug,info,warn,error" env:"REGPAY_LOG"`
	Patience time.Duration `help:"How long to wait for Temporal and the database at start." default:"1m"`
}

func main() {
	telemetry.SpendMemory()
	var c command
	kong.Parse(&c, kong.Name("workers"), kong.Description("Runs regpay's workflows and their steps."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "workers:", err)
		os.Exit(1)
	}
}

func (c command) run(ctx context.Context) error {
	log, err := telemetry.NewLogger(c.Log)
	if err != nil {
		return err
	}
	in, err := installation.Open(ctx, c.Config, c.Patience, log)
	if err != nil {
		return err
	}
	defer in.Close()
	queues := c.Queues
	if len(queues) == 0 {
		queues = append(workflows.Queues(), workflows.QueuePayments)
	}
	failed := make(chan error, len(queues)+2)
	if c.PProf != "" {
		profiles, err := telemetry.ServeProfiles(c.PProf, func(err error) { failed <- err })
		if err != nil {
			return err
		}
		defer profiles.Close()
	}
	steps := activities.New(in.Store, in.Hospitals)
	for _, queue := range queues {
		w, err := start(in, queue, steps, failed)
		if err != nil {
			return err
		}
		defer w.Stop()
	}
	registry := telemetry.NewRegistry()
	registry.MustRegister(in.Hospitals.Calls())
	server := telemetry.Server(c.Metrics, registry)
	if c.Metrics != "" {
		go func() {
			if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("metrics: %w", err)
			}
		}()
		defer server.Close()
	}
	log.Info("workers run", zap.Strings("queues", queues))
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// start runs one worker. The payments' queue has the workflows, and every
// step, since each is first tried inside the workflow task.
func start(in *installation.Installation, queue string, steps *activities.All, failed chan<- error) (worker.Worker, error) {
	w := worker.New(in.Temporal, queue, options(in.Config.Workers, queue, failed))
	steps.Register(w)
	if queue == workflows.QueuePayments {
		workflows.Register(w)
	}
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start worker of %s: %w", queue, err)
	}
	return w, nil
}

// workflowPollers is how many requests for workflow tasks stand open. A task
// that meets one goes straight to the worker; one that meets none is written to
// the database, and read and deleted again. A request is away for some tens of
// milliseconds after each task when the server is busy, and half of them wait
// for payments that have just begun, half for those that this process knows:
// with eight, every second task of a busy hour met none.
const workflowPollers = 32

// options bound a queue as it is configured. The payments' queue has no steps
// to bound: its workflow tasks end within seconds, since each first try does.
func options(c config.Workers, queue string, failed chan<- error) worker.Options {
	o := worker.Options{
		WorkerStopTimeout: 10 * time.Second,
		OnFatalError:      func(err error) { failed <- fmt.Errorf("worker of %s: %w", queue, err) },
	}
	if queue == workflows.QueuePayments {
		o.LocalActivityWorkerOnly = true
		o.MaxConcurrentWorkflowTaskPollers = workflowPollers
		return o
	}
	q := c.Queue(strings.TrimPrefix(queue, workflows.QueueOf("")))
	o.DisableWorkflowWorker = true
	o.TaskQueueActivitiesPerSecond = float64(q.PerSecond)
	o.MaxConcurrentActivityExecutionSize = q.Concurrent
	return o
}
