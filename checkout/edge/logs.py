"""Structured logs: one JSON object a line, or readable lines on a terminal. Never personal data.

Values under keys that name a secret or a person are replaced, at any depth.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

_REDACTED = "[redacted]"
_PERSONAL = frozenset(
    {
        "address", "authorization", "billing_address", "client_secret", "cookie", "email", "first_name", "last_name",
        "line1", "line2", "name_on_card", "password", "phone", "postal_code", "recipient", "secret",
        "shipping_address", "token", "access_token", "refresh_token", "api_key", "ip", "cart_id",
    }
)  # fmt: skip
_ENDINGS = ("_token", "_secret", "_password", "_email", "_address", "_key")
_ALLOWED = frozenset({"idempotency_key_hash"})


def is_personal(key: str) -> bool:
    """Whether values under this key never go into a log."""
    lowered = key.lower()
    return lowered in _PERSONAL or (lowered.endswith(_ENDINGS) and lowered not in _ALLOWED)


def redact(value: Any) -> Any:
    """The value without what must not be logged."""
    if isinstance(value, Mapping):
        return {key: _REDACTED if is_personal(str(key)) else redact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return value


def _redacting(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        event[key] = _REDACTED if is_personal(key) else redact(event[key])
    return event


def _dumps(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(log_format: str = "console", log_level: str = "info") -> None:
    """Sets up structlog and what the libraries log through `logging`. Shape: format is json or console."""
    level = logging.getLevelNamesMapping()[log_level.upper()]
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redacting,
    ]
    as_json = log_format == "json"
    render: Any = structlog.processors.JSONRenderer(serializer=_dumps) if as_json else _console()
    ending = [structlog.processors.format_exc_info] if as_json else []
    structlog.configure(
        processors=[*shared, *ending, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending, render],
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))
    logging.getLogger("asyncio").setLevel(max(level, logging.WARNING))


def _console() -> Any:
    """Lines for people. Its tracebacks are plain: rich ones show every local value, tokens and addresses too."""
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


class AccessLog(AbstractAccessLogger):
    """One line a request: which route, never its path or query: those name carts, tokens and addresses."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Writes the line. Units: `time` in s."""
        route = request.match_info.route.resource if isinstance(request, web.Request) else None
        self.logger.info(
            "request",
            extra={
                "method": request.method,
                "route": "-" if route is None else route.canonical,
                "status": response.status,
                "bytes": response.body_length,
                "ms": round(time * 1000, 1),
            },
        )


def access_logger() -> logging.Logger:
    """aiohttp's access log, when the settings ask for it (it costs a quarter of the throughput)."""
    logger = logging.getLogger("checkout.access")
    logger.setLevel(logging.INFO)
    return logger
