"""A program that runs the code in its first argument, as `python -c` would."""

import sys

if __name__ == "__main__":
    exec(sys.argv.pop(1), {"__name__": "__main__"})  # noqa: S102 - a test's own code
