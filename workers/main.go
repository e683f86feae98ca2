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
	"github.com/regpay/regpay/workflows/host"
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
		stop, err := start(in, queue, steps, failed)
		if err != nil {
			return err
		}
		defer stop()
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
func start(in *installation.Installation, queue string, steps *activities.All, failed chan<- error) (stop func(), err error) {
	fatal := func(err error) { failed <- err }
	if queue == workflows.QueuePayments {
		h := host.New(in.Temporal, steps, fatal)
		return h.Stop, h.Start()
	}
	w := worker.New(in.Temporal, queue, options(in.Config.Workers, queue, fatal))
	steps.Register(w)
	if err := w.Start(); err != nil {
		return nil, fmt.Errorf("start worker of %s: %w", queue, err)
	}
	return w.Stop, nil
}

// options bound a queue of patient steps as it is configured.
func options(c config.Workers, queue string, fatal func(error)) worker.Options {
	q := c.Queue(strings.TrimPrefix(queue, workflows.QueueOf("")))
	return worker.Options{
		WorkerStopTimeout:                  10 * time.Second,
		OnFatalError:                       func(err error) { fatal(fmt.Errorf("worker of %s: %w", queue, err)) },
		DisableWorkflowWorker:              true,
		TaskQueueActivitiesPerSecond:       float64(q.PerSecond),
		MaxConcurrentActivityExecutionSize: q.Concurrent,
	}
}
