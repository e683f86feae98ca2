package stack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"

	"github.com/lib/pq"
)

var databaseName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Database creates a database and answers with its URL. On a private server it
// is called name; on one that DATABASE_URL named, the run's id is added to the
// name and the database is dropped when the stack stops. A name that is taken
// is an error: a fresh database is what callers count on.
func (s *Stack) Database(ctx context.Context, name string) (string, error) {
	if !databaseName.MatchString(name) {
		return "", fmt.Errorf("create database %q: want lower-case letters, digits and underscores, at most 40", name)
	}
	admin := s.Endpoints().AdminDatabaseURL
	if admin == "" {
		return "", fmt.Errorf("create database %s: the stack has no PostgreSQL", name)
	}
	actual := name
	if s.options.DatabaseURL != "" {
		actual += "_" + s.id
	}
	dsn, err := withDatabase(admin, actual)
	if err != nil {
		return "", err
	}
	// template0, because template1 of a foreign server may have another
	// encoding or content.
	err = execute(ctx, admin, "CREATE DATABASE "+pq.QuoteIdentifier(actual)+" TEMPLATE template0 ENCODING 'UTF8'")
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", actual, err)
	}
	if actual != name {
		s.mu.Lock()
		s.drop = append(s.drop, actual)
		s.mu.Unlock()
		if err := s.writeState(); err != nil {
			return "", err
		}
	}
	return dsn, nil
}

// dropDatabases removes what a stack made on a server that is not its own.
func dropDatabases(ctx context.Context, admin string, names []string) error {
	var errs []error
	for _, name := range names {
		// Sessions of killed processes may linger for a moment.
		_ = execute(ctx, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "+pq.QuoteLiteral(name))
		if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)); err != nil {
			errs = append(errs, fmt.Errorf("drop database %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func execute(ctx context.Context, dsn, statement string) error {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// withDatabase is a server's URL with another database's name.
func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Hostname() == "" {
		// Without the URL in the message: it holds a password.
		return "", errors.New("DATABASE_URL: want postgres://user:password@host:port/database?sslmode=…")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// sqlServer is a database URL taken apart, as Temporal wants it.
type sqlServer struct {
	host, user, password string
	port                 int
	// attributes are the URL's parameters; Temporal knows those of lib/pq.
	attributes map[string]string
}

func parseServer(dsn string) (sqlServer, error) {
	if _, err := withDatabase(dsn, "x"); err != nil {
		return sqlServer{}, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return sqlServer{}, errors.New("DATABASE_URL: not a URL")
	}
	// Temporal's own default is not to encrypt; lib/pq's, and so regpay's, is
	// to require it. One URL must mean one thing.
	srv := sqlServer{host: u.Hostname(), port: 5432, user: u.User.Username(),
		attributes: map[string]string{"sslmode": "require"}}
	srv.password, _ = u.User.Password()
	if p := u.Port(); p != "" {
		if srv.port, err = strconv.Atoi(p); err != nil {
			return sqlServer{}, fmt.Errorf("DATABASE_URL: port %q: %w", p, err)
		}
	}
	for name, values := range u.Query() {
		srv.attributes[name] = values[len(values)-1]
	}
	return srv, nil
}

func (s sqlServer) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }
