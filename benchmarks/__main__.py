"""Run the benchmarks: `make bench`, or some of them: `make bench ONLY="append http"`.

Each part prints its table, beside a peer measured in the same run. All figures go to `benchmarks/results.json`.
"""

import importlib
import platform
import sys
from pathlib import Path

import msgspec

PARTS = (
    "append",
    "http",
    "socket",
    "fanout",
    "latency",
    "floods",
    "replay",
    "idle",
    "storm",
    "rebuild",
    "answers",
    "documents",
    "rules",
    "bills",
)
RESULTS = Path(__file__).parent / "results.json"


def main(only: list[str]) -> None:
    """Run the named parts, all by default, and keep the figures of the others from earlier runs."""
    unknown = sorted(set(only) - set(PARTS))
    if unknown:
        sys.exit(f"no benchmark is named {', '.join(unknown)}: there are {', '.join(PARTS)}")
    for part in only or PARTS:
        print(f"\n== {part} (Python {platform.python_version()}, {platform.machine()})", flush=True)
        figures = importlib.import_module(f"benchmarks.{part}").run()
        _keep({name: round(value, 3) for name, value in figures.items()})


def _keep(figures: dict[str, float]) -> None:
    kept = msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, float]) if RESULTS.exists() else {}
    merged = dict(sorted((kept | figures).items()))
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(merged), indent=2) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
