"""The process that asks: `python -m tests.schema.drive ORDER REPORT`. It has a processor to itself, and so has the shop.

ORDER is a JSON file: `url`, `cases`, `seed`, `rounds`, `callers` (lists of tokens by kind), `expendable` (tokens of
accounts that nobody misses), `things` (names by kind), `signs` (what webhooks are signed with) and `unreached` (operations
that cannot be answered well). REPORT is written as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from yarl import URL

from tests.schema.alter import Request, Shaper
from tests.schema.judge import ANSWERED_WITHIN_S, Judge
from tests.schema.known import Known
from tests.schema.seeds import Described, Seed

_AT_ONCE = 8
_PATIENCE_S = 30.0
_SHOWN = 3
_MORE = 150
# What ends the caller's own session or account: asked by accounts that nobody misses.
_ENDS = {
    "DELETE /v1/sessions", "DELETE /v1/sessions/current", "DELETE /v1/me", "POST /v1/me/password", "POST /v1/me/totp",
    "POST /v1/me/totp/confirm", "DELETE /v1/me/totp",
}  # fmt: skip
# A password is hashed, slow on purpose, or the shop proves itself: asked less often.
_SLOW = {
    "POST /v1/sessions", "POST /v1/accounts", "POST /v1/password-resets/confirm", "POST /v1/me/password", "DELETE /v1/me",
    "POST /v1/me/totp", "DELETE /v1/me/totp", "GET /v1/admin/invariants", "GET /v1/orders/{id}/events", "GET /openapi.json",
}  # fmt: skip


class Driver:
    """Asks the shop what the order says, and keeps what was wrong."""

    def __init__(self, order: dict[str, Any], described: Described, seeds: dict[str, list[Seed]]) -> None:
        self.order, self.seeds, self.judge = order, seeds, Judge(described)
        self.operations = {label: one.definition.raw for label, one in described.operations.items()}
        self.random = Random(order["seed"])
        self.known = Known()
        for kind, names in order["things"].items():
            for name in names:
                self.known.add(kind, *([name] if isinstance(name, str) else name))
        examples = {
            label: media["examples"]["works"]["value"]
            for label, raw in self.operations.items()
            for media in raw.get("requestBody", {}).get("content", {}).values()
            if "examples" in media
        }
        self.shaper = Shaper(self.known, examples, self.random, signs=order["signs"])
        self.statuses: dict[str, Counter[int]] = {label: Counter() for label in self.operations}
        self.wrong: dict[str, list[dict[str, Any]]] = {}
        self.refused: dict[str, str] = {}
        self.asked = self.shed = 0

    async def run(self) -> None:
        """All cases, several at once."""
        labels = list(self.operations)
        weights = [_weight(label, self.operations[label]) for label in labels]
        # Everything once in order of its path, so that nothing is left out, and then by chance.
        queue = sorted(labels, key=lambda label: (label.startswith("DELETE"), label.count("/"), label))
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        connector = aiohttp.TCPConnector(limit=_AT_ONCE)
        async with aiohttp.ClientSession(
            timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        ) as client:

            async def worker() -> None:
                while self.asked < self.order["cases"]:
                    self.asked += 1
                    label = queue.pop(0) if queue else self.random.choices(labels, weights)[0]
                    await self._ask(client, label)

            await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
            for label in labels:
                await self._insist(client, label)

    async def _insist(self, client: aiohttp.ClientSession, label: str) -> None:
        """What was never answered well is asked some more: chance alone must not decide what a run has tried."""
        maker = f"POST {label.split(' ')[1].partition('/{')[0]}"
        for n in range(_MORE):
            if any(status < 300 for status in self.statuses[label]) or label in self.order["unreached"]:
                return
            self.asked += 1
            await self._ask(client, maker if n % 3 == 0 and maker in self.operations else label)

    def _sign(self, request: Request) -> None:
        """Says who asks: whose the thing is, or anybody."""
        callers = self.order["callers"]
        if request.label in _ENDS:
            request.caller, token = "expendable", self.random.choice(self.order["expendable"])
        elif request.token and self.random.random() < 0.6:
            request.caller, token = "its maker", request.token
        else:
            admin = self.random.random() < 0.45
            request.caller = "admin" if admin else self.random.choice(list(callers))
            token = self.random.choice(callers[request.caller])
        request.token = token
        if token:
            request.headers["Authorization"] = f"Bearer {token}"

    async def _ask(self, client: aiohttp.ClientSession, label: str) -> None:
        request = self.shaper.shape(label, self.operations[label], self.seeds[label])
        self._sign(request)
        query = "&".join(
            f"{URL.build(query={name: value}).raw_query_string}" for name, value in request.query
        )
        url = URL(self.order["url"] + request.at + (f"?{query}" if query else ""), encoded=True)
        until, slow = time.monotonic() + _PATIENCE_S, False
        while True:
            began = time.monotonic()
            try:
                async with client.request(
                    request.method, url, headers=request.headers, data=request.body, allow_redirects=False
                ) as response:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    stream = headers.get("content-type", "").startswith("text/event-stream")
                    answer = await (response.content.readany() if stream else response.read())
                    status = response.status
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self._note(request, f"no answer: {type(error).__name__}", 0, str(error))
                return
            took_s = time.monotonic() - began
            document = _decoded(headers, answer)
            if took_s > ANSWERED_WITHIN_S and not slow:
                slow = True  # a machine may stand still once; what waits for something else waits again
                continue
            if not _is_shed(status, document) or time.monotonic() > until:
                break
            self.shed += 1
            await asyncio.sleep(0.1)
        self.statuses[label][status] += 1
        if status >= 400 and (request.plain or request.body is None) and status not in (401, 403):
            self.refused[label] = f"{(request.body or b'')[:300]!r} {answer[:400]!r}"
        for reason in self.judge.wrong(request, status, headers, answer, document, took_s):
            self._note(request, reason, status, answer[:600].decode("utf-8", "replace"))
        if status < 300:
            self.known.learn(
                request.method, request.path, request.at, document, headers.get("etag"), request.token
            )
            if request.method == "DELETE" and self.random.random() < 0.8:
                self.known.forget(request.at)

    def _note(self, request: Request, reason: str, status: int, answer: str) -> None:
        kept = self.wrong.setdefault(f"{request.label}: {reason}", [])
        headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
        body = (request.body or b"")[:1500].decode("utf-8", "replace")
        if len(kept) < _SHOWN:
            kept.append({
                "at": request.at, "query": request.query, "caller": request.caller, "headers": headers, "body": body,
                "status": status, "answer": answer,
            })  # fmt: skip

    def report(self) -> dict[str, Any]:
        """What was asked and what was wrong."""
        statuses = {
            label: {str(status): n for status, n in found.items()} for label, found in self.statuses.items()
        }
        told = {"statuses": statuses, "refused": self.refused, "wrong": self.wrong}
        return {"asked": self.asked, "shed": self.shed} | told


def _weight(label: str, operation: dict[str, Any]) -> float:
    if label in _SLOW:
        return 0.25
    if label.startswith("DELETE"):
        return 0.5
    return 2.0 if "requestBody" in operation else 1.0 if operation.get("parameters") else 0.25


def _is_shed(status: int, document: Any) -> bool:
    return (
        status == 503
        and isinstance(document, dict)
        and document.get("code") in ("overloaded", "audit_running")
    )


def _decoded(headers: dict[str, str], answer: bytes) -> Any:
    if "json" not in headers.get("content-type", ""):
        return None
    try:
        return json.loads(answer)
    except ValueError:
        return None


async def _fetched(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as client, client.get(url + "/openapi.json") as response:
        found: dict[str, Any] = await response.json()
        return found


def main(order_file: str, report_file: str) -> None:
    """Carries out the order."""
    order = json.loads(Path(order_file).read_text())
    began = time.monotonic()
    described = Described(asyncio.run(_fetched(order["url"])))
    seeds = described.seeds(rounds=order["rounds"], number=order["seed"])
    seeded_s = time.monotonic() - began
    driver = Driver(order, described, seeds)
    asyncio.run(driver.run())
    times = {"seeded_s": round(seeded_s, 1), "took_s": round(time.monotonic() - began, 1)}
    counts = {"seeds": sum(len(found) for found in seeds.values())}
    Path(report_file).write_text(json.dumps(driver.report() | times | counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
