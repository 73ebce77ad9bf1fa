-- After `pgbench -i`: a table like the API's event log. Text and JSON that compress about five times, a GIN and a
-- B-tree index and a foreign key, because index builds and constraints are most of a restore.
-- psql -v rows=2500000
SELECT setseed(0.42);
CREATE TABLE event (
  id bigserial PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL,
  note text NOT NULL
);
INSERT INTO event (occurred_at, kind, payload, note)
SELECT timestamptz '2026-01-01 00:00:00Z' + make_interval(secs => g),
  (ARRAY['order.created', 'print.started', 'label.bought', 'order.shipped'])[1 + g % 4],
  jsonb_build_object(
    'customer', floor(random() * 1000000),
    'session', md5(random()::text),
    'total', round((random() * 1000)::numeric, 2),
    'remark', 'deliver between nine and five please'
  ),
  md5(random()::text) || ' printed in black PLA and shipped with ' || md5(random()::text)
FROM generate_series(1, :rows) AS g;
CREATE INDEX ON event (kind, occurred_at);
CREATE INDEX ON event USING gin (payload jsonb_path_ops);
ALTER TABLE pgbench_accounts ADD FOREIGN KEY (bid) REFERENCES pgbench_branches;
