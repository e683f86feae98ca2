-- The books: payments, what was charged and returned, the ledger, the audit
-- log. Amounts are whole minor units (fen) with their currency, signed only in
-- the ledger. Columns named *_sealed hold personal data or secrets, encrypted
-- by the program; columns named *_index are keyed hashes of such values.

-- +goose Up

-- What a payment is for, written once (a change of method writes it again).
-- Apart from payments, so that the many updates there do not copy the sealed
-- request each time.
CREATE TABLE requests (
    payment_id     text PRIMARY KEY,
    hospital_id    text        NOT NULL,
    order_no       text        NOT NULL,
    workflow_id    text        NOT NULL,
    created_at     timestamptz NOT NULL,
    request_index  text        NOT NULL,
    patient_index  text        NOT NULL,
    request_sealed bytea       NOT NULL,
    UNIQUE (order_no, hospital_id)
);
CREATE INDEX requests_by_hospital ON requests (hospital_id, created_at DESC, payment_id DESC);
CREATE INDEX requests_by_time ON requests (created_at DESC, payment_id DESC);
CREATE INDEX requests_by_patient ON requests (hospital_id, patient_index, created_at);

-- Where a payment stands. Every step locks its row first, so that the steps of
-- one payment follow each other. audit_seq and audit_head are the end of its
-- audit chain.
CREATE TABLE payments (
    id                   text PRIMARY KEY REFERENCES requests (payment_id),
    hospital_id          text        NOT NULL,
    status               text        NOT NULL CHECK (status IN (
        'pending', 'verifying', 'awaiting_payment', 'clearing', 'paid', 'registered', 'completed',
        'in_review', 'suspended', 'refunding', 'closed', 'refunded', 'rejected')),
    reason               text        NOT NULL DEFAULT '',
    method               text        NOT NULL,
    currency             char(3)     NOT NULL,
    amount_fen           bigint      NOT NULL CHECK (amount_fen > 0),
    captured_fen         bigint      NOT NULL DEFAULT 0 CHECK (captured_fen >= 0),
    reserved_fen         bigint      NOT NULL DEFAULT 0 CHECK (reserved_fen >= 0),
    refunded_fen         bigint      NOT NULL DEFAULT 0 CHECK (refunded_fen >= 0),
    risk_verdict         text        NOT NULL,
    risk_rule            text        NOT NULL DEFAULT '',
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    pay_by               timestamptz NOT NULL,
    paid_at              timestamptz,
    voucher_code         text        NOT NULL DEFAULT '',
    voucher_confirmed_at timestamptz,
    appointment_id       text        NOT NULL DEFAULT '',
    notice_id            text        NOT NULL DEFAULT '',
    refusal              text        NOT NULL DEFAULT '',
    refund_count         integer     NOT NULL DEFAULT 0,
    audit_seq            bigint      NOT NULL,
    audit_head           bytea       NOT NULL,
    CONSTRAINT refund_within_capture CHECK (refunded_fen <= reserved_fen AND reserved_fen <= captured_fen)
) WITH (fillfactor = 70);
CREATE INDEX payments_by_status ON payments (hospital_id, status, created_at DESC, id DESC);
CREATE UNIQUE INDEX payments_by_voucher ON payments (voucher_code) WHERE voucher_code <> '';

-- A charge at a channel, written before the request leaves (I5). The number is
-- unique for the hospital's account at the channel, since the channel knows the
-- charge by nothing else. reserved_fen is what was returned or is on its way
-- (I6); offline_fen the part of refunded_fen that did not go through the channel.
CREATE TABLE attempts (
    payment_id       text        NOT NULL REFERENCES payments (id),
    attempt          integer     NOT NULL CHECK (attempt BETWEEN 1 AND 99),
    hospital_id      text        NOT NULL,
    channel          text        NOT NULL,
    scene            text        NOT NULL,
    merchant_no      text        NOT NULL,
    state            text        NOT NULL,
    code             text        NOT NULL DEFAULT '',
    currency         char(3)     NOT NULL,
    amount_fen       bigint      NOT NULL CHECK (amount_fen > 0),
    captured_fen     bigint      NOT NULL DEFAULT 0 CHECK (captured_fen >= 0),
    reserved_fen     bigint      NOT NULL DEFAULT 0 CHECK (reserved_fen >= 0),
    refunded_fen     bigint      NOT NULL DEFAULT 0 CHECK (refunded_fen >= 0),
    offline_fen      bigint      NOT NULL DEFAULT 0 CHECK (offline_fen BETWEEN 0 AND refunded_fen),
    fee_fen          bigint      NOT NULL DEFAULT 0 CHECK (fee_fen >= 0),
    fee_returned_fen bigint      NOT NULL DEFAULT 0 CHECK (fee_returned_fen BETWEEN 0 AND fee_fen),
    created_at       timestamptz NOT NULL,
    prepaid          boolean     NOT NULL DEFAULT false,
    charge_sealed    bytea       NOT NULL,
    prepaid_sealed   bytea,
    PRIMARY KEY (payment_id, attempt),
    UNIQUE (merchant_no, hospital_id, channel),
    CONSTRAINT refund_within_capture CHECK (refunded_fen <= reserved_fen AND reserved_fen <= captured_fen)
) WITH (fillfactor = 70);

-- Money that came in. An attempt has one capture; a second one under another
-- number of the channel is money to be returned (I1).
CREATE TABLE captures (
    payment_id   text        NOT NULL,
    attempt      integer     NOT NULL,
    channel_no   text        NOT NULL,
    hospital_id  text        NOT NULL,
    channel      text        NOT NULL,
    currency     char(3)     NOT NULL,
    amount_fen   bigint      NOT NULL CHECK (amount_fen > 0),
    reserved_fen bigint      NOT NULL DEFAULT 0 CHECK (reserved_fen >= 0),
    recorded_at  timestamptz NOT NULL,
    report       jsonb       NOT NULL,
    PRIMARY KEY (payment_id, attempt, channel_no),
    FOREIGN KEY (payment_id, attempt) REFERENCES attempts,
    CONSTRAINT refund_within_capture CHECK (reserved_fen <= amount_fen)
);
-- One transaction of a channel can pay for one thing only.
CREATE UNIQUE INDEX captures_by_channel_no ON captures (channel_no, hospital_id, channel) WHERE channel_no <> '';

CREATE TABLE refunds (
    payment_id         text        NOT NULL,
    n                  integer     NOT NULL CHECK (n BETWEEN 1 AND 99),
    key                text        NOT NULL,
    attempt            integer     NOT NULL,
    capture_channel_no text        NOT NULL,
    hospital_id        text        NOT NULL,
    channel            text        NOT NULL,
    refund_no          text        NOT NULL,
    currency           char(3)     NOT NULL,
    amount_fen         bigint      NOT NULL CHECK (amount_fen > 0),
    reason             text        NOT NULL,
    state              text        NOT NULL CHECK (state IN ('processing', 'succeeded', 'failed', 'abnormal', 'absent')),
    channel_no         text        NOT NULL DEFAULT '',
    code               text        NOT NULL DEFAULT '',
    offline            boolean     NOT NULL DEFAULT false,
    actor              text        NOT NULL,
    requested_at       timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (payment_id, n),
    UNIQUE (payment_id, key),
    UNIQUE (refund_no, hospital_id, channel),
    FOREIGN KEY (payment_id, attempt, capture_channel_no) REFERENCES captures
);

-- Questions to a person. A payment can have several open: its own, and one of
-- each refund that went wrong.
CREATE TABLE cases (
    id          text PRIMARY KEY,
    payment_id  text        NOT NULL REFERENCES payments (id),
    hospital_id text        NOT NULL,
    reason      text        NOT NULL,
    detail      text        NOT NULL,
    attempt     integer     NOT NULL,
    opened_at   timestamptz NOT NULL,
    deadline    timestamptz NOT NULL,
    allowed     text[]      NOT NULL,
    workflow_id text        NOT NULL,
    decided_at  timestamptz,
    verdict     text        NOT NULL DEFAULT '',
    operator    text        NOT NULL DEFAULT '',
    reference   text        NOT NULL DEFAULT '',
    note_sealed bytea
);
CREATE INDEX cases_by_payment ON cases (payment_id, opened_at, id) WHERE decided_at IS NULL;
CREATE INDEX cases_open ON cases (hospital_id, opened_at, id) WHERE decided_at IS NULL;
CREATE INDEX cases_by_time ON cases (opened_at, id);

-- The ledger. Its transactions are complete when they are committed, sum to
-- zero per currency, and are never touched again (I7).
CREATE TABLE ledger_transactions (
    id          text PRIMARY KEY,
    payment_id  text        NOT NULL,
    hospital_id text        NOT NULL,
    kind        text        NOT NULL,
    channel     text        NOT NULL,
    at          timestamptz NOT NULL,
    written_by  xid8        NOT NULL DEFAULT pg_current_xact_id()
);
CREATE TABLE ledger_entries (
    transaction_id text    NOT NULL,
    line           integer NOT NULL,
    hospital_id    text    NOT NULL,
    account        text    NOT NULL,
    currency       char(3) NOT NULL,
    amount_fen     bigint  NOT NULL CHECK (amount_fen <> 0),
    PRIMARY KEY (transaction_id, line)
);

-- A row of ledger_transactions is checked once, at commit, by the sum of its
-- entries; a check on the entries would run once for every line.
-- +goose StatementBegin
CREATE FUNCTION ledger_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines integer;
    worst bigint;
BEGIN
    SELECT coalesce(sum(n), 0), coalesce(max(abs(total)), 0) INTO lines, worst
      FROM (SELECT count(*) AS n, sum(amount_fen) AS total FROM ledger_entries
             WHERE transaction_id = NEW.id GROUP BY currency) AS per_currency;
    IF lines < 2 OR worst <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % does not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balances';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_balances();

-- Entries can be added only by the database transaction that wrote their
-- ledger transaction, since only that one is checked at its end. This takes the
-- place of a foreign key, once per statement.
-- +goose StatementBegin
CREATE FUNCTION ledger_entries_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added LEFT JOIN ledger_transactions t ON t.id = added.transaction_id
                WHERE t.written_by IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'ledger entries are written together with their transaction'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_closed';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_closed AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_belong();

-- The audit log: a hash chain per subject (a payment, a hospital's risk list,
-- the API keys).
CREATE TABLE audit (
    subject text        NOT NULL,
    seq     bigint      NOT NULL,
    at      timestamptz NOT NULL,
    actor   text        NOT NULL,
    action  text        NOT NULL,
    detail  jsonb       NOT NULL,
    prev    bytea       NOT NULL,
    hash    bytea       NOT NULL,
    PRIMARY KEY (subject, seq)
);
-- The ends of the chains whose subject has no row of its own to keep them in.
CREATE TABLE audit_heads (
    subject    text PRIMARY KEY,
    audit_seq  bigint NOT NULL,
    audit_head bytea  NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE audit_heads, audit, ledger_entries, ledger_transactions, cases, refunds, captures, attempts, payments, requests;
DROP FUNCTION ledger_transaction_balances, ledger_entries_belong, refuse_change;
