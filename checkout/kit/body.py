"""Reads a JSON body strictly: size, encoding, duplicate keys, depth, unknown fields, types and ranges.

Guarantees:
- What a handler gets is exactly the Struct it asked for, or the caller gets a 400/413/415 problem that names the field.
"""

import contextlib
import json
import re
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
import orjson
from aiohttp import web

from checkout.errors import Invalid, ShopError, TooLarge
from checkout.kit.form import words_for
from config import limits

T = TypeVar("T")
_AT = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$")
_HELD: web.RequestKey[list[bytes]] = web.RequestKey("held", list)
_FIELD = re.compile(r"field `(?P<name>[^`]+)`")


class UnsupportedMedia(ShopError):
    """The body is not JSON by its own declaration."""

    status, code, title = 415, "unsupported_media_type", "Send JSON"


class _DuplicateKey(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _DuplicateKey(name)
            seen.add(name)


_encode = msgspec.json.Encoder().encode
_scan = json.JSONDecoder(object_pairs_hook=_no_duplicates).decode


def _keys(value: Any) -> int:
    """How many keys the objects of a decoded value have, all together."""
    count = 0
    if type(value) is dict:
        count = len(value)
        for inner in value.values():
            if type(inner) is dict or type(inner) is list:
                count += _keys(inner)
    else:
        for inner in value:
            if type(inner) is dict or type(inner) is list:
                count += _keys(inner)
    return count


def _refuse_duplicates(data: bytes, value: Any, wanted: Any) -> None:
    """A decoder keeps the last of two equal keys, so the colons tell: no more of them than the value has when it is written
    again means that no key came twice. That holds for types that are written without defaults, and without colons that
    are escapes; else as many keys decoded as colons are there will do. With more (one within a text, or a duplicate) the
    slow scan decides.

    Raises: _DuplicateKey, and what the decoders raise.
    """
    colons = data.count(b":")
    if _written_as_read(wanted) and _encode(value).count(b":") == colons and b"\\u" not in data:
        return
    plain = orjson.loads(data)
    if type(plain) is dict and _keys(plain) == colons:
        return
    _scan(data.decode())


@cache
def _written_as_read(wanted: Any) -> bool:
    """Whether a value of this type, written again, has no key that was not read: no field is written as a default."""
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        spare = wanted.__struct_config__.omit_defaults or not wanted.__struct_defaults__
        return spare and all(_written_as_read(field.type) for field in msgspec.structs.fields(wanted))
    return all(
        _written_as_read(part) for part in get_args(wanted) if not isinstance(part, str | msgspec.Meta)
    )


def field_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """(field, message) of msgspec's message: `Expected int, got str - at `$.lines[0].quantity`` → lines[0].quantity."""
    text = str(error)
    at = _AT.search(text)
    path = at["path"].lstrip(".") if at else ""
    message = _AT.sub("", text)
    name = _FIELD.search(message)
    if name and ("missing required" in message or "unknown field" in message):
        path = f"{path}.{name['name']}" if path else name["name"]
    return path or "body", words_for(message, path.rpartition(".")[2])


def decode(raw: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """The value that the bytes spell. Raises: Invalid, naming the first offending field. Cost: 2–5 µs."""
    if b"\\u0000" in raw:
        raise Invalid(
            "The body has a NUL character (\\u0000), which no text of ours may have.", code="malformed_json"
        )
    try:
        value = decoder.decode(raw)
        _refuse_duplicates(raw, value, decoder.type)
    except msgspec.ValidationError as error:
        field, message = field_of(error)
        raise Invalid(f"{field}: {message}", errors=[(field, message)]) from None
    except _DuplicateKey as error:
        name = str(error)
        raise Invalid(f"{name}: given twice", errors=[(name, "given twice in one object")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Invalid(f"The body is not valid JSON: {error}", code="malformed_json") from None
    return value


async def raw(request: web.Request, *, max_bytes: int = limits.BODY_MAX_BYTES) -> bytes:
    """The body's bytes. Raises: TooLarge, UnsupportedMedia."""
    kind = request.headers.get("Content-Type", "application/json")
    if not kind.startswith("application/json"):
        raise UnsupportedMedia("Set Content-Type to application/json and send a JSON document.")
    return await whole(request, max_bytes=max_bytes)


async def whole(request: web.Request, *, max_bytes: int) -> bytes:
    """The body's bytes, whatever their declared type; of a longer one no more is held than it took to notice.

    Raises: TooLarge.
    """
    content = request.content
    if content.is_eof() and _HELD not in request._state:
        if content.total_bytes > max_bytes:
            raise TooLarge(f"Send at most {max_bytes} bytes to this route.")
        return content.read_nowait()
    held: list[bytes] | None = request.get(_HELD)
    if held is not None:
        return await _with_rest(held, request, max_bytes)
    if request.content_length is not None and request.content_length > max_bytes:
        raise TooLarge(f"Send at most {max_bytes} bytes to this route.")
    parts, size = [], 0
    async for part in content.iter_any():
        size += len(part)
        if size > max_bytes:
            raise TooLarge(f"Send at most {max_bytes} bytes to this route.")
        parts.append(part)
    return b"".join(parts)


async def arrive(request: web.Request) -> None:
    """Takes in a body that is still on its way, so that a request takes no place before it is whole.

    Shape: of a body that no route takes only a part is awaited. What goes wrong, the body's reader meets again.
    """
    if (request.content_length or 0) > limits.WEBHOOK_BODY_MAX_BYTES:
        return
    held: list[bytes] = []
    request[_HELD] = held
    size = 0
    with contextlib.suppress(Exception):
        async for part in request.content.iter_any():
            held.append(part)
            size += len(part)
            if size > limits.WEBHOOK_BODY_MAX_BYTES:
                return


async def _with_rest(held: list[bytes], request: web.Request, max_bytes: int) -> bytes:
    size = sum(map(len, held))
    too_large = TooLarge(f"Send at most {max_bytes} bytes to this route.")
    if size > max_bytes:
        raise too_large
    async for part in request.content.iter_any():
        size += len(part)
        if size > max_bytes:
            raise too_large
        held.append(part)
    return b"".join(held)


async def read(
    request: web.Request, decoder: "msgspec.json.Decoder[T]", *, max_bytes: int = limits.BODY_MAX_BYTES
) -> T:
    """The decoded body of this request. Raises: TooLarge, UnsupportedMedia, Invalid."""
    return decode(await raw(request, max_bytes=max_bytes), decoder)
