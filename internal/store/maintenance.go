package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/payment"
)

const subjectMaintenance = "maintenance/" // and the hospital's id

// SubjectMaintenance is the audit log of a hospital's maintenance windows.
func SubjectMaintenance(hospital string) string { return subjectMaintenance + hospital }

// WindowFilter selects maintenance windows, the latest first. Hospitals as in
// Filter.
type WindowFilter struct {
	Hospitals []string
	// State selects by where the windows stand at At; empty selects all.
	State payment.WindowState
	At    time.Time
	Limit int // 1 to 500; 50 when zero
	// After is the ID of the last window of the page before.
	After string
}

type windowRow struct {
	ID          string         `db:"id"`
	Hospital    string         `db:"hospital_id"`
	System      payment.System `db:"system"`
	From        time.Time      `db:"starts_at"`
	Until       time.Time      `db:"ends_at"`
	Note        string         `db:"note"`
	AnnouncedBy string         `db:"announced_by"`
	AnnouncedAt time.Time      `db:"announced_at"`
	EndedBy     string         `db:"ended_by"`
	EndedAt     sql.NullTime   `db:"ended_at"`
}

func (r windowRow) window() payment.Window {
	return payment.Window{ID: r.ID, HospitalID: r.Hospital, System: r.System, From: r.From.UTC(), Until: r.Until.UTC(),
		Note: r.Note, AnnouncedBy: r.AnnouncedBy, AnnouncedAt: r.AnnouncedAt.UTC(), EndedBy: r.EndedBy, EndedAt: utc(r.EndedAt)}
}

const windowColumns = `id, hospital_id, system, starts_at, ends_at, note, announced_by, announced_at, ended_by, ended_at`

const readWindow = `SELECT ` + windowColumns + ` FROM maintenance_windows WHERE id = $1`

// AnnounceWindow writes a maintenance window down under the announcer's own
// key, which names it within the hospital. The same announcement under the same
// key finds the window that is there, however it stands by now; another one is
// a Problem CodeWindowConflict. A window without From begins at at. Problems
// are those of payment.Window.Check.
func (s *Store) AnnounceWindow(ctx context.Context, key string, w payment.Window, at time.Time) (done payment.Window, existed bool, err error) {
	if !payment.IsWindowKey(key) {
		return payment.Window{}, false, payment.Problem{Code: payment.CodeWindow, Field: "key", Text: "a key has 1 to 64 letters, digits and . _ : -"}
	}
	w.ID = payment.WindowID(w.HospitalID, key)
	if !w.From.IsZero() {
		w.From = stamp(w.From)
	}
	w.Until = stamp(w.Until)
	err = s.loggedChange(ctx, SubjectMaintenance(w.HospitalID), w.AnnouncedBy, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		var row windowRow
		err := tx.GetContext(ctx, &row, readWindow, w.ID)
		switch {
		case err == nil:
			done, existed = row.window(), true
			if !done.Same(w) {
				return "", nil, payment.Problem{Code: payment.CodeWindowConflict, Field: "key", Text: "this key was used for another window"}
			}
			return "", nil, nil
		case !errors.Is(err, sql.ErrNoRows):
			return "", nil, fmt.Errorf("read the window: %w", err)
		}
		if w.From.IsZero() {
			w.From = stamp(at)
		}
		w.AnnouncedAt, w.EndedAt, w.EndedBy = stamp(at), time.Time{}, ""
		if err := w.Check(w.AnnouncedAt); err != nil {
			return "", nil, err
		}
		const insert = `
INSERT INTO maintenance_windows (id, hospital_id, system, starts_at, ends_at, note, announced_by, announced_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
		if _, err := tx.ExecContext(ctx, insert, w.ID, w.HospitalID, w.System, w.From, w.Until, w.Note, w.AnnouncedBy, w.AnnouncedAt); err != nil {
			return "", nil, fmt.Errorf("write the window: %w", err)
		}
		done = w
		return "maintenance_announced", details("window", w.ID, "system", string(w.System),
			"from", w.From.Format(time.RFC3339Nano), "until", w.Until.Format(time.RFC3339Nano), "note", w.Note), nil
	})
	s.windows.forget(w.HospitalID)
	if err != nil {
		return payment.Window{}, false, fmt.Errorf("announce maintenance at %s: %w", w.HospitalID, err)
	}
	return done, existed, nil
}

// EndWindow ends a maintenance window at at: one that is open lets its system
// be used again, one that has not begun never opens. One that is over stays as
// it is, so ending it again changes nothing. An unknown one is ErrNotFound.
func (s *Store) EndWindow(ctx context.Context, id, by string, at time.Time) (payment.Window, error) {
	w, err := s.Window(ctx, id)
	if err != nil {
		return payment.Window{}, err
	}
	err = s.loggedChange(ctx, SubjectMaintenance(w.HospitalID), by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		var row windowRow
		if err := tx.GetContext(ctx, &row, readWindow+` FOR UPDATE`, id); err != nil {
			return "", nil, found(err)
		}
		if w = row.window(); w.State(at) == payment.WindowPast {
			return "", nil, nil
		}
		w.EndedAt, w.EndedBy = stamp(at), by
		const write = `UPDATE maintenance_windows SET ended_at = $2, ended_by = $3 WHERE id = $1`
		if _, err := tx.ExecContext(ctx, write, id, w.EndedAt, by); err != nil {
			return "", nil, fmt.Errorf("write the window: %w", err)
		}
		return "maintenance_ended", details("window", id, "system", string(w.System), "until", w.Until.Format(time.RFC3339Nano)), nil
	})
	s.windows.forget(w.HospitalID)
	if err != nil {
		return payment.Window{}, fmt.Errorf("end maintenance %s: %w", id, err)
	}
	return w, nil
}

// Window reads one, or returns ErrNotFound.
func (s *Store) Window(ctx context.Context, id string) (payment.Window, error) {
	var row windowRow
	if err := s.db.GetContext(ctx, &row, readWindow, id); err != nil {
		return payment.Window{}, fmt.Errorf("read maintenance %s: %w", id, found(err))
	}
	return row.window(), nil
}

// Windows lists maintenance windows.
func (s *Store) Windows(ctx context.Context, f WindowFilter) (payment.Windows, error) {
	var w where
	w.hospitals("hospital_id", f.Hospitals)
	at := stamp(f.At)
	switch f.State {
	case payment.WindowUpcoming:
		w.add("over_at > ? AND starts_at > ?", at, at)
	case payment.WindowActive:
		w.add("over_at > ? AND starts_at <= ?", at, at)
	case payment.WindowPast:
		w.add("over_at <= ?", at)
	}
	if f.After != "" {
		w.after("maintenance_windows", "starts_at", "id", "<", f.After)
	}
	read := s.db.Rebind(`SELECT ` + windowColumns + ` FROM maintenance_windows` + w.sql() +
		` ORDER BY starts_at DESC, id DESC LIMIT ` + number(limit(f.Limit)))
	var rows []windowRow
	if err := s.db.SelectContext(ctx, &rows, read, w.args...); err != nil {
		return nil, fmt.Errorf("list maintenance: %w", err)
	}
	return windowsOf(rows), nil
}

func windowsOf(rows []windowRow) payment.Windows {
	out := make(payment.Windows, len(rows))
	for i, r := range rows {
		out[i] = r.window()
	}
	return out
}
