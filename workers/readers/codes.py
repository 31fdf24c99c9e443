"""Which price system a code belongs to: as the bill names it, else as the code is shaped."""

import re
from collections.abc import Sequence
from functools import lru_cache

from domain.bill import CodeSystem
from workers.readers.cells import label

_SHAPES: tuple[tuple[CodeSystem, re.Pattern[str]], ...] = (
    ("rts", re.compile(r"\d{9}R\d{2}")),
    ("urs", re.compile(r"\d{8,9}(?:\.[A-Z]{3})?")),
    ("otskp", re.compile(r"\d{3,5}[0-9A-QS-Z]\d{0,2}(?:\.[0-9a-zA-Z]{1,3})?")),
)
"""ÚRS: nine digits for work, eight for material, a maker's three letters after a point. RTS: nine digits and R00.
OTSKP: five or six places, of which one may be a letter, and a variant after a point. A final R marks an item that its
author made up, in any of them."""

_NAMES: dict[str, CodeSystem] = {
    "urs": "urs",
    "otskp": "otskp",
    "rts": "rts",
    "gaeb": "gaeb",
    "fiebdc": "own",
    "vlastni": "own",
    "own": "own",
}


@lru_cache(maxsize=256)
def named_system(price_system: str) -> CodeSystem | None:
    """Recognise a price system by its name, such as "CS ÚRS 2026 01", "OTSKP 2025" or "RTS 24/ II"."""
    return next((_NAMES[word] for word in label(price_system).split() if word in _NAMES), None)


def shaped_system(code: str) -> CodeSystem | None:
    """Recognise a price system by the shape of a code, or `None` when it fits none."""
    for system, shape in _SHAPES:
        if shape.fullmatch(code) and (system != "otskp" or len(code.partition(".")[0]) in {5, 6}):
            return system
    return None


def code_systems(codes: Sequence[tuple[str, str]]) -> list[CodeSystem]:
    """Settle the system of each `(code, named price system)` of one bill.

    Short codes are common as somebody's own numbers, so they count as OTSKP only in a bill where they outnumber the
    long ones of the other systems.
    """
    shapes: list[CodeSystem | None] = [named_system(named) or shaped_system(code) for code, named in codes]
    short = sum(1 for shape, (_, named) in zip(shapes, codes, strict=True) if shape == "otskp" and not named)
    long = sum(1 for shape in shapes if shape in {"urs", "rts"})
    systems: list[CodeSystem] = []
    for shape, (_, named) in zip(shapes, codes, strict=True):
        stranger = shape == "otskp" and not named and short <= long
        systems.append("own" if shape is None or stranger else shape)
    return systems
