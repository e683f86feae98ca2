package stack

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // registers the driver "postgres"
)

const (
	postgresName = "postgres"
	databaseUser = "regpay"
)

// startPostgres makes a cluster that nobody else uses and starts it. It
// listens on the loopback alone, asks for a password that was made up for this
// run, and is as durable as a production server: what is measured on it counts.
func (s *Stack) startPostgres(ctx context.Context) error {
	started := time.Now()
	install, err := s.postgresInstall(ctx)
	if err != nil {
		return err
	}
	as, err := unprivileged()
	if err != nil {
		return err
	}
	folder, err := ownedFolder(ctx, as, filepath.Join(s.dir, "postgres"), filepath.Base(s.dir))
	if err != nil {
		return err
	}
	s.addFolder(folder)
	port, err := s.ports.pick("PostgreSQL", s.options.Ports.Postgres)
	if err != nil {
		return err
	}
	password := randomHex(16)
	if err := s.initPostgres(ctx, install, as, folder, password, port); err != nil {
		return err
	}
	s.setEndpoints(func(e *Endpoints) {
		e.AdminDatabaseURL = (&url.URL{Scheme: "postgres", User: url.UserPassword(databaseUser, password),
			Host: loopback(port), Path: "/postgres", RawQuery: "sslmode=disable"}).String()
	})
	err = s.supervisor.start(ctx, Process{
		Name:    postgresName,
		Path:    filepath.Join(install.bin, "postgres"),
		Args:    []string{"-D", filepath.Join(folder, "data")},
		Env:     []string{"LC_ALL=C", "TZ=UTC"},
		Dir:     folder,
		account: as,
		Ready:   func(ctx context.Context) error { return pingDatabase(ctx, s.Endpoints().AdminDatabaseURL) },
		// The fast shutdown: ends clients' sessions and writes a checkpoint.
		StopSignal:  syscall.SIGINT,
		StopTimeout: 30 * time.Second,
		// After a kill the server refuses to start until the last of the old
		// sessions has noticed.
		Attempts: 20,
	})
	if err != nil {
		return err
	}
	s.progress.done(started, "PostgreSQL %d on %s", install.major, loopback(port))
	return nil
}

// postgresInstall finds PostgreSQL, or installs it where nobody need be asked.
func (s *Stack) postgresInstall(ctx context.Context) (pgInstall, error) {
	install, err := findPostgres(ctx)
	if err == nil || os.Getenv("REGPAY_POSTGRES_BIN") != "" {
		return install, err
	}
	return installPostgres(ctx, s.progress)
}

// initPostgres makes the cluster and its configuration.
func (s *Stack) initPostgres(ctx context.Context, install pgInstall, as *account, folder, password string, port int) error {
	secret := filepath.Join(folder, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the database's password: %w", err)
	}
	defer func() { _ = os.Remove(secret) }()
	if as != nil {
		if err := os.Chown(secret, int(as.uid), int(as.gid)); err != nil {
			return fmt.Errorf("hand the database's password over: %w", err)
		}
	}
	data := filepath.Join(folder, "data")
	err := s.supervisor.run(ctx, Process{
		Name: "initdb",
		Path: filepath.Join(install.bin, "initdb"),
		// --no-sync is about the empty cluster alone, which a power cut makes
		// worthless anyway; the server itself runs with fsync.
		Args: []string{"-D", data, "--username=" + databaseUser, "--pwfile=" + secret, "--auth=scram-sha-256",
			"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"},
		Env: []string{"LC_ALL=C", "TZ=UTC"}, Dir: folder, account: as,
	})
	if err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configure PostgreSQL: %w", err)
	}
	_, err = conf.WriteString(postgresConf(port, s.options.PostgresSettings))
	if closed := conf.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("configure PostgreSQL: %w", err)
	}
	return nil
}

// postgresConf is the cluster's configuration beyond initdb's.
func postgresConf(port int, more map[string]string) string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    fmt.Sprint(port),
		"unix_socket_directories": "", // nothing outside the run's folder, and no limit on its path's length
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// Temporal keeps up to about sixty sessions open, regpay's processes
		// and the tests the rest.
		"max_connections": "200",
		"shared_buffers":  "256MB",
		// Short statements only: neither pays here, and parallel workers would
		// want more shared memory than small containers have.
		"jit":                             "off",
		"max_parallel_workers_per_gather": "0",
		// Fewer checkpoints in the middle of a measurement.
		"max_wal_size":               "2GB",
		"log_min_messages":           "warning",
		"log_checkpoints":            "off",
		"cluster_name":               "regpay-local",
		"wal_recycle":                "on",
		"autovacuum_naptime":         "30s",
		"password_encryption":        "scram-sha-256",
		"log_line_prefix":            "%m [%p] %u@%d ",
		"default_text_search_config": "pg_catalog.simple",
	}
	for name, value := range more {
		settings[name] = value
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("\n# the local stack's settings\n")
	for _, name := range names {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return b.String()
}

func pingDatabase(ctx context.Context, dsn string) error {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}
