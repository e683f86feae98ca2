package stack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/durationpb"

	commonpb "go.temporal.io/api/common/v1"
)

const (
	temporalName = "temporal"
	// retention keeps closed workflows in Temporal's UI.
	retention = 72 * time.Hour
)

// startTemporal makes Temporal's two databases with the official schema tool
// and starts the official server on them, all four services in one process.
func (s *Stack) startTemporal(ctx context.Context) error {
	server, err := s.builder.buildTool(ctx, temporalServerTool())
	if err != nil {
		return err
	}
	sqlTool, err := s.builder.buildTool(ctx, temporalSQLTool())
	if err != nil {
		return err
	}
	started := time.Now()
	stores, err := s.makeTemporalDatabases(ctx, sqlTool)
	if err != nil {
		return err
	}
	s.progress.done(started, "Temporal's database schemas")

	started = time.Now()
	ports, err := s.pickTemporalPorts()
	if err != nil {
		return err
	}
	config, err := s.writeTemporalConfig(ports, stores)
	if err != nil {
		return err
	}
	address := loopback(ports.frontend)
	s.setEndpoints(func(e *Endpoints) { e.Temporal, e.Namespace = address, s.options.Namespace })
	err = s.supervisor.start(ctx, Process{
		Name:         temporalName,
		Path:         server,
		Args:         []string{"--config-file", config, "--allow-no-auth", "start"},
		Ready:        func(ctx context.Context) error { return askFrontend(ctx, address) },
		ReadyTimeout: 2 * time.Minute,
		StopTimeout:  20 * time.Second,
	})
	if err != nil {
		return err
	}
	if err := s.makeNamespace(ctx); err != nil {
		return err
	}
	s.progress.done(started, "Temporal on %s, namespace %s", address, s.options.Namespace)
	return nil
}

// temporalStore is one of Temporal's databases.
type temporalStore struct{ name, schema, database string }

// makeTemporalDatabases creates both databases and their schemas.
func (s *Stack) makeTemporalDatabases(ctx context.Context, sqlTool string) ([]temporalStore, error) {
	stores := []temporalStore{
		{name: "default", schema: "postgresql/v12/temporal", database: "temporal"},
		{name: "visibility", schema: "postgresql/v12/visibility", database: "temporal_visibility"},
	}
	for i, store := range stores {
		dsn, err := s.Database(ctx, store.database)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("make Temporal's databases: not a URL")
		}
		stores[i].database = strings.TrimPrefix(u.Path, "/")
		for _, command := range [][]string{
			{"setup-schema", "--version", "0.0"},
			{"update-schema", "--schema-name", store.schema},
		} {
			if err := s.runSQLTool(ctx, sqlTool, stores[i], command); err != nil {
				return nil, err
			}
		}
	}
	return stores, nil
}

func (s *Stack) runSQLTool(ctx context.Context, sqlTool string, store temporalStore, command []string) error {
	srv, err := parseServer(s.Endpoints().AdminDatabaseURL)
	if err != nil {
		return err
	}
	attributes := url.Values{}
	for name, value := range srv.attributes {
		attributes.Set(name, value)
	}
	return s.supervisor.run(ctx, Process{
		Name: "temporal-schema-" + store.name + "-" + command[0],
		Path: sqlTool,
		Args: command,
		// By environment, not by arguments, which every user of the machine can read.
		Env: []string{"SQL_PLUGIN=postgres12", "SQL_HOST=" + srv.host, "SQL_PORT=" + strconv.Itoa(srv.port),
			"SQL_USER=" + srv.user, "SQL_PASSWORD=" + srv.password, "SQL_DATABASE=" + store.database,
			"SQL_CONNECT_ATTRIBUTES=" + attributes.Encode()},
	})
}

// dialFrontend connects to a frontend without TLS: a private one has none.
func dialFrontend(address string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("reach Temporal at %s: %w", address, err)
	}
	return conn, nil
}

// askFrontend answers nil when the frontend says that it serves.
func askFrontend(ctx context.Context, address string) error {
	conn, err := dialFrontend(address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reply, err := healthpb.NewHealthClient(conn).Check(ctx,
		&healthpb.HealthCheckRequest{Service: "temporal.api.workflowservice.v1.WorkflowService"})
	if err != nil {
		return fmt.Errorf("ask Temporal at %s: %w", address, err)
	}
	if reply.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("ask Temporal at %s: %s", address, reply.GetStatus())
	}
	return nil
}

// makeNamespace creates the namespace unless it exists, and waits until the
// server uses it: the frontend serves before its shards do, and looks new
// namespaces up every few seconds.
func (s *Stack) makeNamespace(ctx context.Context) error {
	e := s.Endpoints()
	conn, err := dialFrontend(e.Temporal)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	service := workflowservice.NewWorkflowServiceClient(conn)
	ctx, cancel := context.WithTimeoutCause(ctx, 90*time.Second, errors.New("the namespace is not usable after 90s"))
	defer cancel()
	for {
		err := tryNamespace(ctx, service, e.Namespace)
		if err == nil {
			return nil
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("create the namespace %s: %w: %w", e.Namespace, context.Cause(ctx), err)
		}
	}
}

func tryNamespace(ctx context.Context, service workflowservice.WorkflowServiceClient, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, Description: "regpay's payments",
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		HistoryArchivalState:             enumspb.ARCHIVAL_STATE_DISABLED,
		VisibilityArchivalState:          enumspb.ARCHIVAL_STATE_DISABLED,
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err = serviceError(err); err != nil && !errors.As(err, &exists) {
		return err
	}
	// Visibility, then the history service, each with a question whose answer
	// is known.
	if _, err := service.CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: name}); err != nil {
		return err
	}
	_, err = service.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{Namespace: name,
		Execution: &commonpb.WorkflowExecution{WorkflowId: "is-anybody-there"}})
	var missing *serviceerror.NotFound
	if err = serviceError(err); err != nil && !errors.As(err, &missing) {
		return err
	}
	return nil
}

// temporalPorts are the loopback ports of one server. Every service wants a
// port of its own for gRPC and one for finding the others, even in one process.
type temporalPorts struct {
	frontend, http int
	grpc, member   map[string]int
}

func (s *Stack) pickTemporalPorts() (temporalPorts, error) {
	p := temporalPorts{grpc: map[string]int{}, member: map[string]int{}}
	var errs []error
	pick := func(what string, wanted int) int {
		port, err := s.ports.pick("Temporal's "+what, wanted)
		errs = append(errs, err)
		return port
	}
	p.frontend = pick("frontend", s.options.Ports.Temporal)
	p.http = pick("HTTP frontend", 0)
	for _, service := range temporalServices() {
		p.grpc[service] = p.frontend
		if service != "frontend" {
			p.grpc[service] = pick(service, 0)
		}
		p.member[service] = pick(service+" membership", 0)
	}
	return p, errors.Join(errs...)
}

func temporalServices() []string { return []string{"frontend", "history", "matching", "worker"} }

// configFile is where a part's configuration lives.
func (s *Stack) configFile(name string) string { return filepath.Join(s.dir, "config", name) }
