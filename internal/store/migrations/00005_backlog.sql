-- Payments that are paid while the HIS does not have their registration yet:
-- normally those of the last second, after an outage all of its hours.

-- +goose Up

-- In the order in which they are registered. It is as small as the backlog, so
-- that asking for a payment's place costs every payment a look at next to
-- nothing. Its columns change together with the status, which is indexed anyway.
CREATE INDEX payments_unregistered ON payments (hospital_id, paid_at, id) WHERE status = 'paid' AND refusal = '';

-- +goose Down
DROP INDEX payments_unregistered;
