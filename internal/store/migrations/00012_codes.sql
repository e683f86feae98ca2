-- A code by SMS is written down by one statement, which the limits of its number
-- have to hold for.

-- +goose Up

-- Whether one more code may go to a number, beside those of the last minute, hour
-- and day. Whoever asks has the number locked until its transaction ends, and
-- counts after the lock, what a query that locks by itself would not: it sees
-- what was there when it began. So of two codes that are asked for at once, the
-- second counts the first.
-- +goose StatementBegin
CREATE FUNCTION code_allowed(phone text, moment timestamptz, a_minute integer, an_hour integer, a_day integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(phone, 2));
    RETURN (SELECT count(*) FILTER (WHERE created_at > moment - interval '1 minute') < a_minute
               AND count(*) FILTER (WHERE created_at > moment - interval '1 hour') < an_hour
               AND count(*) < a_day
              FROM challenges WHERE phone_index = phone AND created_at > moment - interval '24 hours');
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION code_allowed;
