"""Fuzzing of the readers: `python -m tests.fuzz` looks for inputs that break one; the suite runs a fixed part of it."""
