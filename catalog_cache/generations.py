"""Says whether a load was overtaken by an invalidation of what it loaded.

**Guarantee** (held by tests/property/catalog_cache): a load that began before `touch(tag)` and carries that tag is
overtaken, whatever the order in which loads end.
"""

from collections.abc import Iterable


class Generations:
    """A counter of events; tags remember their last event while any load is under way."""

    def __init__(self) -> None:
        self._now = 0
        self._all = 0
        self._tags: dict[str, int] = {}
        self._loads = 0

    def begin(self) -> int:
        """A load starts; keep the number for `overtaken`, and call `end` once."""
        self._loads += 1
        return self._now

    def end(self) -> None:
        """A load ended; when it was the last, no tag needs to be remembered."""
        self._loads -= 1
        if not self._loads:
            self._tags.clear()

    def touch(self, tags: Iterable[str]) -> None:
        """What carries these tags has changed."""
        self._now += 1
        if self._loads:
            self._tags.update((tag, self._now) for tag in tags)

    def touch_all(self) -> None:
        """Everything has changed."""
        self._now = self._all = self._now + 1

    def overtaken(self, began: int, tags: Iterable[str] | None) -> bool:
        """Whether any of the tags (None: anything at all) changed since the load began."""
        if tags is None:
            return self._now > began
        return self._all > began or any(self._tags.get(tag, 0) > began for tag in tags)
