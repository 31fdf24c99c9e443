DROP TABLE seals, person_keys, snapshots;
DROP FUNCTION append_events;
DROP TABLE events;
DROP FUNCTION refuse_change;
DROP TABLE log_head;
