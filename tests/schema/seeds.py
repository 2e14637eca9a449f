"""What Schemathesis makes of the API's document: for each operation, some requests that fit it and some that do not."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_SETTINGS: dict[str, Any] = {
    "database": None,
    "deadline": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}
NO_BODY = "no body"
"""In place of a body, where there is none: null is a body."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A request that may be sent as it is, or be altered. Shape: `body` is a document, bytes, or NO_BODY."""

    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = NO_BODY


class Described:
    """The API as its document describes it: operations by `GET /path`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        schema = schemathesis.openapi.from_dict(document)
        listed = [found.ok() for found in schema.get_all_operations()]
        self.operations = {operation.label: operation for operation in listed}

    def seeds(self, *, rounds: int, number: int, processes: int = 2) -> dict[str, list[Seed]]:
        """Seeds of each operation. Shape: `rounds` of each mode for a body, fewer where there is none."""
        global _described  # noqa: PLW0603 - forked processes read it: an operation cannot be pickled
        _described = self
        wanted = [(label, rounds, number) for label in self.operations]
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            return dict(zip(self.operations, pool.map(_seeds_of, wanted), strict=True))


_described: Described | None = None


def _seeds_of(wanted: tuple[str, int, int]) -> list[Seed]:
    label, rounds, number = wanted
    assert _described is not None
    operation = _described.operations[label]
    if "requestBody" not in operation.definition.raw:
        rounds = max(2, rounds // 3) if operation.definition.raw.get("parameters") else 0
    return [found for mode in _MODES if rounds for found in _drawn(operation, mode, rounds, number)]


def _drawn(operation: Any, mode: GenerationMode, rounds: int, number: int) -> list[Seed]:
    found: list[Seed] = []

    @seed(number)
    @settings(max_examples=rounds, **_SETTINGS)
    @given(case=operation.as_strategy(generation_mode=mode))
    def draw(case: Any) -> None:
        found.append(
            Seed(
                dict(case.path_parameters),
                dict(case.query),
                {str(name): str(value) for name, value in dict(case.headers).items()},
                NO_BODY if case.body is NOT_SET else case.body,
            )
        )

    try:
        draw()
    except Unsatisfiable:
        return found  # any text is a path parameter: nothing misfits such an operation
    return found
