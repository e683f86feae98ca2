package store

import (
	"context"
	"fmt"
)

// KeepWebhook keeps a notification, raw and sealed, with what came of it. It is
// called before the notification is answered. An event that was kept before is
// repeated, and nothing changes; those that nobody believes have no event and are
// all kept.
func (s *Store) KeepWebhook(ctx context.Context, w Webhook) (repeated bool, err error) {
	header, err := s.keys.Seal(w.Header, aad([]string{"webhook header"}))
	if err != nil {
		return false, fmt.Errorf("keep webhook: %w", err)
	}
	body, err := s.keys.Seal(w.Body, aad([]string{"webhook body"}))
	if err != nil {
		return false, fmt.Errorf("keep webhook: %w", err)
	}
	const insert = `
INSERT INTO webhooks (channel, hospital_id, event_id, payment_id, outcome, received_at, header_sealed, body_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
	res, err := s.db.ExecContext(ctx, insert, w.Channel, w.HospitalID, w.EventID, w.PaymentID, w.Outcome,
		stamp(w.ReceivedAt), header, body)
	if err != nil {
		return false, fmt.Errorf("keep webhook: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keep webhook: %w", err)
	}
	return n == 0, nil
}
