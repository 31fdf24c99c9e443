"""`/api/docs` for people, `/api/openapi.json` and `/api/asyncapi.json` for programs: what can be asked and told."""

from html import escape
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from transport.errors import INTERNAL, internal_problem, refusals, status_of, title_of
from transport.gateway import asyncapi
from transport.rest.decoding import encoded
from transport.rest.openapi import document

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } code { background: color-mix(in srgb, currentColor 8%, transparent); padding: 0 .25rem; }
details { margin: .25rem 0; } summary { cursor: pointer; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #8884; }
b.method { display: inline-block; width: 4.5rem; } :root { color-scheme: light dark; }
"""


def docs_routes() -> list[HTTPRouteHandler]:
    """Make the routes. Each answer is made once."""
    described = document()
    as_json, as_page, of_socket = encoded(described), page(described).encode(), encoded(asyncapi.document())

    @get("/api/openapi.json")
    async def openapi() -> Response[bytes]:
        return Response(as_json, media_type="application/json")

    @get("/api/asyncapi.json")
    async def socket() -> Response[bytes]:
        return Response(of_socket, media_type="application/json")

    @get("/api/docs")
    async def docs() -> Response[bytes]:
        return Response(as_page, media_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY})

    return [openapi, socket, docs]


def page(described: dict[str, Any]) -> str:
    """Write the document as a page that needs nothing but itself."""
    by_tag: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(method, path, operation, described))
    parts = [f"<h2>{escape(tag)}</h2>{''.join(operations)}" for tag, operations in sorted(by_tag.items())]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Plumbline</title><style>{STYLE}</style><body>"
        f"<h1>Plumbline</h1><p>{escape(described['info']['description'])}</p>"
        "<p>For programs: <a href=/api/openapi.json>openapi.json</a>, and of the socket <a href=/api/asyncapi.json>"
        "asyncapi.json</a>. Errors: <a href=#errors>codes</a>.</p>"
        f"{''.join(parts)}<h2 id=errors>Error codes</h2>{_errors()}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any], described: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td>{status}<td>{escape(answer['description'])}" for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><b class=method>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary><p>{escape(operation.get('description', ''))}</p>"
        f"<table>{_inputs(operation, described)}{answers}</table></details>"
    )


def _inputs(operation: dict[str, Any], described: dict[str, Any]) -> str:
    rows = [(one["name"], one["in"], one["schema"]) for one in operation.get("parameters", ())]
    content = operation.get("requestBody", {}).get("content", {})
    for schema in (kind["schema"] for kind in content.values()):
        name = schema.get("$ref", "").rpartition("/")[2]
        fields = described["components"]["schemas"].get(name, schema).get("properties", {})
        rows += [(field, "body", kind) for field, kind in fields.items() if field != "type"]
    return "".join(
        f"<tr><td><code>{escape(name)}</code><td>{where}: <code>{escape(encoded(schema).decode())}</code>"
        for name, where, schema in rows
    )


def _errors() -> str:
    rows = [(code, int(status_of(each)), title_of(each)) for code, each in refusals().items()]
    rows.append((INTERNAL, 500, internal_problem("")["title"]))
    return (
        "<table>"
        + "".join(
            f"<tr id='{escape(code)}'><td><code>{escape(code)}</code><td>{status}<td>{escape(title)}"
            for code, status, title in rows
        )
        + "</table>"
    )
