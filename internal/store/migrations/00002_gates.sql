-- What stands at the gates: notifications kept raw, verifications of patients,
-- the risk rules' facts, API keys.

-- +goose Up

CREATE TABLE webhooks (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel       text        NOT NULL,
    hospital_id   text        NOT NULL,
    event_id      text        NOT NULL,
    payment_id    text        NOT NULL,
    outcome       text        NOT NULL,
    received_at   timestamptz NOT NULL,
    header_sealed bytea       NOT NULL,
    body_sealed   bytea       NOT NULL
);
CREATE UNIQUE INDEX webhooks_once ON webhooks (event_id, hospital_id, channel) WHERE event_id <> '';
CREATE INDEX webhooks_by_payment ON webhooks (payment_id) WHERE payment_id <> '';

CREATE TABLE challenges (
    id               text PRIMARY KEY,
    payment_id       text        NOT NULL REFERENCES payments (id),
    hospital_id      text        NOT NULL,
    kind             text        NOT NULL,
    phone_index      text        NOT NULL DEFAULT '',
    phone_sealed     bytea,
    code_index       text        NOT NULL DEFAULT '',
    verify_id_sealed bytea,
    out_seq_no       text        NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    tries            integer     NOT NULL DEFAULT 0,
    passed_at        timestamptz
);
CREATE INDEX challenges_by_phone ON challenges (phone_index, created_at) WHERE phone_index <> '';
CREATE INDEX challenges_by_payment ON challenges (payment_id, created_at);

CREATE TABLE risk_blocks (
    hospital_id   text        NOT NULL,
    patient_index text        NOT NULL,
    reason        text        NOT NULL,
    operator      text        NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (hospital_id, patient_index)
);
CREATE TABLE no_shows (
    hospital_id   text        NOT NULL,
    patient_index text        NOT NULL,
    slot_id       text        NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (hospital_id, patient_index, slot_id)
);

CREATE TABLE api_keys (
    id         text PRIMARY KEY,
    name       text        NOT NULL,
    hash       bytea       NOT NULL UNIQUE,
    hospitals  text[]      NOT NULL,
    staff      boolean     NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- +goose Down
DROP TABLE api_keys, no_shows, risk_blocks, challenges, webhooks;
