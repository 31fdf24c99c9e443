-- Projects that were audited once, and when edits make the next audit due. The log says the same, more slowly.
CREATE TABLE reaudits (
    project_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    -- The first edit that no audit has seen yet, and when the audit shall come; NULL while there is none.
    since timestamptz,
    due_at timestamptz,
    CHECK ((since IS NULL) = (due_at IS NULL))
);
CREATE INDEX reaudits_due ON reaudits (due_at) WHERE due_at IS NOT NULL;

INSERT INTO reaudits (project_id)
SELECT DISTINCT substring(feed FROM 9)::uuid FROM events WHERE type = 'audit.started';
