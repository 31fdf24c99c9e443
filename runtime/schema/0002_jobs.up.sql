-- Where followers of the log that keep no tables of their own have got to.
CREATE TABLE followers (
    name text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);

-- Jobs that are not over. What happened to them is in the log; this is who may work on them now.
CREATE TABLE job_leases (
    job_id uuid PRIMARY KEY,
    project_id uuid NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    queue text NOT NULL CHECK (queue IN ('critical', 'high', 'default', 'low')),
    -- Attempts begun. A worker takes the next number together with the lease: its fencing token.
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    due_at timestamptz NOT NULL,
    worker text,
    lease_until timestamptz,
    cancel_requested boolean NOT NULL DEFAULT false,
    -- Messages sent for the present attempt, and when the next one is allowed.
    nudges integer NOT NULL DEFAULT 0,
    nudge_at timestamptz NOT NULL,
    CHECK ((worker IS NULL) = (lease_until IS NULL))
);
CREATE INDEX job_leases_due ON job_leases (nudge_at);
