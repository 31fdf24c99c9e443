DROP INDEX events_memberships;
