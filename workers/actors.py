"""The actors: one a topic, thin. Each gets row ids and hands them to the topic's verb, many at once under a bound."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from checkout.outbox.model import TOPICS, Row, Topic
from checkout.outbox.store import OutboxStore
from checkout.outbox.work import Verb, work_all
from workers.broker import actor_of, queue_of

WireRow = tuple[int, str, int]
"""(row id, subject id, attempt) as a message carries it."""


@dataclass(frozen=True, slots=True)
class Crew:
    """What the actors of one process work with, made once on its event loop."""

    verbs: Mapping[str, Verb]
    outbox: OutboxStore


def pack(rows: Sequence[Row]) -> list[WireRow]:
    """Rows for a message."""
    return [(row.id, str(row.subject_id), row.attempt) for row in rows]


def unpack(rows: Sequence[WireRow]) -> list[Row]:
    """Rows of a message."""
    return [Row(row_id, uuid.UUID(subject), attempt) for row_id, subject, attempt in rows]


def declare(broker: RedisBroker, crew: Callable[[], Crew]) -> None:
    """Declares every topic's actor; `crew` is asked when a message comes."""
    for topic in TOPICS.values():
        _declare(broker, topic, crew)


def _declare(broker: RedisBroker, topic: Topic, crew: Callable[[], Crew]) -> None:
    async def actor(rows: list[WireRow]) -> None:
        at_hand = crew()
        await work_all(topic, unpack(rows), at_hand.verbs[topic.name], at_hand.outbox)

    dramatiq.actor(broker=broker, actor_name=actor_of(topic.name), queue_name=queue_of(topic.name))(actor)
