-- A payment is opened by one statement, which the risk rules' velocity has to
-- hold for.

-- +goose Up

-- How many payments a patient has started since a time, beside one. Whoever asks
-- has the patient locked until its transaction ends, and counts after the lock,
-- what a query that locks by itself would not: it sees what was there when it
-- began. So of two payments that a patient starts at once, the second counts the
-- first.
-- +goose StatementBegin
CREATE FUNCTION started_by_patient(hospital text, patient text, since timestamptz, beside text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(patient, 1));
    RETURN (SELECT count(*) FROM requests
             WHERE hospital_id = hospital AND patient_index = patient AND created_at > since AND payment_id <> beside);
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION started_by_patient;
