package plain

// schema makes the tables, by one process at a time.
//
// A payment's row is written three times within seconds, mostly; the room that
// fillfactor leaves keeps its versions on one page, so that the log holds only
// what differs between them. The one index beside the keys is small: it has
// payments that are paid and not over, which is what the sweeper looks for.
//
// Captures and the ledger are only ever inserted into, so the commit of a
// capture can be timed by its row (xmin) for good. That is PostgreSQL's time of
// the commit, which it takes right before the flush and not after it. A
// notification is kept in its capture, where no later write of the payment
// copies it.
const schema = `
SELECT pg_advisory_xact_lock(7263711252);
CREATE SCHEMA IF NOT EXISTS plain;
CREATE TABLE IF NOT EXISTS plain.payments (
    hospital_id    text        NOT NULL,
    order_no       text        NOT NULL,
    payment_id     text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('awaiting_payment', 'paid', 'completed', 'in_review')),
    reason         text        NOT NULL DEFAULT '',
    merchant_no    text        NOT NULL,
    amount_fen     bigint      NOT NULL CHECK (amount_fen > 0),
    request_index  text        NOT NULL,
    request_sealed bytea       NOT NULL,
    created_at     timestamptz NOT NULL,
    pay_by         timestamptz NOT NULL,
    channel_no     text        NOT NULL DEFAULT '',
    voucher_code   text        NOT NULL DEFAULT '',
    paid_at        timestamptz,
    tried_at       timestamptz,
    appointment_id text        NOT NULL DEFAULT '',
    notice_id      text        NOT NULL DEFAULT '',
    completed_at   timestamptz,
    PRIMARY KEY (hospital_id, order_no)
) WITH (fillfactor = 40);
CREATE INDEX IF NOT EXISTS payments_left ON plain.payments (paid_at) WHERE state = 'paid';
CREATE TABLE IF NOT EXISTS plain.captures (
    payment_id  text        PRIMARY KEY,
    received_at timestamptz NOT NULL,
    amount_fen  bigint      NOT NULL CHECK (amount_fen > 0),
    channel_no  text        NOT NULL,
    event_id    text        NOT NULL,
    header      text        NOT NULL,
    body        bytea       NOT NULL
);
CREATE TABLE IF NOT EXISTS plain.ledger (
    transaction_id text   NOT NULL,
    line           int    NOT NULL,
    payment_id     text   NOT NULL,
    account        text   NOT NULL,
    amount_fen     bigint NOT NULL CHECK (amount_fen <> 0),
    PRIMARY KEY (transaction_id, line)
)`

// begin is durable write 1. An order that is there already is left alone.
const begin = `
INSERT INTO plain.payments (hospital_id, order_no, payment_id, state, merchant_no, amount_fen,
                            request_index, request_sealed, created_at, pay_by)
VALUES ($1, $2, $3, 'awaiting_payment', $4, $5, $6, $7, $8, $9)
ON CONFLICT (hospital_id, order_no) DO NOTHING`

const find = `
SELECT state, amount_fen, request_index, created_at, pay_by, channel_no
  FROM plain.payments WHERE hospital_id = $1 AND order_no = $2`

// capture is durable write 2. It writes everything or, unless the payment waits
// for this very amount, nothing.
const capture = `
WITH paid AS (
    UPDATE plain.payments SET state = 'paid', channel_no = $4, voucher_code = $5, paid_at = $6, tried_at = $6
     WHERE hospital_id = $1 AND order_no = $2 AND amount_fen = $3 AND state = 'awaiting_payment'
    RETURNING payment_id, amount_fen, channel_no, request_sealed
), captured AS (
    INSERT INTO plain.captures (payment_id, received_at, amount_fen, channel_no, event_id, header, body)
    SELECT payment_id, $7, amount_fen, channel_no, $8, $9, $10 FROM paid
), booked AS (
    INSERT INTO plain.ledger (transaction_id, line, payment_id, account, amount_fen)
    SELECT $11, e.line, paid.payment_id, e.account, e.amount
      FROM paid, unnest($12::text[], $13::bigint[]) WITH ORDINALITY AS e (account, amount, line)
)
SELECT request_sealed FROM paid`

// complete is durable write 3.
const complete = `
UPDATE plain.payments SET state = 'completed', appointment_id = $3, notice_id = $4, completed_at = $5
 WHERE hospital_id = $1 AND order_no = $2 AND state = 'paid'`

const review = `
UPDATE plain.payments SET state = 'in_review', reason = $3
 WHERE hospital_id = $1 AND order_no = $2 AND state = 'paid'`

// claim takes payments that were paid, and last tried, before $1. Whoever else
// sweeps at the same time gets others.
const claim = `
WITH due AS (
    SELECT hospital_id, order_no FROM plain.payments
     WHERE state = 'paid' AND paid_at < $1 AND tried_at < $1
     ORDER BY paid_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE plain.payments p SET tried_at = $3 FROM due
 WHERE p.hospital_id = due.hospital_id AND p.order_no = due.order_no
RETURNING p.hospital_id, p.order_no, p.request_sealed, p.voucher_code, p.paid_at`
