-- Finds the projects of an account, to see before it is erased whether one would be left without an owner.
CREATE INDEX events_memberships ON events (actor) WHERE type IN ('project.created', 'project.member_joined');
