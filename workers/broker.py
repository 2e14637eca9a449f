"""The Dramatiq broker: Redis, async actors on uvloop, quick to notice a dead worker."""

import ctypes
import signal
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO, Middleware
from redis.backoff import NoBackoff
from redis.retry import Retry

from checkout.outbox.model import TOPICS

NAMESPACE = "dramatiq"
# A worker silent this long is dead: its messages go to others. Every command looks for such workers.
_HEARTBEAT_TIMEOUT_MS = 5_000
_MAINTENANCE_ALWAYS = 1_000_000
_BROKER_TIMEOUT_S = 5.0
_PR_SET_PDEATHSIG = 1
_RedisBroker: Any = RedisBroker  # its constructor has no types


class EndWithParent(Middleware):
    """A worker process does not outlive the process that started it."""

    def after_process_boot(self, broker: Any) -> None:
        """Asks the kernel for SIGTERM when the parent dies."""
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def queue_of(topic: str) -> str:
    """The queue of a topic: one each, so that what piles up in one does not stand before another."""
    return topic.replace(".", "-")


def actor_of(topic: str) -> str:
    """The actor's name of a topic."""
    return topic.replace(".", "_")


def make_broker(broker_url: str, *middleware: Middleware) -> RedisBroker:
    """The broker over this Redis, with a queue a topic, set as Dramatiq's own.

    Retries, result stores and metrics of Dramatiq's are left out: the outbox retries, the commit is the result.
    """
    client = redis.Redis(
        connection_pool=redis.ConnectionPool.from_url(
            broker_url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_BROKER_TIMEOUT_S,
            socket_connect_timeout=_BROKER_TIMEOUT_S,
        )
    )
    broker: RedisBroker = _RedisBroker(
        client=client,
        namespace=NAMESPACE,
        middleware=[EndWithParent(), AsyncIO(), *middleware],
        maintenance_chance=_MAINTENANCE_ALWAYS,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT_MS,
    )
    for topic in TOPICS:
        broker.declare_queue(queue_of(topic))
    dramatiq.set_broker(broker)
    return broker


def outstanding(broker: RedisBroker) -> dict[str, int]:
    """Messages of each topic that are queued or being worked. Raises: redis errors. Cost: one round trip."""
    pipeline = broker.client.pipeline(transaction=False)
    for topic in TOPICS:
        pipeline.hlen(f"{NAMESPACE}:{queue_of(topic)}.msgs")
    return dict(zip(TOPICS, pipeline.execute(), strict=True))
