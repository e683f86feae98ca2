-- A refund is followed for the days that it takes: when it was first sent, when
-- the channel took it, by when the patient can expect the money, and how often
-- a person had it tried once more.

-- +goose Up
ALTER TABLE refunds
    ADD COLUMN sent_at     timestamptz,
    ADD COLUMN accepted_at timestamptz,
    ADD COLUMN expected_by timestamptz,
    ADD COLUMN retries     integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE refunds DROP COLUMN sent_at, DROP COLUMN accepted_at, DROP COLUMN expected_by, DROP COLUMN retries;
