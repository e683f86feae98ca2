package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Block puts a patient on a hospital's block list: the risk rules refuse every
// payment of theirs. Blocking again changes nothing.
func (s *Store) Block(ctx context.Context, hospital, idNumber, reason, operator string, at time.Time) error {
	const insert = `
INSERT INTO risk_blocks (hospital_id, patient_index, reason, operator, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	patient := s.patientIndex(hospital, idNumber)
	return s.riskChange(ctx, hospital, operator, at, "blocked", details("patient", patient, "why", reason),
		insert, hospital, patient, reason, operator, stamp(at))
}

// Unblock takes a patient off the list; one who is not on it stays so.
func (s *Store) Unblock(ctx context.Context, hospital, idNumber, operator string, at time.Time) error {
	patient := s.patientIndex(hospital, idNumber)
	return s.riskChange(ctx, hospital, operator, at, "unblocked", details("patient", patient),
		`DELETE FROM risk_blocks WHERE hospital_id = $1 AND patient_index = $2`, hospital, patient)
}

// RecordNoShow notes that a patient did not come, once for each slot.
func (s *Store) RecordNoShow(ctx context.Context, hospital, idNumber, slotID string, at time.Time) error {
	const insert = `
INSERT INTO no_shows (hospital_id, patient_index, slot_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	patient := s.patientIndex(hospital, idNumber)
	return s.riskChange(ctx, hospital, bySystem, at, "no_show", details("patient", patient, "slot", slotID),
		insert, hospital, patient, slotID, stamp(at))
}

// riskChange runs one statement and logs it where it changed something. The
// patient is named by blind index alone.
func (s *Store) riskChange(ctx context.Context, hospital, by string, at time.Time, action string, detail map[string]string, query string, args ...any) error {
	err := s.loggedChange(ctx, SubjectRisk(hospital), by, at, func(tx *sqlx.Tx) (string, map[string]string, error) {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return "", nil, err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return "", nil, err
		}
		return action, detail, nil
	})
	if err != nil {
		return fmt.Errorf("record %s at %s: %w", action, hospital, err)
	}
	return nil
}
