"""The OpenAPI 3.1 document, generated from the routes and their msgspec types.

Source: https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from checkout.edge import error_table
from checkout.edge.examples import EXAMPLES
from checkout.kit.routes import Route

_PARAMETER = re.compile(r"\{([A-Za-z_]+)(?::([^{}]|\{[^{}]*\})*)?\}")
_GENERAL = (
    "malformed_request", "request_timeout", "rate_limited", "overloaded", "deadline_exceeded", "unavailable",
    "database_away", "gate_away", "starting", "key_missing", "internal",
)  # fmt: skip
_WITH_BODY = ("invalid", "malformed_json", "too_large", "unsupported_media_type")
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "retry_after_ms": {"type": "integer", "minimum": 0},
    },
}
_LIMIT_HEADERS = {
    "RateLimit": {
        "schema": {"type": "string"},
        "description": 'What is left, as `"policy";r=left;t=seconds`.',
    },
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": 'The limit, as `"policy";q=requests;w=seconds`.',
    },
}


def document(routes: Iterable[Route], *, title: str, version: str, server: str = "") -> dict[str, Any]:
    """The whole document. Raises: ValueError on an error code that the table does not know."""
    listed = sorted(routes, key=lambda route: (route.path, route.method))
    schemas, components = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, schemas)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Money is an integer in the currency's minor unit. Times are RFC 3339 UTC. Errors are "
            "RFC 9457 problem documents; every `code` is explained under /docs/errors.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM_SCHEMA},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "tags": [{"name": tag} for tag in sorted({route.tag for route in listed if route.tag})],
    }
    if server:
        found["servers"] = [{"url": server}]
    return found


def _schemas(routes: Sequence[Route]) -> tuple[dict[int, dict[str, Any]], dict[str, Any]]:
    """The schema of each type in use, by the type's identity."""
    types = [
        kind
        for route in routes
        for kind in (route.request, route.response)
        if kind is not None and not isinstance(kind, dict)
    ]
    found, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {id(kind): schema for kind, schema in zip(types, found, strict=True)}, dict(components)


def _schema(kind: Any, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return kind if isinstance(kind, dict) else schemas[id(kind)]


def _operation(route: Route, path: str, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    words = re.findall(r"[A-Za-z]+", path.removeprefix("/v1"))
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]).lower(),
        "summary": route.summary,
        "responses": _responses(route, schemas),
    }
    if route.tag:
        operation["tags"] = [route.tag]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name, _ in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": text}
        for name, text in route.query.items()
    ]
    if "idempotency_key_missing" in route.problems or "idempotency_mismatch" in route.problems:
        parameters.append(
            {
                "name": "Idempotency-Key", "in": "header", "required": "idempotency_key_missing" in route.problems,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "Names this attempt: a repeat with the same key gets the first answer again.",
            }
        )  # fmt: skip
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        media = {"schema": _schema(route.request, schemas)}
        if (example := EXAMPLES.get(f"{route.method} {route.path}")) is not None:
            media["examples"] = {"works": {"value": example}}
        operation["requestBody"] = {"required": True, "content": {"application/json": media}}
    elif route.accepts:
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in route.accepts.items()},
        }
    if route.permission:
        operation["security"] = [{"bearer": []}]
        operation["x-permission"] = route.permission
    return operation


def _responses(route: Route, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": route.summary}
    if route.response is not None:
        good["content"] = {route.content_type: {"schema": _schema(route.response, schemas)}}
    elif route.status != 204:
        good["content"] = {route.content_type: {"schema": {"type": "string"}}}
    if route.policy:
        good["headers"] = _LIMIT_HEADERS
    responses: dict[str, Any] = {str(route.status): good}
    if route.method == "GET" and route.priority == 0:  # what is browsed is cached, here and by others
        responses["304"] = {"description": "It is as `If-None-Match` says."}
    codes = [*route.problems, *_GENERAL, *(_WITH_BODY if route.request is not None or route.accepts else ())]
    if route.permission:
        codes += ["unauthenticated", "forbidden", "not_found"]
    if "{" in route.path:
        codes.append("not_found")
    by_status: dict[int, list[str]] = {}
    for named in dict.fromkeys(codes):
        status, _, code = named.rpartition(" ")
        by_status.setdefault(int(status) if status else error_table.status_of(code), []).append(code)
    for answered, together in sorted(by_status.items()):
        responses[str(answered)] = {
            "description": "; ".join(f"`{code}`" for code in together),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses
