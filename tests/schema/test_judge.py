"""The judge of answers, on answers that are wrong in one way each."""

import json
from typing import Any

import pytest

from checkout.edge.openapi import document
from checkout.kit.routes import Route
from tests.schema.alter import Request
from tests.schema.judge import Judge
from tests.schema.seeds import NO_BODY, Described

_DOCUMENT = document(
    [
        Route(
            "PUT",
            "/v1/things/{id}",
            None,  # type: ignore[arg-type]
            "Change a thing",
            request={"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
            response={"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
            problems=("stale_version", "invalid"),
        )
    ],
    title="things",
    version="1",
)
_REFUSAL = {
    "type": "/docs/errors#invalid",
    "title": "No",
    "status": 400,
    "detail": "size: no",
    "code": "invalid",
}
_NAMED = {"errors": [{"field": "size", "message": "no"}]}


def verdict(
    status: int, answer: Any, *, body: Any = NO_BODY, stale: bool = False, took_s: float = 0.1, kind: str = ""
) -> list[str]:
    """What the judge says of this answer."""
    request = Request(
        "PUT /v1/things/{id}",
        "PUT",
        "/v1/things/{id}",
        "/v1/things/1",
        [],
        {},
        b"",
        document=body,
        stale=stale,
    )
    usual = "application/problem+json" if status >= 400 else "application/json"
    return Judge(Described(_DOCUMENT)).wrong(
        request, status, {"content-type": kind or usual}, json.dumps(answer).encode(), answer, took_s
    )


def test_right_answers_are_right() -> None:
    """If this fails, the judge finds fault with everything, and nobody heeds it."""
    assert verdict(200, {"size": 1}, body={"size": 1}) == []
    assert verdict(400, _REFUSAL | _NAMED, body={"size": "x"}) == []


@pytest.mark.parametrize(
    ("status", "answer", "more", "said"),
    [
        (200, {"size": "large"}, {}, "not as described"),
        (200, {}, {}, "not as described"),
        (201, {"size": 1}, {}, "undocumented status"),
        (500, _REFUSAL | {"status": 500, "code": "internal"}, {}, "a bug"),
        (200, {"size": 1}, {"kind": "text/html"}, "undocumented content type"),
        (200, {"size": 1}, {"took_s": 5.1}, "longer than"),
        (200, {"size": 1}, {"stale": True}, "a version that is none"),
        (200, {"size": 1}, {"body": {"size": "x"}}, "forbids"),
        (400, _REFUSAL, {}, "no field is named"),
        (400, _REFUSAL | _NAMED | {"code": "out_of_stock"}, {}, "undocumented code"),
        (400, _REFUSAL | _NAMED | {"status": 404}, {}, "says that it is 404"),
        (400, {"error": "no"}, {}, "not as described"),
    ],
)
def test_wrong_answers_are_seen(status: int, answer: Any, more: dict[str, Any], said: str) -> None:
    """If this fails, ten thousand answers are held to nothing."""
    assert any(said in one for one in verdict(status, answer, **more))
