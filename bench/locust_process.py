"""One load process: `python -m bench.locust_process PLAN.json RESULT.json ORDERS.txt`.

Locust and gevent live here and in shoppers.py, and nowhere else.
"""
# mypy: disallow-untyped-calls=False
# (Locust and gevent annotate half of what they offer.)

import gevent.monkey

gevent.monkey.patch_all()

import itertools  # noqa: E402 - gevent must come first
import random  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import msgspec  # noqa: E402
from locust.env import Environment  # noqa: E402

from bench import recording  # noqa: E402
from bench.baskets import Baskets  # noqa: E402
from bench.fit import kept  # noqa: E402
from bench.plan import Plan  # noqa: E402
from bench.shoppers import USERS, Shopper  # noqa: E402

_STOP_S = 3


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Recorder:
    """Listens to Locust's requests."""

    def __init__(self, plan: Plan, environment: Environment) -> None:
        self.recorded = recording.empty()
        self.began = time.monotonic()
        self._steady_from = plan.ramp_s
        self._until = plan.ramp_s + plan.steady_s
        self._environment = environment
        environment.events.request.add_listener(self.saw)

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
        """Once a second, for ever."""
        while True:
            runner = self._environment.runner
            at = int(time.monotonic() - self.began)
            self.recorded.seconds[at].users = runner.user_count if runner else 0
            gevent.sleep(1)


def main() -> int:
    """Runs the plan to its end."""
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    _raise_file_limit()
    random.seed(plan.seed * 1000 + plan.number)
    Shopper.plan = plan
    Shopper.baskets = Baskets(plan.skus, kept(), plan.seed * 1000 + plan.number)
    Shopper.products = Baskets(plan.slugs, kept(), plan.seed * 1000 + plan.number)
    Shopper.orders = []
    Shopper.sold_out = itertools.count()
    environment = Environment(user_classes=USERS, host=plan.url, stop_timeout=_STOP_S)
    runner = environment.create_local_runner()
    recorder = Recorder(plan, environment)
    counting = gevent.spawn(recorder.count_users)
    runner.start(plan.users, spawn_rate=max(1.0, plan.users / plan.ramp_s))
    gevent.sleep(plan.ramp_s + plan.steady_s)
    counting.kill()
    runner.stop()
    recorder.recorded.steady_s = plan.steady_s
    recorder.recorded.sold_out = next(Shopper.sold_out)
    Path(sys.argv[3]).write_text("".join(f"{order_id}\n" for order_id in Shopper.orders))
    recording.write(recorder.recorded, Path(sys.argv[2]))
    runner.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
