package archive

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// dropIndexes takes indexes, unique constraints and foreign keys away, and
// returns what puts them back as they were defined.
func (b *books) dropIndexes(ctx context.Context, all []*table) (restore func(context.Context) error, err error) {
	var foreign, drops []string
	own := make([][]string, len(all))
	for i, t := range all {
		var parts []struct {
			Name string `db:"name"`
			Def  string `db:"def"`
			Kind string `db:"kind"`
		}
		const read = `
SELECT conname AS name, pg_get_constraintdef(oid) AS def, contype::text AS kind FROM pg_constraint
 WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u', 'f')
 UNION ALL
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), 'index' FROM pg_index x
 WHERE indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u'))
 ORDER BY kind, name`
		if err := b.db.SelectContext(ctx, &parts, read, t.name); err != nil {
			return nil, fmt.Errorf("read the indexes of %s: %w", t.name, err)
		}
		for _, p := range parts {
			add := fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", t.name, p.Name, p.Def)
			drop := fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", t.name, p.Name)
			switch p.Kind {
			case "f": // needs what it points to, and goes before it
				foreign, drops = append(foreign, add), append([]string{drop}, drops...)
			case "index":
				own[i], drops = append(own[i], p.Def), append(drops, "DROP INDEX "+p.Name)
			default:
				own[i], drops = append(own[i], add), append(drops, drop)
			}
		}
	}
	for _, d := range drops {
		if _, err := b.db.ExecContext(ctx, d); err != nil {
			return nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	return func(ctx context.Context) error { return b.putBack(ctx, own, foreign) }, nil
}

// putBack runs the statements of two tables at a time, then the foreign keys.
func (b *books) putBack(ctx context.Context, own [][]string, foreign []string) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, statements := range own {
		g.Go(func() error { return b.run(within, statements) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return b.run(ctx, foreign)
}

func (b *books) run(ctx context.Context, statements []string) (err error) {
	conn, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	statements = append([]string{"RESET session_replication_role"}, statements...) // foreign keys are to be checked
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
