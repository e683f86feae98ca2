package store_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

// oneConnection prepares as the store does, on a single connection.
func oneConnection(t *testing.T) *sql.DB {
	t.Helper()
	connector, err := pq.NewConnector(newDatabase(t))
	require.NoError(t, err)
	db := sql.OpenDB(store.Preparing(connector))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), `CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x')`)
	require.NoError(t, err, "several statements without arguments are run as they are")
	return db
}

func prepared(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_prepared_statements`).Scan(&n))
	return n
}

func TestAStatementIsPreparedOnceForAConnection(t *testing.T) {
	db := oneConnection(t)
	for range 3 {
		var b string
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT b FROM t WHERE a = $1`, 1).Scan(&b))
		require.Equal(t, "x", b)
		_, err := db.ExecContext(t.Context(), `UPDATE t SET b = $1`, "x")
		require.NoError(t, err)
	}
	require.Equal(t, 2, prepared(t, db))
}

func TestAStatementThatAMigrationChangedIsPreparedAnew(t *testing.T) {
	db := oneConnection(t)
	read := func() error {
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM t WHERE a = $1`, 1)
		if err != nil {
			return err
		}
		require.True(t, rows.Next())
		return rows.Close()
	}
	require.NoError(t, read())
	_, err := db.ExecContext(t.Context(), `ALTER TABLE t ADD COLUMN c int`)
	require.NoError(t, err)
	require.ErrorContains(t, read(), "cached plan")
	require.NoError(t, read(), "the repeat")
}

func TestAConnectionKeepsOnlySoManyStatements(t *testing.T) {
	db := oneConnection(t)
	for i := range store.MostPrepared + 10 {
		var one int
		require.NoError(t, db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT $1::int + %d`, i), 1).Scan(&one))
		require.Equal(t, i+1, one)
	}
	require.Equal(t, store.MostPrepared, prepared(t, db))
}
