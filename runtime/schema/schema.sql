--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


--
-- Name: unaccent; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;


--
-- Name: EXTENSION unaccent; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';


--
-- Name: append_events(text[], integer[], text[], uuid[], bytea[], uuid[], uuid[], integer[], text[], bigint[], integer[], text[], bigint[], integer[], text[], bytea[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.append_events(feeds text[], append_feeds integer[], append_actors text[], command_ids uuid[], command_hashes bytea[], correlation_ids uuid[], causation_ids uuid[], write_appends integer[], write_streams text[], write_versions bigint[], pin_appends integer[], pin_streams text[], pin_versions bigint[], event_writes integer[], event_types text[], event_data bytea[]) RETURNS TABLE(append bigint, outcome text, first_position bigint, last_position bigint, last_sequence bigint, stored_at timestamp with time zone, conflict_stream text, expected_version bigint, actual_version bigint)
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_nestloop TO 'off'
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


--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted (% on %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;


--
-- Name: search_fold(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(regexp_replace(public.unaccent('public.unaccent'::regdictionary, value), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+'::text, ' '::text, 'g'::text));


--
-- Name: search_code(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_code(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(public.search_fold(value), ' '::text, ''::text);


--
-- Name: plumbline; Type: TEXT SEARCH CONFIGURATION; Schema: public; Owner: -
--

CREATE TEXT SEARCH CONFIGURATION public.plumbline (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR asciiword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR word WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR hword_part WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR hword_asciipart WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR asciihword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR hword WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION public.plumbline
    ADD MAPPING FOR uint WITH simple;


--
-- Name: search_vector(text, text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_vector(title text, code text, place text, notes text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ((setweight(to_tsvector('public.plumbline'::regconfig, "left"(public.search_fold(title), 50000)), 'A'::"char") || setweight(to_tsvector('public.plumbline'::regconfig, public.search_fold(((code || ' '::text) || place))), 'B'::"char")) || setweight(to_tsvector('public.plumbline'::regconfig, "left"(public.search_fold(notes), 100000)), 'C'::"char"));


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    "position" bigint NOT NULL,
    sequence bigint NOT NULL,
    version bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    command_id uuid,
    correlation_id uuid,
    causation_id uuid,
    feed text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    actor text NOT NULL COLLATE pg_catalog."C",
    command_hash bytea,
    data bytea NOT NULL,
    CONSTRAINT events_actor_check CHECK ((actor <> ''::text)),
    CONSTRAINT events_check CHECK (((command_hash IS NULL) OR (command_id IS NOT NULL))),
    CONSTRAINT events_feed_check CHECK ((feed <> ''::text)),
    CONSTRAINT events_position_check CHECK (("position" > 0)),
    CONSTRAINT events_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT events_stream_check CHECK ((stream <> ''::text)),
    CONSTRAINT events_type_check CHECK ((type <> ''::text)),
    CONSTRAINT events_version_check CHECK ((version > 0))
);


--
-- Name: COLUMN events.command_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.events.command_hash IS 'On the last event of an append that came with a command id: this row is the receipt of the command';


--
-- Name: followers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.followers (
    name text NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT followers_position_check CHECK (("position" >= 0))
);


--
-- Name: job_leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job_leases (
    job_id uuid NOT NULL,
    project_id uuid NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    queue text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    worker text,
    lease_until timestamp with time zone,
    cancel_requested boolean DEFAULT false NOT NULL,
    nudges integer DEFAULT 0 NOT NULL,
    nudge_at timestamp with time zone NOT NULL,
    CONSTRAINT job_leases_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT job_leases_check CHECK (((worker IS NULL) = (lease_until IS NULL))),
    CONSTRAINT job_leases_queue_check CHECK ((queue = ANY (ARRAY['critical'::text, 'high'::text, 'default'::text, 'low'::text])))
);


--
-- Name: log_epoch; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.log_epoch (
    single boolean DEFAULT true NOT NULL,
    epoch uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT log_epoch_single_check CHECK (single)
);


--
-- Name: TABLE log_epoch; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.log_epoch IS 'One row; it changes only when the log is restored from a backup to an earlier point';


--
-- Name: log_head; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.log_head AS
 SELECT COALESCE(last."position", (0)::bigint) AS "position",
    log_epoch.epoch,
    last.recorded_at
   FROM (public.log_epoch
     LEFT JOIN LATERAL ( SELECT e."position",
            e.recorded_at
           FROM public.events e
          ORDER BY e."position" DESC
         LIMIT 1) last ON (true));


--
-- Name: VIEW log_head; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.log_head IS 'Where the log ends. Not a counter: a row updated by every append would slow down under any long-running snapshot';


--
-- Name: migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migrations (
    id integer NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: person_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.person_keys (
    person text NOT NULL COLLATE pg_catalog."C",
    wrapped bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    destroyed_at timestamp with time zone,
    CONSTRAINT person_keys_check CHECK (((wrapped IS NULL) = (destroyed_at IS NOT NULL))),
    CONSTRAINT person_keys_person_check CHECK ((person <> ''::text))
);


--
-- Name: reaudits; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reaudits (
    project_id uuid NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    since timestamp with time zone,
    due_at timestamp with time zone,
    CONSTRAINT reaudits_check CHECK (((since IS NULL) = (due_at IS NULL)))
);


--
-- Name: seals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seals (
    from_position bigint NOT NULL,
    to_position bigint NOT NULL,
    sha256 bytea NOT NULL,
    previous bytea,
    CONSTRAINT seals_check CHECK ((to_position >= from_position)),
    CONSTRAINT seals_from_position_check CHECK ((from_position > 0)),
    CONSTRAINT seals_previous_check CHECK ((length(previous) = 32)),
    CONSTRAINT seals_sha256_check CHECK ((length(sha256) = 32))
);


--
-- Name: snapshots; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.snapshots (
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    fingerprint text NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT snapshots_position_check CHECK (("position" >= 0)),
    CONSTRAINT snapshots_version_check CHECK ((version >= 0))
);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("position");


--
-- Name: followers followers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.followers
    ADD CONSTRAINT followers_pkey PRIMARY KEY (name);


--
-- Name: job_leases job_leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job_leases
    ADD CONSTRAINT job_leases_pkey PRIMARY KEY (job_id);


--
-- Name: log_epoch log_epoch_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.log_epoch
    ADD CONSTRAINT log_epoch_pkey PRIMARY KEY (single);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (id);


--
-- Name: person_keys person_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person_keys
    ADD CONSTRAINT person_keys_pkey PRIMARY KEY (person);


--
-- Name: reaudits reaudits_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reaudits
    ADD CONSTRAINT reaudits_pkey PRIMARY KEY (project_id);


--
-- Name: seals seals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_pkey PRIMARY KEY (to_position);


--
-- Name: snapshots snapshots_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (stream, version);


--
-- Name: events_command_receipt; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX events_command_receipt ON public.events USING btree (command_id) WHERE (command_hash IS NOT NULL);


--
-- Name: events_feed_sequence; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX events_feed_sequence ON public.events USING btree (feed, sequence);


--
-- Name: events_memberships; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_memberships ON public.events USING btree (actor) WHERE (type = ANY (ARRAY['project.created'::text, 'project.member_joined'::text]));


--
-- Name: events_stream_version; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX events_stream_version ON public.events USING btree (stream, version);


--
-- Name: job_leases_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_leases_due ON public.job_leases USING btree (nudge_at);


--
-- Name: reaudits_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reaudits_due ON public.reaudits USING btree (due_at) WHERE (due_at IS NOT NULL);


--
-- Name: events events_are_permanent; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER events_are_permanent BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- PostgreSQL database dump complete
--


