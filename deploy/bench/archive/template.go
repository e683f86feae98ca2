package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
)

// template is a payment that was played, to be multiplied.
type template struct {
	kind    int
	at      time.Time // when it was opened
	id      string
	request payment.Request
	rows    map[string][][]any // by table
	charges map[int32]channel.Charge
	sealed  map[string][]byte // what is sealed besides request and charges, opened, by its place
	log     []logged
	reports []channel.Report // in the order of the captures' rows
}

// logged is a line of the audit log.
type logged struct {
	at            time.Time
	actor, action string
	detail        map[string]string
}

// table is one whose rows belong to payments.
type table struct {
	name  string
	owner string // SQL of the payment's id
	from  string // beside the table itself

	columns []string
	kinds   []string // their types
	at      map[string]int
}

// tables are all of them, the largest first.
func tables() []*table {
	return []*table{
		{name: "audit", owner: "t.subject"},
		{name: "ledger_entries", owner: "l.payment_id", from: " JOIN ledger_transactions l ON l.id = t.transaction_id"},
		{name: "requests", owner: "t.payment_id"},
		{name: "attempts", owner: "t.payment_id"},
		{name: "webhooks", owner: "t.payment_id"},
		{name: "payments", owner: "t.id"},
		{name: "ledger_transactions", owner: "t.payment_id"},
		{name: "captures", owner: "t.payment_id"},
		{name: "challenges", owner: "t.payment_id"},
		{name: "refunds", owner: "t.payment_id"},
		{name: "cases", owner: "t.payment_id"},
	}
}

// describe asks for the columns that have to be written.
func (t *table) describe(ctx context.Context, conn *pgx.Conn) error {
	const read = `SELECT column_name::text, udt_name::text FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = $1 AND is_identity = 'NO' AND is_generated = 'NEVER' AND column_name <> 'written_by'
 ORDER BY ordinal_position`
	rows, err := conn.Query(ctx, read, t.name)
	if err != nil {
		return fmt.Errorf("describe %s: %w", t.name, err)
	}
	defer rows.Close()
	t.at = map[string]int{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return fmt.Errorf("describe %s: %w", t.name, err)
		}
		t.at[name] = len(t.columns)
		t.columns, t.kinds = append(t.columns, name), append(t.kinds, kind)
	}
	return rows.Err()
}

// read adds the table's rows to the templates that they belong to.
func (t *table) read(ctx context.Context, conn *pgx.Conn, of map[string]*template) error {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = "t." + c
		if t.kinds[i] == "jsonb" {
			columns[i] += "::text"
		}
	}
	order := strings.Join([]string{t.owner, "t." + t.columns[0], "t." + t.columns[1]}, ", ")
	rows, err := conn.Query(ctx, "SELECT "+t.owner+", "+strings.Join(columns, ", ")+" FROM "+t.name+" t"+t.from+" ORDER BY "+order)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		owner, _ := values[0].(string)
		p := of[owner]
		if p == nil {
			continue // the log of the block list, say
		}
		row := values[1:]
		for i, v := range row {
			if list, ok := v.([]any); ok {
				texts := make([]string, len(list))
				for j, e := range list {
					texts[j] = fmt.Sprint(e)
				}
				row[i] = texts
			}
		}
		p.rows[t.name] = append(p.rows[t.name], row)
	}
	return rows.Err()
}

func (t *table) text(row []any, column string) string {
	s, _ := row[t.at[column]].(string)
	return s
}

func (t *table) number(row []any, column string) int32 {
	n, _ := row[t.at[column]].(int32)
	return n
}

// place is the additional data under which the store seals a value; a copy that
// was sealed for another place cannot be read, which the queries would tell.
func place(parts ...string) []byte { return []byte("regpay books\x00" + strings.Join(parts, "\x00")) }

// open opens what is sealed in a template's rows and reads what is hashed.
func (p *template) open(by map[string]*table, keys *privacy.Keyring) error {
	p.charges, p.sealed = map[int32]channel.Charge{}, map[string][]byte{}
	attempts := by["attempts"]
	for _, row := range p.rows["attempts"] {
		n := attempts.number(row, "attempt")
		b, err := keys.Open(row[attempts.at["charge_sealed"]].([]byte), place("charge", p.id, fmt.Sprint(n)))
		if err != nil {
			return fmt.Errorf("open charge %d of %s: %w", n, p.id, err)
		}
		var c channel.Charge
		if err := json.Unmarshal(b, &c); err != nil {
			return fmt.Errorf("read charge %d of %s: %w", n, p.id, err)
		}
		p.charges[n] = c
		if err := p.keep(keys, attempts, row, "prepaid_sealed", "prepaid", p.id, fmt.Sprint(n)); err != nil {
			return err
		}
	}
	for _, s := range []struct{ table, column, place string }{{"cases", "note_sealed", "case note"},
		{"cases", "proposal_note_sealed", "case note"}, {"challenges", "phone_sealed", "challenge phone"}} {
		t := by[s.table]
		for _, row := range p.rows[s.table] {
			if err := p.keep(keys, t, row, s.column, s.place, t.text(row, "id")); err != nil {
				return err
			}
		}
	}
	captures := by["captures"]
	for _, row := range p.rows["captures"] {
		var r channel.Report
		if err := json.Unmarshal([]byte(captures.text(row, "report")), &r); err != nil {
			return fmt.Errorf("read a capture of %s: %w", p.id, err)
		}
		p.reports = append(p.reports, r)
	}
	log := by["audit"]
	for _, row := range p.rows["audit"] {
		at, _ := row[log.at["at"]].(time.Time)
		l := logged{at: at, actor: log.text(row, "actor"), action: log.text(row, "action")}
		if err := json.Unmarshal([]byte(log.text(row, "detail")), &l.detail); err != nil {
			return fmt.Errorf("read the log of %s: %w", p.id, err)
		}
		p.log = append(p.log, l)
	}
	return nil
}

// keep opens one sealed value.
func (p *template) keep(keys *privacy.Keyring, t *table, row []any, column string, at ...string) error {
	sealed, _ := row[t.at[column]].([]byte)
	if sealed == nil {
		return nil
	}
	b, err := keys.Open(sealed, place(at...))
	if err != nil {
		return fmt.Errorf("open %s of %s: %w", column, p.id, err)
	}
	p.sealed[column+"\x00"+strings.Join(at, "\x00")] = b
	return nil
}
