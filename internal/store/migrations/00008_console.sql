-- The review console: who works at it, who is signed in, and who has which
-- case in hand.

-- +goose Up

-- failures are the times of wrong passwords that still count, in microseconds
-- since 1970; locks is how often they locked the account since it was last
-- signed in to, and lock_tried whether somebody tried while it is locked. Whoever
-- must_change has a password that somebody else has seen.
CREATE TABLE staff_accounts (
    login           text PRIMARY KEY,
    name            text        NOT NULL,
    password_hash   text        NOT NULL,
    roles           text[]      NOT NULL CHECK (cardinality(roles) > 0),
    hospitals       text[]      NOT NULL CHECK (cardinality(hospitals) > 0),
    created_at      timestamptz NOT NULL,
    password_set_at timestamptz NOT NULL,
    disabled_at     timestamptz,
    failures        bigint[]    NOT NULL DEFAULT '{}',
    locks           integer     NOT NULL DEFAULT 0,
    locked_until    timestamptz,
    lock_tried      boolean     NOT NULL DEFAULT false,
    must_change     boolean     NOT NULL
);

-- What a person may do is kept with the session, since an identity provider is
-- asked once, when it begins. The token itself is not kept.
CREATE TABLE console_sessions (
    token_hash bytea PRIMARY KEY,
    subject    text        NOT NULL,
    name       text        NOT NULL,
    roles      text[]      NOT NULL,
    hospitals  text[]      NOT NULL,
    via        text        NOT NULL CHECK (via IN ('local', 'oidc')),
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    csrf       bytea       NOT NULL,
    revoked_at timestamptz,
    must_change boolean    NOT NULL
);
CREATE INDEX console_sessions_by_subject ON console_sessions (subject) WHERE revoked_at IS NULL;
CREATE INDEX console_sessions_by_end ON console_sessions (expires_at);

-- What people of an identity provider are called, as of their last sign-in: the
-- log knows their subjects alone, and their sessions are forgotten.
CREATE TABLE console_people (
    subject text PRIMARY KEY,
    name    text        NOT NULL,
    seen_at timestamptz NOT NULL
);

-- A claim ends by time alone: nothing has to run for a case to become free.
ALTER TABLE cases
    ADD COLUMN claimed_by   text NOT NULL DEFAULT '',
    ADD COLUMN claimed_name text NOT NULL DEFAULT '',
    ADD COLUMN claimed_at   timestamptz,
    ADD COLUMN claim_until  timestamptz;

-- The queue's pages and all of its counts read this index alone.
DROP INDEX cases_open;
CREATE INDEX cases_open ON cases (hospital_id, opened_at, id) INCLUDE (reason, deadline, claimed_by, claim_until)
    WHERE decided_at IS NULL;

-- A case's page shows all cases of the payment, decided ones too.
DROP INDEX cases_by_payment;
CREATE INDEX cases_by_payment ON cases (payment_id, opened_at, id);

-- How long people took over what they decided lately. The names are of those who
-- are no people: what ends by itself has taken nobody's time.
CREATE INDEX cases_decided ON cases (hospital_id, decided_at) INCLUDE (opened_at)
    WHERE decided_at IS NOT NULL AND operator NOT IN ('patient', 'channel', 'his');

-- How many cases ended on a day in China, and how: by people, or by themselves.
-- It is kept by the transaction that decides a case, so that a quarter of years
-- of decisions is read as a few rows a day.
CREATE TABLE case_days (
    day         date    NOT NULL,
    hospital_id text    NOT NULL,
    verdict     text    NOT NULL,
    people      integer NOT NULL,
    nobody      integer NOT NULL,
    PRIMARY KEY (day, hospital_id, verdict)
) WITH (fillfactor = 50);
INSERT INTO case_days
SELECT (decided_at AT TIME ZONE 'UTC' + interval '8 hours')::date, hospital_id, verdict,
       count(*) FILTER (WHERE operator NOT IN ('patient', 'channel', 'his')),
       count(*) FILTER (WHERE operator IN ('patient', 'channel', 'his'))
  FROM cases WHERE decided_at IS NOT NULL GROUP BY 1, 2, 3;

-- Refunds that are not back yet, of which those that are late or refused wait for
-- somebody. They are few: a refund leaves the index when its money is back.
CREATE INDEX refunds_unfinished ON refunds (hospital_id, channel, state) INCLUDE (expected_by, requested_at) WHERE state <> 'succeeded';

-- +goose Down
DROP INDEX refunds_unfinished;
DROP TABLE case_days;
DROP INDEX cases_decided;
DROP INDEX cases_by_payment;
CREATE INDEX cases_by_payment ON cases (payment_id, opened_at, id) WHERE decided_at IS NULL;
DROP INDEX cases_open;
CREATE INDEX cases_open ON cases (hospital_id, opened_at, id) INCLUDE (reason, deadline) WHERE decided_at IS NULL;
ALTER TABLE cases DROP COLUMN claimed_by, DROP COLUMN claimed_name, DROP COLUMN claimed_at, DROP COLUMN claim_until;
DROP TABLE console_people, console_sessions, staff_accounts;
