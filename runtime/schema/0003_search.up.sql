-- Searching text. Both extensions are trusted: the owner of the database may make them.
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

-- Words as they stand: endings are the query's business, since PostgreSQL has no Czech stemmer and a bill mixes languages.
CREATE TEXT SEARCH CONFIGURATION public.plumbline (COPY = pg_catalog.simple);

-- Without case and accents, and with blanks for every ASCII sign, so that "C25/30" is two words everywhere.
-- IMMUTABLE is a promise: what it rests on changes only with a migration.
CREATE FUNCTION public.search_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN lower(regexp_replace(
        public.unaccent('public.unaccent'::regdictionary, value), E'[\\x01-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7f]+', ' ', 'g'
    ));

CREATE FUNCTION public.search_code(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN replace(public.search_fold(value), ' ', '');

-- A vector has at most 1 MB; what stands far behind in an enormous note is not found.
CREATE FUNCTION public.search_vector(title text, code text, place text, notes text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN setweight(to_tsvector('public.plumbline'::regconfig, left(public.search_fold(title), 50000)), 'A')
        || setweight(to_tsvector('public.plumbline'::regconfig, public.search_fold(code || ' ' || place)), 'B')
        || setweight(to_tsvector('public.plumbline'::regconfig, left(public.search_fold(notes), 100000)), 'C');
