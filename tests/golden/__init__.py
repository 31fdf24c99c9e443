"""A sample of every event type ever stored, and of every shape that it had: `events.jsonl`.

Events in the log outlive the code that wrote them, so a line in that file is never changed or taken out.
`python -m tests.golden` adds lines for types and fields that have none.
"""
