-- The log: every event ever stored, in one order. See eventstore/ for who reads and writes it.

CREATE TABLE log_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE log_head IS 'One row, locked by every append: it orders commits as it orders positions';
COMMENT ON COLUMN log_head.epoch IS 'Changes only when the log is restored from a backup to an earlier point';
INSERT INTO log_head DEFAULT VALUES;

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

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER events_are_permanent BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Stores a batch of appends; each is stored whole or not at all, and answered in its own row.
--
-- Per append: the feed, who and why, and how many events it has (they lie in append order in types and datas).
-- Per expectation: the append it belongs to, a stream, the version that must be current, and how many of
-- the append's events go there: 0 for a stream that is only expected.
CREATE FUNCTION append_events(
    feeds text[], actors text[], command_ids uuid[], command_hashes bytea[],
    correlation_ids uuid[], causation_ids uuid[], counts integer[],
    expecting integer[], streams text[], expected bigint[], writes integer[],
    types text[], datas bytea[]
) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, last_sequence bigint, stored_at timestamptz,
    conflict_stream text, conflict_expected bigint, conflict_actual bigint
) LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    moment timestamptz;
    receipts bigint[];
    actual bigint[];
    outcomes text[];
    firsts bigint[];
    bases bigint[];
BEGIN
    SELECT log_head.position, greatest(clock_timestamp(), log_head.recorded_at) INTO STRICT head, moment
    FROM log_head FOR UPDATE;

    SELECT array_agg(coalesce((
        SELECT e.position FROM events e WHERE e.command_id = c.id AND e.command_hash IS NOT NULL
    ), 0) ORDER BY c.n) INTO receipts
    FROM unnest(command_ids) WITH ORDINALITY c (id, n);

    SELECT array_agg(coalesce((
        SELECT e.version FROM events e WHERE e.stream = x.stream ORDER BY e.version DESC LIMIT 1
    ), 0) ORDER BY x.n) INTO actual
    FROM unnest(streams) WITH ORDINALITY x (stream, n);

    SELECT array_agg(CASE
        WHEN receipts[a.n] > 0 THEN CASE
            WHEN (SELECT e.command_hash = a.hash FROM events e WHERE e.position = receipts[a.n]) THEN 'repeated'
            ELSE 'mismatch' END
        WHEN c.append IS NOT NULL THEN 'conflict'
        ELSE 'stored' END ORDER BY a.n) INTO outcomes
    FROM unnest(command_hashes) WITH ORDINALITY a (hash, n)
    LEFT JOIN (
        SELECT DISTINCT x.append FROM unnest(expecting, expected, actual) x (append, expected, actual)
        WHERE x.expected <> x.actual
    ) c ON c.append = a.n;

    SELECT array_agg(head + before_in_log ORDER BY n), array_agg(before_in_feed + base ORDER BY n)
    INTO firsts, bases
    FROM (
        SELECT a.n, a.feed,
            coalesce(sum(a.count) OVER (ORDER BY a.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before_in_log,
            coalesce(sum(a.count) OVER (PARTITION BY a.feed ORDER BY a.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before_in_feed,
            coalesce((SELECT e.sequence FROM events e WHERE e.feed = a.feed ORDER BY e.sequence DESC LIMIT 1), 0) AS base
        FROM (SELECT u.n, u.feed, CASE WHEN outcomes[u.n] = 'stored' THEN u.count ELSE 0 END AS count
            FROM unnest(feeds, counts) WITH ORDINALITY u (feed, count, n)) a
    ) numbered;

    INSERT INTO events
    SELECT firsts[a.n] + e.nth, bases[a.n] + e.nth, e.version, moment, a.command_id, a.correlation_id, a.causation_id,
        a.feed, e.stream, e.type, a.actor, CASE WHEN e.nth = a.count THEN a.command_hash END, e.data
    FROM (
        SELECT w.append, w.stream, w.version, d.type, d.data,
            row_number() OVER (PARTITION BY w.append ORDER BY w.n) AS nth
        FROM (
            SELECT x.append, x.stream, x.expected + g.i AS version, row_number() OVER (ORDER BY x.n, g.i) AS n
            FROM unnest(expecting, streams, expected, writes) WITH ORDINALITY x (append, stream, expected, writes, n),
                generate_series(1, x.writes) g (i)
        ) w JOIN unnest(types, datas) WITH ORDINALITY d (type, data, n) USING (n)
    ) e
    JOIN unnest(feeds, actors, command_ids, command_hashes, correlation_ids, causation_ids, counts) WITH ORDINALITY
        a (feed, actor, command_id, command_hash, correlation_id, causation_id, count, n) ON a.n = e.append
    WHERE outcomes[a.n] = 'stored'
    ORDER BY 1;

    UPDATE log_head SET recorded_at = moment,
        position = head + (SELECT coalesce(sum(u.count), 0) FROM unnest(outcomes, counts) u (outcome, count) WHERE u.outcome = 'stored');

    RETURN QUERY SELECT a.outcome,
        CASE a.outcome WHEN 'stored' THEN firsts[a.n] + 1 WHEN 'repeated' THEN 1 + coalesce((
            SELECT e.position FROM events e WHERE e.position < receipts[a.n] AND e.command_id IS DISTINCT FROM a.command_id
            ORDER BY e.position DESC LIMIT 1), 0) END,
        CASE a.outcome WHEN 'stored' THEN firsts[a.n] + a.count WHEN 'repeated' THEN receipts[a.n] END,
        CASE a.outcome WHEN 'stored' THEN bases[a.n] + a.count WHEN 'repeated' THEN (SELECT e.sequence FROM events e WHERE e.position = receipts[a.n]) END,
        CASE a.outcome WHEN 'stored' THEN moment WHEN 'repeated' THEN (SELECT e.recorded_at FROM events e WHERE e.position = receipts[a.n]) END,
        c.stream, c.expected, c.actual
    FROM unnest(outcomes, counts, command_ids) WITH ORDINALITY a (outcome, count, command_id, n)
    LEFT JOIN (
        SELECT DISTINCT ON (x.append) x.append, x.stream, x.expected, x.actual
        FROM unnest(expecting, streams, expected, actual) WITH ORDINALITY x (append, stream, expected, actual, n)
        WHERE x.expected <> x.actual ORDER BY x.append, x.n
    ) c ON c.append = a.n AND a.outcome = 'conflict'
    ORDER BY a.n;
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
