package meter

import (
	"context"
	"database/sql"
	"fmt"
)

// WAL is the whole cluster's write-ahead log so far: Temporal's and the books'.
type WAL struct {
	Flushes int64
	Bytes   int64
}

// ReadWAL reads it. Bytes are exact; sessions report their flushes once a
// second while they are busy, so a window of several seconds is right to a few
// per cent. Needs PostgreSQL 14 to 17, where pg_stat_wal counts flushes.
func ReadWAL(ctx context.Context, db *sql.DB) (WAL, error) {
	var w WAL
	err := db.QueryRowContext(ctx, `SELECT wal_sync, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint FROM pg_stat_wal`).Scan(&w.Flushes, &w.Bytes)
	if err != nil {
		return w, fmt.Errorf("read the write-ahead log's figures: %w", err)
	}
	return w, nil
}
