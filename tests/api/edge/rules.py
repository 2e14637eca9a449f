"""The rules of OpenAPI 3.1 that our document must keep, and JSON Schema enough to hold real answers to it.

Source: https://spec.openapis.org/oas/v3.1.0, JSON Schema 2020-12.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_KNOWN_WORDS = {
    "$ref", "type", "title", "description", "properties", "required", "items", "enum", "anyOf", "format", "pattern",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties", "default",
    "propertyNames", "minProperties", "maxProperties",
}  # fmt: skip


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def broken_rules(document: dict[str, Any]) -> list[str]:
    """Every rule that the document breaks, as sentences."""
    found = [] if re.fullmatch(r"3\.1\.\d+", document["openapi"]) else ["openapi is not 3.1"]
    found += [f"info has no {name}" for name in ("title", "version") if not document["info"].get(name)]
    found += _duplicates(
        [operation["operationId"] for _, _, operation in operations(document)], "operationId"
    )
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        at = f"{method.upper()} {path}"
        if method not in METHODS or not path.startswith("/"):
            found.append(f"{at}: no method or no path")
        found += [f"{at}: tag {tag} is not declared" for tag in operation.get("tags", []) if tag not in tags]
        found += [f"{at}: {text}" for text in _of_parameters(path, operation)]
        found += [f"{at}: {text}" for text in _of_responses(operation)]
        schemes = document["components"]["securitySchemes"]
        found += [
            f"{at}: security {name} is not declared"
            for wanted in operation.get("security", [])
            for name in wanted
            if name not in schemes
        ]
        if "requestBody" in operation and not all(
            media["schema"] for media in operation["requestBody"]["content"].values()
        ):
            found.append(f"{at}: the body has no schema")
    for where, schema in schemas(document):
        found += [f"{where}: {text}" for text in _of_schema(schema, document)]
    return found


def _duplicates(names: list[str], what: str) -> list[str]:
    return [f"{what} {name} is there twice" for name in set(names) if names.count(name) > 1]


def _of_parameters(path: str, operation: dict[str, Any]) -> Iterator[str]:
    listed = operation.get("parameters", [])
    in_path = [p["name"] for p in listed if p["in"] == "path"]
    if sorted(in_path) != sorted(re.findall(r"\{([^{}]+)\}", path)):
        yield f"the parameters {in_path} are not those of the path"
    yield from _duplicates([f"{p['in']} {p['name']}" for p in listed], "parameter")
    for parameter in listed:
        if parameter["in"] not in ("path", "query", "header", "cookie") or "schema" not in parameter:
            yield f"parameter {parameter['name']} has no place or no schema"
        if parameter["in"] == "path" and parameter.get("required") is not True:
            yield f"parameter {parameter['name']} is in the path and not required"


def _of_responses(operation: dict[str, Any]) -> Iterator[str]:
    listed = operation["responses"]
    if not any(status.startswith("2") for status in listed):
        yield "no answer is a good one"
    for status, response in listed.items():
        if not re.fullmatch(r"[1-5]\d\d", status) or not response.get("description"):
            yield f"{status}: no status or no description"
        content = response.get("content", {})
        if (status in ("204", "304")) != (not content):
            yield f"{status}: a body where there is none, or none where there is one"
        for kind, media in content.items():
            if not media.get("schema"):
                yield f"{status}: {kind} has no schema"
            if kind == "application/json" and media["schema"].get("type") == "string":
                yield f"{status}: a document is described as a string"
            if status >= "400" and (kind, media["schema"]) != (
                "application/problem+json", {"$ref": "#/components/schemas/Problem"}
            ):  # fmt: skip
                yield f"{status}: a refusal that is no problem document"


def schemas(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of the document, also those inside others, and where it stands."""
    found = [
        (f"#/components/schemas/{name}", schema) for name, schema in document["components"]["schemas"].items()
    ]
    for method, path, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        held = [media["schema"] for body in bodies for media in body.get("content", {}).values()]
        held += [parameter["schema"] for parameter in operation.get("parameters", [])]
        found += [(f"{method.upper()} {path}", schema) for schema in held]
    while found:
        where, schema = found.pop()
        yield where, schema
        inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
        inner += [
            schema[word] for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict)
        ]
        found += [(where, part) for part in inner]


def _of_schema(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema and resolve(schema, document) is None:
        yield f"{schema['$ref']} leads nowhere"
    if schema.keys() - _KNOWN_WORDS:
        yield f"unknown words {sorted(schema.keys() - _KNOWN_WORDS)}"
    if "type" in schema and schema["type"] not in _TYPES:
        yield f"there is no type {schema['type']}"
    if missing := [name for name in schema.get("required", []) if name not in schema.get("properties", {})]:
        yield f"{missing} are required and not described"
    if "pattern" in schema:
        re.compile(schema["pattern"])


def resolve(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """What a $ref names, or None."""
    place: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        place = place.get(part) if isinstance(place, dict) else None
    return place


def misfits(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "$") -> list[str]:
    """Where the value is not as the schema says."""
    if "$ref" in schema:
        return misfits(value, resolve(schema, document), document, at)
    if "anyOf" in schema:
        tried = [misfits(value, option, document, at) for option in schema["anyOf"]]
        return [] if [] in tried else [f"{at}: fits none of {len(tried)}: {min(tried, key=len)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if "type" in schema:
        right = isinstance(value, _TYPES[schema["type"]])
        if not right or (isinstance(value, bool) and schema["type"] != "boolean"):
            return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, str):
        return _of_text(value, schema, at)
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        return [f"{at}: {value} is out of range"]
    if isinstance(value, list):
        return [
            m
            for n, part in enumerate(value)
            for m in misfits(part, schema.get("items", {}), document, f"{at}[{n}]")
        ]
    return _of_object(value, schema, document, at) if isinstance(value, dict) else []


def _of_text(value: str, schema: dict[str, Any], at: str) -> list[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{at}: {value!r} is not {schema['pattern']}"]
    if schema.get("format") == "date-time":
        datetime.fromisoformat(value)
    return []


def _of_object(value: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], at: str) -> list[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value]
    for name, part in value.items():
        if name in known:
            found += misfits(part, known[name], document, f"{at}.{name}")
        elif isinstance(rest, dict):
            found += misfits(part, rest, document, f"{at}.{name}")
        elif known or rest is False:
            found.append(f"{at}.{name}: not described")
    return found
