"""A process's numbers, while they are read."""

import threading

from checkout.edge.metrics import Described, Metrics

SEEN = Described("seen_total", "counter", "What was seen.", ("what",))


def test_numbers_are_read_while_others_are_made() -> None:
    """If this fails, a scrape that comes just when a route is used for the first time is answered with a 500."""
    metrics, failed, done = Metrics(), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                metrics.snapshot()
            except RuntimeError as error:
                failed.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(5000):
        metrics.counter(SEEN, (str(number),)).inc()
    done.set()
    for reader in readers:
        reader.join()
    assert failed == []
    assert len(metrics.snapshot()["series"]) == 5000
