-- The log: every event ever stored, in one order. See eventstore/ for who reads and writes it.

CREATE TABLE log_epoch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE log_epoch IS 'One row; it changes only when the log is restored from a backup to an earlier point';
INSERT INTO log_epoch DEFAULT VALUES;

CREATE TABLE events (
    position bigint PRIMARY KEY CHECK (position > 0),
    sequence bigint NOT NULL CHECK (sequence > 0),
    version bigint NOT NULL CHECK (version > 0),
    recorded_at timestamptz NOT NULL,
    command_id uuid,
    correlation_id uuid,
    causation_id uuid,
    feed text COLLATE "C" NOT NULL CHECK (feed <> ''),
    stream text COLLATE "C" NOT NULL CHECK (stream <> ''),
    type text COLLATE "C" NOT NULL CHECK (type <> ''),
    actor text COLLATE "C" NOT NULL CHECK (actor <> ''),
    command_hash bytea CHECK (command_hash IS NULL OR command_id IS NOT NULL),
    data bytea NOT NULL
);
COMMENT ON COLUMN events.command_hash IS
    'On the last event of an append that came with a command id: this row is the receipt of the command';
CREATE UNIQUE INDEX events_stream_version ON events (stream, version);
CREATE UNIQUE INDEX events_feed_sequence ON events (feed, sequence);
CREATE UNIQUE INDEX events_command_receipt ON events (command_id) WHERE command_hash IS NOT NULL;

CREATE VIEW log_head AS
    SELECT coalesce(last.position, 0) AS position, log_epoch.epoch, last.recorded_at
    FROM log_epoch LEFT JOIN LATERAL (
        SELECT e.position, e.recorded_at FROM events e ORDER BY e.position DESC LIMIT 1
    ) last ON true;
COMMENT ON VIEW log_head IS
    'Where the log ends. Not a counter: a row updated by every append would slow down under any long-running snapshot';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER events_are_permanent BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Stores a batch of appends in one transaction. When one of them cannot be stored, nothing of the batch is: the
-- answer then names those that cannot, and the caller sends the others again.
--
-- Arguments are parallel arrays that refer to each other by place, counted from 1. Per append: its feed's place in
-- feeds, who and why. Per write: its append, the stream and the version that it must be at. Per pin: the same, for
-- a stream that gets no event. Per event: its write. Appends, writes and events come in the order of the log.
--
-- One lock orders all appends of all processes, so positions become visible in their order. Its key is arbitrary.
-- The planner knows nothing of the arrays' lengths and plans once per connection, maybe while the tables are
-- empty: the settings leave it index probes into events and hash joins between the arrays.
CREATE FUNCTION append_events(
    feeds text[],
    append_feeds integer[], append_actors text[], command_ids uuid[], command_hashes bytea[],
    correlation_ids uuid[], causation_ids uuid[],
    write_appends integer[], write_streams text[], write_versions bigint[],
    pin_appends integer[], pin_streams text[], pin_versions bigint[],
    event_writes integer[], event_types text[], event_data bytea[]
) RETURNS TABLE (
    append bigint, outcome text,
    first_position bigint, last_position bigint, last_sequence bigint, stored_at timestamptz,
    conflict_stream text, expected_version bigint, actual_version bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_mergejoin = off
SET enable_nestloop = off
AS $$
DECLARE
    head bigint;
    moment timestamptz;
    bases bigint[];
    lasts bigint[];
    sequences bigint[];
    versions bigint[];
    stored bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7106407);

    RETURN QUERY
    SELECT c.append, CASE WHEN r.command_hash = c.hash THEN 'repeated' ELSE 'mismatch' END,
        1 + coalesce((
            SELECT e.position FROM events e WHERE e.position < r.position AND e.command_id IS DISTINCT FROM c.id
            ORDER BY e.position DESC LIMIT 1
        ), 0), r.position, r.sequence, r.recorded_at, NULL::text, NULL::bigint, NULL::bigint
    FROM unnest(command_ids, command_hashes) WITH ORDINALITY c (id, hash, append), LATERAL (
        SELECT e.* FROM events e WHERE e.command_id = c.id AND e.command_hash IS NOT NULL OFFSET 0
    ) r;
    IF FOUND THEN RETURN; END IF;

    RETURN QUERY
    SELECT x.append::bigint, 'conflict', NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz, x.stream, x.version,
        coalesce((SELECT e.version FROM events e WHERE e.stream = x.stream ORDER BY e.version DESC LIMIT 1), 0)
    FROM unnest(write_appends || pin_appends, write_streams || pin_streams, write_versions || pin_versions)
        x (append, stream, version)
    WHERE x.version <> coalesce((
        SELECT e.version FROM events e WHERE e.stream = x.stream AND e.version >= x.version
        ORDER BY e.version DESC LIMIT 1
    ), 0);
    IF FOUND THEN RETURN; END IF;

    IF cardinality(pin_streams) > 0 AND EXISTS (
        SELECT FROM unnest(pin_streams, pin_appends) p (stream, append)
        JOIN unnest(write_streams, write_appends) w (stream, append) USING (stream) WHERE p.append <> w.append
    ) THEN
        RAISE 'a batch writes a stream that another of its appends has pinned';
    END IF;

    SELECT e.position, greatest(clock_timestamp(), e.recorded_at) INTO head, moment
    FROM events e ORDER BY e.position DESC LIMIT 1;
    IF NOT FOUND THEN
        head := 0;
        moment := clock_timestamp();
    END IF;

    bases := ARRAY(SELECT coalesce((
        SELECT e.sequence FROM events e WHERE e.feed = f.feed ORDER BY e.sequence DESC LIMIT 1
    ), 0) FROM unnest(feeds) f (feed));

    lasts := ARRAY(
        SELECT max(e.n) FROM unnest(event_writes) WITH ORDINALITY e (write, n)
        GROUP BY write_appends[e.write] ORDER BY write_appends[e.write]
    );

    SELECT array_agg(x.sequence ORDER BY x.n), array_agg(x.version ORDER BY x.n) INTO sequences, versions
    FROM (
        SELECT e.n,
            bases[e.feed] + row_number() OVER (PARTITION BY e.feed ORDER BY e.n) AS sequence,
            write_versions[e.write] + row_number() OVER (PARTITION BY e.write ORDER BY e.n) AS version
        FROM (
            SELECT u.n, u.write, append_feeds[write_appends[u.write]] AS feed
            FROM unnest(event_writes) WITH ORDINALITY u (write, n)
        ) e
    ) x;

    INSERT INTO events (position, feed, sequence, stream, version, type, data, actor,
        command_id, command_hash, correlation_id, causation_id, recorded_at)
    SELECT head + e.n, f.feed, e.sequence, w.stream, e.version, e.type, e.data, a.actor,
        a.command_id, CASE WHEN e.n = lasts[a.n] THEN a.command_hash END, a.correlation_id, a.causation_id, moment
    FROM unnest(event_writes, event_types, event_data, sequences, versions) WITH ORDINALITY
        e (write, type, data, sequence, version, n)
    JOIN unnest(write_appends, write_streams) WITH ORDINALITY w (append, stream, n) ON w.n = e.write
    JOIN unnest(append_feeds, append_actors, command_ids, command_hashes, correlation_ids, causation_ids)
        WITH ORDINALITY a (feed, actor, command_id, command_hash, correlation_id, causation_id, n) ON a.n = w.append
    JOIN unnest(feeds) WITH ORDINALITY f (feed, n) ON f.n = a.feed;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored <> cardinality(event_data) OR cardinality(lasts) <> cardinality(append_feeds) THEN
        RAISE 'the arrays of a batch do not fit together';
    END IF;

    RETURN QUERY
    SELECT a.n, 'stored', head + 1 + coalesce(lasts[a.n - 1], 0), head + a.last, sequences[a.last], moment,
        NULL::text, NULL::bigint, NULL::bigint
    FROM unnest(lasts) WITH ORDINALITY a (last, n);
END
$$;

CREATE TABLE snapshots (
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version >= 0),
    position bigint NOT NULL CHECK (position >= 0),
    fingerprint text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (stream, version)
);

CREATE TABLE person_keys (
    person text COLLATE "C" PRIMARY KEY CHECK (person <> ''),
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE TABLE seals (
    from_position bigint NOT NULL CHECK (from_position > 0),
    to_position bigint PRIMARY KEY CHECK (to_position >= from_position),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    previous bytea CHECK (length(previous) = 32)
);
