"""The one layer around every handler: room, limit, deadline, request id, problems, headers, numbers.

It is composed per route when the route is registered, so that a request finds everything about its route already
bound: no look-up, no second coroutine, no aiohttp middleware.

Guarantees:
- Every answer, also aiohttp's own refusals, is either the handler's or a problem document with a documented code.
- What an unexpected exception says goes to the log under the request's id, never to the client.
- No request runs past its deadline; event streams have none, and a cap of their own.
- A request takes its place when its body is here: who dribbles one keeps nobody out.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

import structlog
from aiohttp import web
from multidict import istr

from checkout.edge import measured, problems
from checkout.edge.client import TOLL, WHO, Clients, request_id, route_of
from checkout.edge.dispatch import DISPATCH, Dispatch
from checkout.edge.metrics import METRICS, Counter, Metrics
from checkout.edge.refuse import REFUSALS, Refusals
from checkout.edge.stamp import ALWAYS, HSTS, Stamp
from checkout.errors import Limited, ShopError
from checkout.kit import body, turn
from checkout.kit.routes import Handler, Route
from config import limits
from ratelimit import headers as limit_headers
from ratelimit.gcra import Decision
from ratelimit.inflight import InFlight
from ratelimit.local import LocalLimiter
from ratelimit.policies import Policy
from ratelimit.shared import SharedLimiter
from ratelimit.toll import OverLimit, Toll

log = structlog.get_logger("checkout.edge")

STREAM = "text/event-stream"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_X_REQUEST_ID = istr("X-Request-Id")
Identify = Callable[[web.Request], str | None]


class Edge:
    """What all routes share.

    Shape: `policies` by name; `shared` counts what is not browsing; `identify` names a signed-in caller (an account
    id) for the limits of routes that need one; `processes` share the browse limit; `secure` adds HSTS.
    """

    def __init__(
        self,
        *,
        policies: Mapping[str, Policy],
        shared: SharedLimiter,
        metrics: Metrics,
        clients: Clients | None = None,
        identify: Identify | None = None,
        in_flight: InFlight | None = None,
        processes: int = 1,
        secure: bool = False,
        deadline_s: float = limits.REQUEST_DEADLINE_S,
        browse_deadline_s: float = limits.BROWSE_DEADLINE_S,
    ) -> None:
        self.policies = policies
        self.shared = shared
        self.metrics = metrics
        self.clients = clients or Clients()
        self.identify: Identify = identify or (lambda _request: None)
        self.in_flight = in_flight or InFlight()
        self.browse = LocalLimiter(policies["browse"].shared_by(processes)) if "browse" in policies else None
        self.always = {**ALWAYS, **(HSTS if secure else {})}
        self.deadline_s = deadline_s
        self.browse_deadline_s = browse_deadline_s
        self.running: dict[int, tuple[float, asyncio.Task[Any]]] = {}
        self.expired: set[int] = set()
        self.streams: set[asyncio.Task[Any] | None] = set()
        self._next_id = count(1)
        self._id_prefix = secrets.token_hex(4)
        self._keeper: asyncio.Task[None] | None = None
        self._watch()

    # -- routes

    def register(self, app: web.Application, routes: Iterable[Route]) -> None:
        """Adds these routes to the application, and answers for every other path.

        Raises: ValueError when two routes have one method and path, or a policy is not known.
        """
        seen: set[tuple[str, str]] = set()
        dispatch = Dispatch(app)
        refusals = Refusals(self.in_flight, self.metrics, dispatch.handler_of, id_prefix=self._id_prefix)
        for route in routes:
            if (route.method, route.path) in seen:
                raise ValueError(f"{route.method} {route.path} is registered twice")
            seen.add((route.method, route.path))
            if route.policy is not None and route.policy not in self.policies:
                raise ValueError(f"{route.method} {route.path}: no policy {route.policy!r}")
            self._add(app, dispatch, refusals, route)
        rest = Route("*", "/{path:.*}", _unmatched, "Everything else", policy="browse")
        self._add(app, dispatch, refusals, rest, name="unmatched")
        app[DISPATCH] = dispatch
        app[REFUSALS] = refusals
        app[METRICS] = self.metrics
        app.on_startup.append(self._start)
        refusals.lookout.work_in(app)
        app.on_shutdown.append(self._end_streams)
        app.on_cleanup.append(self._stop)

    def _add(
        self,
        app: web.Application,
        dispatch: Dispatch,
        refusals: Refusals,
        route: Route,
        name: str | None = None,
    ) -> None:
        composed = self._stream(route) if route.content_type == STREAM else self._compose(route, refusals)
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            added = app.router.add_route(method, route.path, composed, expect_handler=_expect, name=name)
            dispatch.add(added, method, route.path, composed)

    def _compose(self, route: Route, refusals: Refusals) -> Handler:  # noqa: PLR0915 - binds once, so that requests need not
        along, priority = route.limited_along, route.priority
        handler = route.handler
        in_flight, metrics, running = self.in_flight, self.metrics, self.running
        local = self.browse if route.policy == "browse" else None
        named = self.policies.get(route.policy or "")
        policy = None if route.policy == "browse" else named
        whole = route.transfer_s is None
        deadline_s = route.transfer_s or (self.browse_deadline_s if priority == 0 else self.deadline_s)
        healthy = route.policy != "login"
        label = "unmatched" if route.path == "/{path:.*}" else route.path
        label = f"{route.method} {label}"
        seconds = metrics.histogram(measured.SECONDS, (label,))
        statuses: dict[int, Counter] = {}
        clients, next_id, prefix, clock = self.clients.of, self._next_id, self._id_prefix, time.perf_counter
        count_here = local.count if local is not None else None
        stamp = Stamp(self.always, named)
        enter, leave, observe, loop_of = (
            in_flight.enter,
            in_flight.leave,
            seconds.observe,
            asyncio.get_running_loop,
        )
        current_task, breathe = asyncio.current_task, turn.breathe

        async def composed(  # noqa: PLR0912 - a call less for each request
            request: web.Request,
        ) -> web.StreamResponse:
            began = clock()
            token = next(next_id)
            given = request.headers.get(_X_REQUEST_ID)
            if given is None or _ID.fullmatch(given) is None:
                given = f"{prefix}-{token:x}"
            response: web.StreamResponse
            decision: tuple[bool, int, int, int] | None = None
            toll: Toll | None = None
            if whole and not request.content.is_eof():
                await body.arrive(request)
                began = clock()
            if not enter(priority):
                response = self._shed(route)
                ended = began
            else:
                running[token] = (began + deadline_s, current_task(loop_of()))  # type: ignore[assignment]
                try:
                    client = clients(request)
                    request[WHO] = (given, client)
                    if count_here is not None:
                        decision = count_here(client)
                        if not decision[0]:
                            raise OverLimit(Decision(*decision))
                    elif policy is not None:
                        request[TOLL] = toll = Toll(self.shared, policy, self.identify(request) or client)
                        if not along:
                            await toll.pay()
                    breathe()
                    response = await handler(request)
                except OverLimit as over:
                    response = self._limited(route.policy or "", over.decision.retry_ms)
                except BaseException as error:
                    if toll is not None and toll.due and isinstance(error, Exception):
                        response = await self._counted(route, request, error, token, toll)
                    else:
                        response = self._problem(request, error, token)
                finally:
                    del running[token]
                    ended = clock()
                    leave(ended - began, healthy)
            stamp(response, given, decision if toll is None else toll.decision)
            status = response.status
            number = statuses.get(status)
            if number is None:
                number = statuses[status] = metrics.counter(measured.REQUESTS, (label, str(status)))
            number.value += 1
            observe(ended - began)
            breathe()
            return response

        refusals.learn(composed, priority, label, stamp.lines)
        return composed

    def _stream(self, route: Route) -> Handler:
        """Event streams: no deadline, no place in the room, a cap of their own; the limit is the route's."""
        label = f"{route.method} {route.path}"
        policy = self.policies[route.policy] if route.policy else None

        async def composed(request: web.Request) -> web.StreamResponse:
            token = next(self._next_id)
            client = self.clients.of(request)
            request[WHO] = (f"{self._id_prefix}-{token:x}", client)
            task = asyncio.current_task()
            self.streams.add(task)
            try:
                if len(self.streams) > limits.STREAMS_MAX:
                    response: web.StreamResponse = self._shed(route)
                elif policy is not None and not (found := await self._take(policy, client)).allowed:
                    response = self._limited(policy.name, found.retry_ms)
                else:
                    response = await route.handler(request)
            except BaseException as error:
                response = self._problem(request, error, token)
            finally:
                self.streams.discard(task)
            if not response.prepared:
                response.headers.update(stream_headers(request))
            self.metrics.counter(measured.REQUESTS, (label, str(response.status))).inc()
            return response

        return composed

    async def _take(self, policy: Policy, client: str) -> Decision:
        local = self.browse
        if local is not None and policy.name == "browse":
            return local.take(client)
        return await self.shared.take(policy, client)

    # -- refusals

    def _shed(self, route: Route) -> web.Response:
        self.metrics.counter(measured.SHED, (str(route.priority),)).inc()
        return self._answer(problems.overloaded(limit_headers.jittered_ms()))

    def _limited(self, policy: str, retry_ms: int) -> web.Response:
        self.metrics.counter(measured.LIMITED, (policy,)).inc()
        return self._answer(
            Limited(f"The limit of the policy {policy!r} is used up.", retry_after_ms=retry_ms)
        )

    def _answer(self, error: ShopError, headers: Mapping[str, str] | None = None) -> web.Response:
        self.metrics.counter(measured.PROBLEMS, (error.code,)).inc()
        return problems.response(error, headers)

    async def _counted(
        self, route: Route, request: web.Request, error: Exception, token: int, toll: Toll
    ) -> web.StreamResponse:
        """The answer for what failed before any call could count it: it is counted as well."""
        try:
            await toll.pay()
        except OverLimit as over:
            return self._limited(route.policy or "", over.decision.retry_ms)
        return self._problem(request, error, token)

    def _problem(self, request: web.Request, error: BaseException, token: int) -> web.StreamResponse:
        """The answer for what a handler raised; what is not a request's failure is raised again."""
        if isinstance(error, ShopError):
            if error.status >= 500:
                log.warning(
                    "unavailable", request_id=request_id(request), code=error.code, route=route_of(request)
                )
            return self._answer(error, getattr(error, "headers", None))
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if token in self.expired and task is not None:
                self.expired.discard(token)
                task.uncancel()
                return self._answer(
                    problems.DeadlineExceeded(
                        "The request was not finished in time; repeat a write with the same Idempotency-Key.",
                        retry_after_ms=limit_headers.jittered_ms(),
                    )
                )
            raise error
        if isinstance(error, web.HTTPException):
            if error.status < 400:
                raise error
            allow = error.headers.get("Allow")
            return self._answer(problems.of_http(error), {"Allow": allow} if allow else None)
        if isinstance(error, web.RequestPayloadError):
            return self._closing(self._answer(problems.malformed()))
        if request.transport is None and isinstance(error, OSError):
            return web.Response(status=499)  # nobody is there to read it; counted under this status
        if not isinstance(error, Exception):
            raise error
        log.error("unexpected", request_id=request_id(request), method=request.method, route=route_of(request),
                  exc_info=error)  # fmt: skip
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; it cannot become another one")
        return self._answer(problems.Internal("It is logged under the request id of this answer."))

    @staticmethod
    def _closing(response: web.Response) -> web.Response:
        response.force_close()
        return response

    # -- the keeper: deadlines, room, numbers

    async def _start(self, _app: web.Application) -> None:
        self._keeper = asyncio.create_task(self._keep(), name="edge-keeper")

    async def _end_streams(self, _app: web.Application) -> None:
        for task in self.streams:
            if task is not None:
                task.cancel()

    async def _stop(self, _app: web.Application) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self.metrics.flush()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        pause_s, flushed = 0.25, 0.0
        lag = self.metrics.gauge(measured.LOOP_LAG)
        while True:
            wanted = loop.time() + pause_s
            await asyncio.sleep(pause_s)
            late_s = loop.time() - wanted
            lag.set(round(late_s, 6))
            self.in_flight.adapt(late_s)
            self.expire(time.perf_counter())
            if wanted - flushed >= 1.0:
                flushed = wanted
                await asyncio.to_thread(self.metrics.flush)

    def expire(self, now: float) -> None:
        """Cancels what runs past its deadline; the layer then answers 503."""
        for token, (deadline, task) in self.running.items():
            if deadline < now and token not in self.expired:
                self.expired.add(token)
                task.cancel()
        self.expired &= self.running.keys()

    def _watch(self) -> None:
        metrics = self.metrics
        in_flight, room = metrics.gauge(measured.IN_FLIGHT), metrics.gauge(measured.ROOM)
        streams, fell_back = metrics.gauge(measured.STREAMS), metrics.counter(measured.FELL_BACK)

        def prepare() -> None:
            in_flight.set(self.in_flight.count)
            room.set(self.in_flight.limit)
            streams.set(len(self.streams))
            fell_back.value = self.shared.fell_back

        metrics.before_flush.append(prepare)


def stream_headers(request: web.Request) -> dict[str, str]:
    """What an event stream's handler puts into its header before it begins to write."""
    return {
        "X-Request-Id": request_id(request),
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        **ALWAYS,
    }


async def _expect(request: web.Request) -> web.StreamResponse | None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None
    return problems.response(problems.of_http(web.HTTPExpectationFailed()), ALWAYS)


async def _unmatched(request: web.Request) -> web.StreamResponse:
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            _, methods = await resource.resolve(request)
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    raise web.HTTPNotFound
