-- Pages of payments and cases in books of millions.

-- +goose Up

-- Every page is read along an index that begins with the hospital, also those
-- over several hospitals. This one could serve those over all, but the planner
-- takes it for a large hospital as well and then reads the others' payments to
-- skip them: every one of them, on a page behind the hospital's first payment.
DROP INDEX requests_by_time;

-- Pages of all cases, decided ones among them; cases_open has those that wait.
DROP INDEX cases_by_time;
CREATE INDEX cases_by_hospital ON cases (hospital_id, opened_at, id);

-- What the open cases are counted by, so that the count reads the index alone.
DROP INDEX cases_open;
CREATE INDEX cases_open ON cases (hospital_id, opened_at, id) INCLUDE (reason, deadline) WHERE decided_at IS NULL;

-- +goose Down
DROP INDEX cases_open;
CREATE INDEX cases_open ON cases (hospital_id, opened_at, id) WHERE decided_at IS NULL;
DROP INDEX cases_by_hospital;
CREATE INDEX cases_by_time ON cases (opened_at, id);
CREATE INDEX requests_by_time ON requests (created_at DESC, payment_id DESC);
