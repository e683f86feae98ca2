-- Whether a channel may know of an attempt.

-- +goose Up

-- How many tries to ask the channel for the attempt may have come to something.
-- One that is known not to have, is taken off again; so an attempt of which none
-- is left is asked for as if it were new.
ALTER TABLE attempts ADD COLUMN in_doubt integer NOT NULL DEFAULT 1 CHECK (in_doubt >= 0);

-- +goose Down
ALTER TABLE attempts DROP COLUMN in_doubt;
