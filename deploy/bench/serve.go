package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/deploy/bench/dbosarm"
	"github.com/regpay/regpay/deploy/bench/empty"
	"github.com/regpay/regpay/deploy/bench/plain"
	"github.com/regpay/regpay/deploy/bench/serve"
	"github.com/regpay/regpay/deploy/bench/tutorial"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/telemetry"
)

// serveCommand is one process of an arm. Roles that have no HTTP interface of
// their own answer at --health.
type serveCommand struct {
	Arm    string `required:""`
	Role   string `required:""`
	Config string `required:""`
	Health string `help:"Address of /healthz."`
	Report string `help:"Where the end of empty workflows is told."`
}

const patience = 30 * time.Second

func (c serveCommand) Run(ctx context.Context) error {
	log, err := telemetry.NewLogger("warn")
	if err != nil {
		return err
	}
	in, err := installation.Open(ctx, c.Config, patience, log)
	if err != nil {
		return err
	}
	defer in.Close()
	if c.Health != "" {
		server := telemetry.Server(c.Health, telemetry.NewRegistry())
		go func() {
			if err := server.ListenAndServe(); err != http.ErrServerClosed {
				fmt.Println("health:", err)
			}
		}()
		defer server.Close()
	}
	switch c.Arm + "/" + c.Role {
	case "tutorial/worker", "coarse/worker":
		return tutorial.Worker(ctx, in, c.Arm == "coarse")
	case "tutorial/api", "coarse/api":
		return serve.API(ctx, in, tutorial.NewEngine(in, c.Arm == "coarse"))
	case "empty/worker":
		return empty.Worker(ctx, in.Config.Temporal.Address, in.Config.Temporal.Namespace, c.Report)
	case "dbos/server":
		return dbosarm.Serve(ctx, in)
	case "plain/server":
		return plain.Serve(ctx, in)
	}
	return fmt.Errorf("no role %q of the arm %q", c.Role, c.Arm)
}
