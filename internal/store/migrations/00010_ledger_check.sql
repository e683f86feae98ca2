-- The check of new ledger entries, by a plan that holds for a ledger of any size.

-- +goose Up

-- A session keeps the plan of its first check. With a join, one that began with
-- an empty ledger went on to read the whole ledger for every capture, until the
-- next ANALYZE: so each entry's transaction is looked up by its key.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_entries_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added
                WHERE (SELECT written_by FROM ledger_transactions t WHERE t.id = added.transaction_id)
                      IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'ledger entries are written together with their transaction'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_closed';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_entries_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added LEFT JOIN ledger_transactions t ON t.id = added.transaction_id
                WHERE t.written_by IS DISTINCT FROM pg_current_xact_id()) THEN
        RAISE EXCEPTION 'ledger entries are written together with their transaction'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_closed';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
