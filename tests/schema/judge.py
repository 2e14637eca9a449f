"""What an answer must be, whatever was asked: documented, of its schema, in time, and no document for a body that misfits."""

import re
from typing import Any

import jsonschema_rs
import requests
import schemathesis
from schemathesis.core.failures import FailureGroup

from tests.schema.alter import Request
from tests.schema.seeds import NO_BODY, Described

ANSWERED_WITHIN_S = 5.0
_CODE = re.compile(r"`([a-z_]+)`")


class Judge:
    """Holds answers to the API's document."""

    def __init__(self, described: Described) -> None:
        self._operations = described.operations
        self._bodies: dict[str, Any] = {}
        components = {"components": described.document["components"]}
        for label, operation in self._operations.items():
            content = operation.definition.raw.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                schema = content["application/json"]["schema"] | components
                self._bodies[label] = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)

    def wrong(
        self,
        request: Request,
        status: int,
        headers: dict[str, str],
        answer: bytes,
        document: Any,
        took_s: float,
    ) -> list[str]:
        """What is wrong with this answer, each as a sentence. Shape: `document` is the answer decoded, if it is JSON."""
        operation = self._operations[request.label]
        responses = operation.definition.raw["responses"]
        found = [f"took longer than {ANSWERED_WITHIN_S:g} s"] if took_s > ANSWERED_WITHIN_S else []
        if status >= 500 and status != 503:
            found.append(f"a bug: {status}")
        if str(status) not in responses:
            return [*found, f"undocumented status {status}"]
        content = responses[str(status)].get("content", {})
        kind = headers.get("content-type", "").partition(";")[0]
        if content and kind not in content:
            found.append(f"undocumented content type {kind!r} of {status}")
        if not content and answer:
            found.append(f"{status} with a body")
        if status >= 400:
            found += _of_problem(status, document, responses[str(status)]["description"])
        elif request.stale:
            found.append("an edit of a version that is none was done")
        elif not self.fits(request):
            found.append(f"{status} to a body that the document forbids")
        if kind.endswith("json"):
            found += self._of_schema(operation, status, headers, answer)
        return found

    def fits(self, request: Request) -> bool:
        """Whether the document allows the body."""
        validator = self._bodies.get(request.label)
        if validator is None or request.document == NO_BODY:
            return True
        try:
            return bool(validator.is_valid(request.document))
        except (ValueError, TypeError):  # half a surrogate pair, or bytes
            return False

    def _of_schema(self, operation: Any, status: int, headers: dict[str, str], answer: bytes) -> list[str]:
        response = schemathesis.Response(
            status_code=status,
            headers={name: [value] for name, value in headers.items()},
            content=answer,
            request=requests.Request("GET", "http://shop").prepare(),
            elapsed=0.0,
            verify=False,
        )
        try:
            operation.validate_response(response)
        except FailureGroup as failures:
            return [
                f"{status} is not as described: {one.title}: {one.message}"[:600]
                for one in failures.exceptions
            ]
        except AssertionError as failure:
            return [f"{status} is not as described: {failure}"[:600]]
        return []


def _of_problem(status: int, document: Any, description: str) -> list[str]:
    if not isinstance(document, dict):
        return [f"{status} is no problem document"]
    found = []
    if document.get("status") != status:
        found.append(f"{status} says that it is {document.get('status')}")
    if document.get("code") not in _CODE.findall(description):
        found.append(f"{status} with the undocumented code {document.get('code')}")
    if document.get("code") == "invalid" and not document.get("errors"):
        found.append("invalid, and no field is named")
    return found
