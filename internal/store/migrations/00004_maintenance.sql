-- Maintenance windows: times in which a system of a hospital is not to be used.

-- +goose Up

-- over_at is the end as it stands: the announced one, or when the window was
-- ended before it. Steps ask for the windows of one hospital that are not over,
-- which are few, whatever the table has gathered over the years.
CREATE TABLE maintenance_windows (
    id           text PRIMARY KEY,
    hospital_id  text        NOT NULL,
    system       text        NOT NULL CHECK (system IN ('wechat', 'unionpay', 'insurance', 'his', 'hospital')),
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (ends_at > starts_at),
    note         text        NOT NULL DEFAULT '',
    announced_by text        NOT NULL,
    announced_at timestamptz NOT NULL,
    ended_by     text        NOT NULL DEFAULT '',
    ended_at     timestamptz,
    over_at      timestamptz NOT NULL GENERATED ALWAYS AS (least(ends_at, coalesce(ended_at, ends_at))) STORED
);
CREATE INDEX maintenance_windows_open ON maintenance_windows (hospital_id, over_at);
CREATE INDEX maintenance_windows_by_time ON maintenance_windows (starts_at DESC, id DESC);

-- +goose Down
DROP TABLE maintenance_windows;
