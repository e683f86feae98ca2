package stack

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// startPostgresOnly starts a private cluster in a folder that, as go test makes
// it, other users cannot enter: the server must find its place all the same.
func startPostgresOnly(t *testing.T, options Options) *Stack {
	t.Helper()
	options.Parts, options.Local = Postgres, t.TempDir()
	if options.DatabaseURL == "" {
		options.DatabaseURL = "private"
	}
	s, err := Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func query(t *testing.T, dsn, statement string) string {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	var answer string
	require.NoError(t, db.QueryRowContext(t.Context(), statement).Scan(&answer))
	return answer
}

func TestPrivatePostgres(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := startPostgresOnly(t, Options{PostgresSettings: map[string]string{"work_mem": "5MB"}})
	admin := s.Endpoints().AdminDatabaseURL
	server := running(t, s, postgresName)

	require.Equal(t, "on", query(t, admin, "SHOW fsync"))
	require.Equal(t, "127.0.0.1", query(t, admin, "SHOW listen_addresses"))
	require.Empty(t, query(t, admin, "SHOW unix_socket_directories"))
	require.Equal(t, "UTF8", query(t, admin, "SHOW server_encoding"))
	require.Equal(t, "5MB", query(t, admin, "SHOW work_mem"), "the caller's setting counts")
	require.Equal(t, "scram-sha-256", query(t, admin, "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"))

	dsn, err := s.Database(t.Context(), "regpay")
	require.NoError(t, err)
	require.Equal(t, "regpay", query(t, dsn, "SELECT current_database()"))
	_, err = s.Database(t.Context(), "regpay")
	require.ErrorContains(t, err, "already exists", "a database handed out is always fresh")
	_, err = s.Database(t.Context(), `x"; DROP DATABASE regpay; --`)
	require.ErrorContains(t, err, "lower-case")

	// A crash loses nothing that was committed.
	query(t, dsn, "CREATE TABLE paid AS SELECT 1 AS n; SELECT 'done'")
	require.NoError(t, s.Kill(postgresName))
	require.NoError(t, s.Restart(t.Context(), postgresName))
	require.Equal(t, "1", query(t, dsn, "SELECT n FROM paid"))
	require.NotEqual(t, server.PID, running(t, s, postgresName).PID)

	folders := append([]string(nil), s.folders...)
	require.NotEmpty(t, folders)
	require.NoError(t, s.Stop(t.Context()))
	require.Empty(t, s.Processes())
	for _, dir := range folders {
		require.NoDirExists(t, dir)
	}
	require.FileExists(t, s.Log(postgresName))
}

func TestAForeignServerIsLeftAsItWas(t *testing.T) {
	server := startPostgresOnly(t, Options{Name: "foreign"})
	admin := server.Endpoints().AdminDatabaseURL
	const databases = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database"
	before := query(t, admin, databases)

	s := startPostgresOnly(t, Options{Name: "guest", DatabaseURL: admin})
	require.Empty(t, s.Processes(), "the guest runs no server of its own")
	dsn, err := s.Database(t.Context(), "regpay")
	require.NoError(t, err)
	require.Equal(t, "regpay_"+s.id, query(t, dsn, "SELECT current_database()"))

	// A session that is still open must not keep the database from going.
	db, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.PingContext(t.Context()))
	require.NoError(t, s.Stop(t.Context()))
	require.Equal(t, before, query(t, admin, databases))

	kept := startPostgresOnly(t, Options{Name: "guest", DatabaseURL: admin, Keep: true})
	_, err = kept.Database(t.Context(), "regpay")
	require.NoError(t, err)
	require.NoError(t, kept.Leave())
	_, err = Down(t.Context(), kept.options.Local, io.Discard)
	require.NoError(t, err)
	require.Equal(t, before, query(t, admin, databases), "nor does a guest that was left up leave anything")
}

func TestAStartThatIsInterruptedLeavesNothing(t *testing.T) {
	local := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		// As soon as anything was written down.
		for len(runs(local)) == 0 && ctx.Err() == nil {
			_ = pause(ctx, time.Millisecond)
		}
		cancel()
	}()
	_, err := Start(ctx, Options{Parts: Postgres, Local: local, DatabaseURL: "private"})
	require.ErrorIs(t, err, context.Canceled)
	for _, path := range runs(local) {
		st, err := readState(path)
		require.NoError(t, err)
		require.Empty(t, st.Processes)
		for _, dir := range st.Folders {
			require.NoDirExists(t, dir)
		}
	}
}

func TestPostgresIsLookedForWhereItWasNamed(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("REGPAY_POSTGRES_BIN", empty)
	_, err := findPostgres(t.Context())
	require.ErrorContains(t, err, empty)

	old := filepath.Join(empty, "postgres")
	require.NoError(t, os.WriteFile(old, []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 11.4'\n"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(empty, "initdb"), nil, 0o700))
	_, err = findPostgres(t.Context())
	require.ErrorContains(t, err, "version 11")
}
