"""The in-process tier: bounded by bytes and by number, found by key, dropped by tag.

**Guarantees** (held by tests/property/catalog_cache/test_memory.py):
- `bytes_held` never exceeds `max_bytes`, and the number of entries never `max_entries`.
- After `drop(tag)` no entry with that tag is left, and the tag index names exactly the tags of what is held.

Eviction is second chance: an entry that was read since it was last looked at stays one more round, so a sweep over
everything does not wash out what is popular.
"""

from catalog_cache.entry import Entry


class MemoryTier:
    """Key → Entry. Cost: a look-up is one dict access."""

    def __init__(self, *, max_bytes: int, max_entries: int) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.bytes_held = 0
        self.evicted = 0
        self.entries: dict[str, Entry] = {}
        # Most tags have one key, and a set takes 216 bytes.
        self._keys_of: dict[str, tuple[str] | set[str]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, key: str, entry: Entry) -> bool:
        """Keeps the entry, at the cost of the least used ones; False when it alone would not fit."""
        self.remove(key)
        if entry.size > self.max_bytes or self.max_entries < 1:
            return False
        while self.bytes_held + entry.size > self.max_bytes or len(self.entries) >= self.max_entries:
            self._evict()
        self.entries[key] = entry
        self.bytes_held += entry.size
        for tag in entry.tags:
            keys = self._keys_of.get(tag)
            if keys is None:
                self._keys_of[tag] = (key,)
            elif isinstance(keys, set):
                keys.add(key)
            else:
                self._keys_of[tag] = {*keys, key}
        return True

    def remove(self, key: str) -> None:
        """Forgets one entry, if it is there."""
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        self.bytes_held -= entry.size
        for tag in entry.tags:
            keys = self._keys_of.get(tag)
            if isinstance(keys, set):
                keys.discard(key)
            if not keys or keys == (key,):
                self._keys_of.pop(tag, None)

    def drop(self, tag: str) -> int:
        """Forgets every entry with this tag, and says how many there were."""
        keys = list(self._keys_of.get(tag, ()))
        for key in keys:
            self.remove(key)
        return len(keys)

    def clear(self) -> None:
        """Forgets everything."""
        self.entries.clear()
        self._keys_of.clear()
        self.bytes_held = 0

    def _evict(self) -> None:
        entries = self.entries
        while True:
            key = next(iter(entries))
            entry = entries[key]
            if not entry.used:
                self.remove(key)
                self.evicted += 1
                return
            entry.used = False
            del entries[key]
            entries[key] = entry
