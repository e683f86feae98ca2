package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// maxAhead is how many payments are counted: whoever has more before them waits
// for the longest time in any case.
const maxAhead = 500

// Line is what stands before a payment that is to be registered.
type Line struct {
	Ahead int       // up to maxAhead
	First time.Time // when the first one in the line was paid; zero when nobody is ahead
}

// aheadOf counts along payments_unregistered alone. A payment that the HIS has
// refused, or whose money goes back, stands in nobody's way.
const aheadOf = `
WITH own AS MATERIALIZED (SELECT hospital_id, paid_at, id FROM payments WHERE id = $1)
SELECT count(*) AS ahead, min(paid_at) AS first FROM (
    SELECT paid_at FROM payments
     WHERE status = 'paid' AND refusal = '' AND hospital_id = (SELECT hospital_id FROM own)
       AND (paid_at, id) < ((SELECT paid_at FROM own), (SELECT id FROM own)) AND paid_at < $2
     ORDER BY paid_at, id LIMIT $3) AS line`

// LineBefore counts the payments of the same hospital that were paid before
// this one and earlier than before, and that the HIS does not have yet. A
// payment that is not there or not paid has nobody ahead.
func (s *Store) LineBefore(ctx context.Context, paymentID string, before time.Time) (Line, error) {
	var row struct {
		Ahead int          `db:"ahead"`
		First sql.NullTime `db:"first"`
	}
	if err := s.db.GetContext(ctx, &row, aheadOf, paymentID, before, maxAhead); err != nil {
		return Line{}, fmt.Errorf("count the registrations before %s: %w", paymentID, err)
	}
	return Line{Ahead: row.Ahead, First: utc(row.First)}, nil
}

// Unregistered is how many payments of a hospital are paid and not registered.
type Unregistered struct {
	HospitalID string    `db:"hospital_id"`
	Count      int       `db:"count"`
	Oldest     time.Time `db:"oldest"` // when the oldest of them was paid
}

// Unregistered lists the hospitals that have any.
func (s *Store) Unregistered(ctx context.Context) ([]Unregistered, error) {
	var out []Unregistered
	const read = `
SELECT hospital_id, count(*) AS count, min(paid_at) AS oldest FROM payments
 WHERE status = 'paid' AND refusal = '' GROUP BY hospital_id ORDER BY hospital_id`
	if err := s.db.SelectContext(ctx, &out, read); err != nil {
		return nil, fmt.Errorf("count the unregistered payments: %w", err)
	}
	return out, nil
}

// OpenCases is how many cases of one reason wait for a person at a hospital.
type OpenCases struct {
	HospitalID string `db:"hospital_id"`
	Reason     string `db:"reason"`
	Count      int    `db:"count"`
	Overdue    int    `db:"overdue"` // of Count, those whose deadline has passed
}

// CountOpenCases counts them by hospital and reason, at the time now.
func (s *Store) CountOpenCases(ctx context.Context, now time.Time) ([]OpenCases, error) {
	var out []OpenCases
	const read = `
SELECT hospital_id, reason, count(*) AS count, count(*) FILTER (WHERE deadline < $1) AS overdue FROM cases
 WHERE decided_at IS NULL GROUP BY hospital_id, reason ORDER BY hospital_id, reason`
	if err := s.db.SelectContext(ctx, &out, read, now); err != nil {
		return nil, fmt.Errorf("count the open cases: %w", err)
	}
	return out, nil
}
