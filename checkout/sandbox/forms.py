"""Stripe's request bodies: forms whose names nest with brackets."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl

Pairs = list[tuple[str, str]]
_DEPTH_MAX = 6


class BadForm(Exception):
    """The form cannot be read; `name` is the parameter."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def read_pairs(text: str) -> Pairs:
    """Names and values in order. Raises: BadForm beyond 200 fields."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise BadForm("body") from error


def nest(pairs: Pairs) -> dict[str, Any]:
    """`a[b][c]=1` becomes `{"a": {"b": {"c": "1"}}}`; `a[]=1` and `a[0]=1` become a list. All values stay text.

    Raises: BadForm for brackets that do not match, or that contradict each other.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        if "[" not in name:
            tree[name] = value
            continue
        head, *rest = name.split("[")
        if not head or len(rest) > _DEPTH_MAX or any(not part.endswith("]") for part in rest):
            raise BadForm(name)
        path = [head, *(part[:-1] for part in rest)]
        node = tree
        for part in path[:-1]:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise BadForm(name)
            node = child
        node[path[-1] or str(len(node))] = value
    return {name: _listed(value) for name, value in tree.items()}


def fingerprint(method: str, path: str, pairs: Pairs) -> bytes:
    """What makes two requests the same: method, path and parameters, in any order."""
    digest = hashlib.blake2b(f"{method} {path}\n".encode(), digest_size=16)
    for name, value in sorted(pairs):
        digest.update(f"{name}={value}\n".encode())
    return digest.digest()


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}
