package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// furnish adds what is not of payments, through the store: API keys, past
// maintenance windows, the block lists and missed appointments.
func (b *books) furnish(ctx context.Context) error {
	if err := b.countDays(ctx); err != nil {
		return err
	}
	for h := range b.o.Hospitals {
		for _, staff := range []bool{false, true} {
			secret, err := b.CreateAPIKey(ctx, store.APIKey{Name: "booking", Hospitals: []string{hospitalID(h)}, Staff: staff})
			if err != nil {
				return err
			}
			b.secrets = append(b.secrets, secret)
		}
	}
	sizes := sizes(b.o.Payments, b.o.Hospitals)
	few := min(max(b.o.Payments/1000, 10), 1000)
	systems := payment.Systems()
	for n := range few {
		h := n % b.o.Hospitals
		at := b.start.Add(-period + time.Duration(n)*(period/time.Duration(few+1)))
		_, _, err := b.AnnounceWindow(ctx, windowKey(n), payment.Window{HospitalID: hospitalID(h), System: systems[n%len(systems)],
			From: at.Add(time.Hour), Until: at.Add(2 * time.Hour), Note: "例行维护", AnnouncedBy: "op-li"}, at)
		if err != nil {
			return err
		}
		missed := patient(h*patientsOfOne + n%max(sizes[h]/visitsPerPatient, 1))
		if err := b.RecordNoShow(ctx, hospitalID(h), missed.IDNumber, fmt.Sprintf("slot-%06d", n), at); err != nil {
			return err
		}
		if n%10 > 0 {
			continue
		}
		if err := b.Block(ctx, hospitalID(h), patient(patientsOfOne/2+n).IDNumber, "scalper", "op-li", at); err != nil {
			return err
		}
	}
	return nil
}

// weigh counts rows and bytes.
func (b *books) weigh(ctx context.Context, r *Result) error {
	const mega = 1 << 20
	for _, t := range tables() {
		var row struct {
			Rows  int64 `db:"rows"`
			Heap  int64 `db:"heap"`
			Index int64 `db:"index"`
		}
		read := `SELECT count(*) AS rows, pg_table_size('` + t.name + `') AS heap, pg_indexes_size('` + t.name + `') AS index FROM ` + t.name
		if err := b.db.GetContext(ctx, &row, read); err != nil {
			return fmt.Errorf("weigh %s: %w", t.name, err)
		}
		r.Tables = append(r.Tables, Table{Name: t.name, Rows: row.Rows, HeapMB: float64(row.Heap) / mega, IndexMB: float64(row.Index) / mega})
		if t.name == "payments" {
			r.Payments = int(row.Rows)
		}
	}
	if err := b.db.SelectContext(ctx, &r.Hospitals, `SELECT count(*) FROM requests GROUP BY hospital_id ORDER BY count(*) DESC`); err != nil {
		return fmt.Errorf("count the hospitals: %w", err)
	}
	if err := b.db.GetContext(ctx, &r.OpenCases, `SELECT count(*) FROM cases WHERE decided_at IS NULL`); err != nil {
		return fmt.Errorf("count the open cases: %w", err)
	}
	return nil
}

func windowKey(n int) string { return fmt.Sprintf("window-%06d", n) }
