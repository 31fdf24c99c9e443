"""Start one of the processes beside the API: `python -m workers worker`, `… projector`, or write `… sample-bill`."""

import sys
from pathlib import Path

import uvloop

from runtime.settings import load
from runtime.telemetry import configure


def main(arguments: list[str]) -> None:
    """Run the process that is named."""
    match arguments:
        case ["worker"]:
            from workers.process import work  # noqa: PLC0415 - each process imports what it runs

            configure(arguments[0], level=load().log_level)
            uvloop.run(work(load()))
        case ["projector"]:
            from workers.projecting import project  # noqa: PLC0415 - each process imports what it runs

            configure(arguments[0], level=load().log_level)
            uvloop.run(project(load()))
        case ["sample-bill", path]:
            from workers.sample_bill import sample_bill  # noqa: PLC0415 - only this needs the workbook writer

            Path(path).write_bytes(sample_bill(faults=DEMO_FAULTS))
        case _:
            sys.exit("usage: python -m workers worker | projector | sample-bill PATH")


DEMO_FAULTS = ("wrong_line_total", "missing_unit", "zero_price", "unit_conflict")

if __name__ == "__main__":
    main(sys.argv[1:])
