"""Add samples of new event types and fields: `python -m tests.golden`."""

import sys

from tests.golden.samples import GOLDEN, add_lines

added = add_lines(GOLDEN)
for line in added:
    sys.stdout.write(f"added {line.decode()}\n")
sys.stdout.write(f"{len(added)} samples added to {GOLDEN.name}\n")
