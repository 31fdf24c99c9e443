DROP TABLE seals, person_keys, snapshots;
DROP FUNCTION append_events;
DROP VIEW log_head;
DROP TABLE events, log_epoch;
DROP FUNCTION refuse_change;
