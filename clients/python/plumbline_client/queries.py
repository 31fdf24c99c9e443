"""Where queries are answered over HTTP."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from plumbline_client.events import QUERY_PATHS

_FIELD = re.compile(r"\{(\w+)\}")


def address_of(query: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give a query's path, and what is left for parameters. Raises `ValueError` for a query not known here."""
    fields = {name: value for name, value in query.items() if name != "type"}
    for path in QUERY_PATHS.get(query["type"], ()):
        names = _FIELD.findall(path)
        if all(name in fields for name in names):
            filled = _FIELD.sub(lambda found: quote(str(fields[found[1]]), safe=""), path)
            return filled, {name: value for name, value in fields.items() if name not in names}
    raise ValueError(f"no address is known for the query {query['type']!r} with {sorted(fields)}")
