-- Decisions that two people make, and cases that nobody decides in time.

-- +goose Up
ALTER TABLE cases
    ADD COLUMN second_person boolean NOT NULL DEFAULT false,
    ADD COLUMN handed_by     text    NOT NULL DEFAULT '',
    ADD COLUMN proposed_at   timestamptz,
    ADD COLUMN proposal_verdict   text NOT NULL DEFAULT '',
    ADD COLUMN proposal_operator  text NOT NULL DEFAULT '',
    ADD COLUMN proposal_reference text NOT NULL DEFAULT '',
    ADD COLUMN proposal_handed_by text NOT NULL DEFAULT '',
    ADD COLUMN proposal_note_sealed bytea,
    ADD COLUMN escalations   integer NOT NULL DEFAULT 0,
    -- Nobody is both: a case that two people decide is closed by another person
    -- than who proposed it, or by no person at all.
    ADD CONSTRAINT two_people CHECK (NOT second_person OR decided_at IS NULL
        OR operator IN ('patient', 'channel', 'his')
        OR (proposal_operator <> '' AND lower(btrim(proposal_operator)) <> lower(btrim(operator))
            AND proposal_verdict = verdict AND proposal_reference = reference));

-- +goose Down
ALTER TABLE cases DROP CONSTRAINT two_people, DROP COLUMN second_person, DROP COLUMN handed_by, DROP COLUMN proposed_at,
    DROP COLUMN proposal_verdict, DROP COLUMN proposal_operator, DROP COLUMN proposal_reference, DROP COLUMN proposal_handed_by,
    DROP COLUMN proposal_note_sealed, DROP COLUMN escalations;
