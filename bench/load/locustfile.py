"""Locust's entry: `locust -f bench/load/locustfile.py --host URL`, with or without `--processes N`, `--master`, `--worker`.

Without `--plan` it asks the shop what it sells, and Locust's own page shows the figures. With `--plan FILE --out FOLDER`, as
the scenarios start it, each process that has users leaves in FOLDER what it saw. Locust and gevent live here and in
shoppers.py, and nowhere else.
"""
# mypy: disallow-untyped-calls=False
# (Locust and gevent annotate half of what they offer.)

import gc
import itertools
import os
import random
import time
import urllib.request
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from bench.load import recording
from bench.load.baskets import Baskets
from bench.load.fit import kept
from bench.load.open_files import raise_file_limit
from bench.load.plan import Plan
from bench.load.shoppers import CartShopper, ExpressShopper, Shopper, Visitor

__all__ = ["CartShopper", "ExpressShopper", "Visitor"]
_LISTED_PAGES = 5
_LOOK_S = 0.2
# By Python's own, a fifth of a load process's time went into looking through its shoppers for garbage.
_GC = (50_000, 20, 100)


class Recorder:
    """Listens to Locust's requests, and writes what it saw."""

    def __init__(self, plan: Plan, environment: Environment) -> None:
        self.recorded = recording.empty()
        self.began = time.monotonic()
        self._plan = plan
        self._steady_from = plan.ramp_s
        self._until = plan.ramp_s + plan.steady_s
        self._environment = environment
        gevent.spawn(self.count_users)

    def saw(
        self, *, name: str, response_time: float, exception: BaseException | None = None, **_: Any
    ) -> None:
        """One answer, or the lack of one."""
        elapsed_s = time.monotonic() - self.began
        at = int(elapsed_s)
        recorded, us = self.recorded, response_time * 1000
        second = recorded.seconds[at]
        second.requests += 1
        recorded.latencies[at].add(us)
        if exception is not None:
            second.errors += 1
            recorded.errors[name][str(exception)[:200]] += 1
        elif name.startswith("checkout"):
            second.orders += 1
        if self._steady_from <= elapsed_s <= self._until:
            recorded.names[name].add(us)

    def count_users(self) -> None:
        """A few times a second, until the plan is over; how late it comes to that is how late this process is with all."""
        while (asleep := time.monotonic()) - self.began < self._until:
            runner = self._environment.runner
            self.recorded.seconds[int(asleep - self.began)].users = runner.user_count if runner else 0
            gevent.sleep(_LOOK_S)
            if asleep - self.began >= self._steady_from:
                self.recorded.late.add((time.monotonic() - asleep - _LOOK_S) * 1e6)

    def write(self, folder: Path) -> None:
        """Leaves it for the process that adds up."""
        self.recorded.steady_s = self._plan.steady_s
        self.recorded.sold_out = next(Shopper.sold_out)
        name = str(os.getpid())
        (folder / f"orders-{name}.txt").write_text("".join(f"{order_id}\n" for order_id in Shopper.orders))
        recording.write(self.recorded, folder / f"result-{name}.json")


def sold_at(url: str) -> tuple[list[str], list[str]]:
    """SKUs and slugs of a shop, by its own listing."""
    skus: list[str] = []
    slugs: list[str] = []
    cursor = ""
    for _ in range(_LISTED_PAGES):
        after = f"&cursor={cursor}" if cursor else ""
        with urllib.request.urlopen(f"{url}/v1/products?limit=100{after}") as response:
            page = msgspec.json.decode(response.read())
        slugs += [product["slug"] for product in page["items"]]
        skus += [sku for product in page["items"] for sku in product.get("skus", ())]
        cursor = page.get("next_cursor") or ""
        if not cursor:
            break
    return skus, slugs


_recorders: list[Recorder] = []


def prepare(environment: Environment, **_: Any) -> None:
    """Before the first user of this process: what there is to buy, who listens, and when it ends."""
    options: Any = environment.parsed_options
    plan = msgspec.json.decode(Path(options.plan).read_bytes(), type=Plan) if options.plan else None
    if plan is not None and not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(end, environment, plan.ramp_s + plan.steady_s)
    if isinstance(environment.runner, MasterRunner):
        return
    raise_file_limit()
    gc.set_threshold(*_GC)
    if plan is None:
        plan = Plan(environment.host or "", 0, 0.0, 1e9, *sold_at(environment.host or ""))
    seed = plan.seed * 1_000_003 + (os.getpid() if isinstance(environment.runner, WorkerRunner) else 0)
    random.seed(seed)
    Shopper.plan = plan
    Shopper.baskets = Baskets(plan.skus, kept(), seed)
    Shopper.products = Baskets(plan.slugs, kept(), seed)
    Shopper.orders = []
    Shopper.sold_out = itertools.count()
    if options.out:
        recorder = Recorder(plan, environment)
        _recorders.append(recorder)
        environment.events.request.add_listener(recorder.saw)


def end(environment: Environment, after_s: float) -> None:
    """Ends the run by the clock. Locust's own --run-time counts from what its event loop last took for now."""
    until = time.monotonic() + after_s
    while (left := until - time.monotonic()) > 0:
        gevent.sleep(min(left, 0.2))
    if environment.runner is not None:
        environment.runner.quit()


def write(environment: Environment, **_: Any) -> None:
    """When this process ends: what it saw."""
    for recorder in _recorders:
        options: Any = environment.parsed_options
        recorder.write(Path(options.out))


def add_options(parser: Any) -> None:
    """Options of ours beside Locust's own."""
    parser.add_argument("--plan", default="", include_in_web_ui=False, help="what to do, as JSON")
    parser.add_argument("--out", default="", include_in_web_ui=False, help="where to leave what was seen")


events.init_command_line_parser.add_listener(add_options)
events.test_start.add_listener(prepare)
events.quitting.add_listener(write)
