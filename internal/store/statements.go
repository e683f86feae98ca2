package store

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/lib/pq"
)

// preparing connects so that each connection prepares a statement the first
// time that it is used and then runs it by its name: PostgreSQL reads and plans
// it once, not each time, which for these short statements is most of the work.
// The store's statements are constants, so there are as many as the code has.
type preparing struct{ driver.Connector }

func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	own, ok := c.(connection)
	if !ok {
		return nil, errors.New("open the books: the driver's connection lacks what the store needs")
	}
	return &preparedConn{connection: own, known: map[string]driver.Stmt{}}, nil
}

// connection is what lib/pq's connections can do.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedConn is a connection with the statements that it has prepared.
type preparedConn struct {
	connection
	known map[string]driver.Stmt
}

// mostPrepared bounds what a session of PostgreSQL keeps: statements whose text
// depends on the question, such as lists of filters, are few but not constant.
const mostPrepared = 256

// statement is the query's prepared statement, or nil where it is run as it is:
// without arguments it may be several statements, as migrations are.
func (c *preparedConn) statement(ctx context.Context, query string, args []driver.NamedValue) (driver.Stmt, error) {
	if len(args) == 0 {
		return nil, nil
	}
	if s, ok := c.known[query]; ok {
		return s, nil
	}
	if len(c.known) >= mostPrepared {
		return nil, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.known[query] = s
	return s, nil
}

func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.connection.QueryContext(ctx, query, args)
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	return rows, c.forget(query, err)
}

func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.connection.ExecContext(ctx, query, args)
	}
	result, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	return result, c.forget(query, err)
}

// forget drops a statement that PostgreSQL refuses to run as it was prepared:
// a migration has changed what it returns, or a pooler has thrown it away. The
// step's repeat prepares it anew.
func (c *preparedConn) forget(query string, err error) error {
	var pe *pq.Error
	if errors.As(err, &pe) && (pe.Code == "0A000" || pe.Code == "26000") {
		delete(c.known, query)
	}
	return err
}
