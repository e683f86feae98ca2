package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/audit"
)

// chain collects the records that a transaction adds to one audit log.
type chain struct {
	subject string
	head    audit.Head
	records []audit.Record
	address string // from which the changes are asked for, if a person does
}

func (c *chain) add(at time.Time, actor, action string, detail map[string]string) {
	var r audit.Record
	r, c.head = c.head.Append(audit.Record{Subject: c.subject, At: at, Actor: actor, Action: action, Detail: addressed(detail, c.address)})
	c.records = append(c.records, r)
}

// The statements of chain.write: where the log's head is kept is what differs.
const (
	writeRecords = `
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT $1::text, seq, at, actor, action, detail::jsonb, prev, hash
  FROM unnest($4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`
	writeBeside = `WITH moved AS (UPDATE payments SET audit_seq = $2, audit_head = $3 WHERE id = $1::text)` + writeRecords
	writeAlone  = `WITH moved AS (UPDATE audit_heads SET audit_seq = $2, audit_head = $3 WHERE subject = $1::text)` + writeRecords
)

// write adds the records to the log, and moves its head.
func (c *chain) write(ctx context.Context, tx *sqlx.Tx, statement string) error {
	_, err := tx.ExecContext(ctx, statement, append([]any{c.subject, c.head.Seq, c.head.Hash}, c.columns()...)...)
	return err
}

// columns are the records as one array for each column.
func (c *chain) columns() []any {
	n := len(c.records)
	seq, at := make(pq.Int64Array, n), make(pq.StringArray, n)
	actor, action, detail := make(pq.StringArray, n), make(pq.StringArray, n), make(pq.StringArray, n)
	prev, hash := make(pq.ByteaArray, n), make(pq.ByteaArray, n)
	for i, r := range c.records {
		seq[i], at[i], actor[i], action[i] = r.Seq, r.At.Format(time.RFC3339Nano), r.Actor, r.Action
		prev[i], hash[i] = r.Prev, r.Hash
		b, err := json.Marshal(r.Detail)
		if err != nil {
			panic("store: a detail is a map of strings: " + err.Error())
		}
		detail[i] = string(b)
	}
	return []any{seq, at, actor, action, detail, prev, hash}
}

func details(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2+3)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}
