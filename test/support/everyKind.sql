-- One of every kind of object a dump has to carry, with rows that are awkward to carry.
CREATE EXTENSION pg_trgm;
CREATE SCHEMA "Sales";
CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE point3d AS (x double precision, y double precision, z double precision);
CREATE TYPE floatrange AS RANGE (subtype = float8);

CREATE TABLE "Sales"."Order Line" (
  "Id" bigserial PRIMARY KEY,
  "say ""hi""" text,
  discount percent,
  feeling mood DEFAULT 'ok',
  place point3d,
  span floatrange,
  document jsonb,
  raw bytea,
  tags text[],
  amount money,
  price numeric(12, 4),
  doubled numeric GENERATED ALWAYS AS (price * 2) STORED,
  at timestamptz DEFAULT '2026-01-01T00:00:00Z',
  lasting interval
);
INSERT INTO "Sales"."Order Line" ("say ""hi""", discount, feeling, place, span, document, raw, tags, amount, price, lasting)
SELECT E'line\nbreak\ttab \\ back ' || g || repeat('x', g % 700), g % 100, (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood,
  ROW(g, 0.1 * g, 'NaN'::float8)::point3d, floatrange(g, g + 0.5), jsonb_build_object('n', g, 'u', U&'\00e9\4e2d'),
  decode(md5(g::text), 'hex'), ARRAY['a', NULL, E'\\.', '\N'], g * 1.01, g / 7.0, make_interval(hours => g)
FROM generate_series(1, 3000) g;
INSERT INTO "Sales"."Order Line" ("say ""hi""") VALUES (E'\\.'), (''), (NULL), (E'\r\n');
CREATE INDEX ON "Sales"."Order Line" USING gin (document jsonb_path_ops);
CREATE INDEX trgm ON "Sales"."Order Line" USING gin ("say ""hi""" gin_trgm_ops);

-- Rows of very different length: they must come back in the order they were dumped in.
CREATE TABLE ragged (id int, body text);
INSERT INTO ragged SELECT g, repeat(md5(g::text), (g * 7919) % 90) FROM generate_series(1, 8000) g;
DELETE FROM ragged WHERE id % 5 = 0;
INSERT INTO ragged SELECT g, md5(g::text) FROM generate_series(9001, 9500) g;

CREATE TABLE measurement (city int NOT NULL, day date NOT NULL, peak int) PARTITION BY RANGE (day);
CREATE TABLE measurement_2025 PARTITION OF measurement FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measurement_2026 PARTITION OF measurement FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
  PARTITION BY LIST (city);
CREATE TABLE measurement_2026_one PARTITION OF measurement_2026 FOR VALUES IN (1);
CREATE TABLE measurement_rest PARTITION OF measurement DEFAULT;
INSERT INTO measurement SELECT 1, date '2025-06-01' + g, g FROM generate_series(1, 600) g;
CREATE INDEX ON measurement (day);

CREATE TABLE animal (id int, name text);
CREATE TABLE bird (wings int) INHERITS (animal);
INSERT INTO animal VALUES (1, 'cat');
INSERT INTO bird VALUES (2, 'owl', 2);

-- Foreign keys in a cycle.
CREATE TABLE chicken (id int PRIMARY KEY, egg int);
CREATE TABLE egg (id int PRIMARY KEY, chicken int REFERENCES chicken DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE chicken ADD FOREIGN KEY (egg) REFERENCES egg DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO chicken VALUES (1, 1);
INSERT INTO egg VALUES (1, 1);
COMMIT;

CREATE UNLOGGED TABLE session (id int PRIMARY KEY, token text);
INSERT INTO session SELECT g, md5(g::text) FROM generate_series(1, 50) g;
CREATE TABLE nothing_in_it (id int);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE audit (id int GENERATED ALWAYS AS IDENTITY (START 500 INCREMENT 7), what text);
INSERT INTO audit (what) SELECT 'entry ' || g FROM generate_series(1, 11) g;
CREATE SEQUENCE counter START 10;
SELECT nextval('counter'), nextval('counter');
CREATE SEQUENCE "Never Used";

CREATE VIEW happy AS SELECT "Id" FROM "Sales"."Order Line" WHERE feeling = 'happy';
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS lines FROM "Sales"."Order Line";
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE PROCEDURE noop() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamping BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE RULE no_delete AS ON DELETE TO audit DO INSTEAD NOTHING;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_session ON session USING (token = current_user);

SELECT lo_from_bytea(70001, 'first object'), lo_from_bytea(70002, decode(repeat('00ff', 70000), 'hex')), lo_create(70003);
GRANT SELECT ON LARGE OBJECT 70001, 70002, 70003 TO backup;
