"""A projector as a process of its own, for tests that kill it: `python -m tests.projections <conninfo> <batch>`."""

import asyncio
import sys

from projections.projector import Projector

projector = Projector(sys.argv[1], None)
for follower in projector.followers:
    follower.most_events = int(sys.argv[2])
asyncio.run(projector.run(asyncio.Event()))
