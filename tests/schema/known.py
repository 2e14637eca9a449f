"""What a caller of the shop may know: names that exist, learned from answers, and tokens that open them."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

# The name of a thing in its document, where that is not `id`.
_NAMES = {"roles": "name", "attributes": "name", "locations": "code", "coupons": "code"}
# The last word of a path before a parameter, and the kind of thing that the parameter names, where they differ.
_KINDS = {"lines": "skus", "variants": "skus", "stock": "skus", "{sku}": "currencies", "prices": "skus"}
_KEPT = 400


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that exists, or did. Shape: `token` is whose who made it, "" for nobody's."""

    name: str
    token: str = ""


@dataclass(slots=True)
class Known:
    """Things by kind, and the ETags that were last seen by path."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    cursors: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def add(self, kind: str, name: Any, token: str = "") -> None:
        """Remembers a thing; of many the oldest go."""
        if isinstance(name, str) and name:
            kept = self.things.setdefault(kind, [])
            kept.append(Thing(name, token))
            del kept[:-_KEPT]

    def pick(self, kind: str, random: Random, *, of: str = "") -> Thing | None:
        """One of a kind, sooner a new one; of SKUs sooner one of the product `of`, or one that stays on sale."""
        if kind == "sold" and random.random() < 0.4:
            kind = "skus"
        kept = self.things.get(f"skus of {of}") if kind == "skus" and of else None
        kept = kept or self.things.get(kind)
        if not kept:
            return None
        return random.choice(kept[-8:] if random.random() < 0.6 else kept)

    def learn(self, method: str, path: str, at: str, document: Any, etag: str | None, token: str) -> None:
        """From a good answer. Shape: `path` as described, `at` as asked."""
        if etag is not None:
            self.etags[at] = etag
        if not isinstance(document, dict):
            return
        if document.get("next_cursor"):
            self.cursors = [*self.cursors[-20:], document["next_cursor"]]
        if method == "POST":
            self._made(path, at, document, etag, token)

    def _made(self, path: str, at: str, document: dict[str, Any], etag: str | None, token: str) -> None:
        kind = path.rsplit("/", 1)[-1]
        name = document.get(_NAMES.get(kind, "id"))
        self.add(kind, name, token)
        if etag is not None and isinstance(name, str) and "{" not in path:
            self.etags[f"{at}/{name}"] = etag
        if path == "/v1/checkouts":
            self.add("orders", document["order"]["id"], document["access_token"])
        variants = document.get("variants")
        for variant in variants if isinstance(variants, list) else ():
            self.add("skus", variant.get("sku"), token)
            self.add(f"skus of {document.get('id')}", variant.get("sku"), token)
        if kind == "reorder":
            self.add("carts", document.get("cart_id"), token)
        for field_, kind_ in (("refresh_token", "refresh_tokens"), ("slug", "slugs"), ("email", "emails")):
            self.add(kind_, document.get(field_), token)

    def forget(self, at: str) -> None:
        """What was deleted: no more asked for, but for now and then."""
        name = at.rsplit("/", 1)[-1]
        for kept in self.things.values():
            if len(kept) > 4:
                kept[:] = [thing for thing in kept if thing.name != name]


def kind_of(path: str, parameter: str) -> str:
    """What kind of thing a path's parameter names."""
    if path.startswith("/v1/products/{id}/reviews"):
        return "bought"
    if path == "/v1/carts/{id}/lines/{sku}" and parameter == "sku":
        return "sold"
    if path == "/v1/carts/{id}/coupons/{code}" and parameter == "code":
        return "usable coupons"
    if path == "/v1/admin/products/{id}/variants/{sku}" and parameter == "id":
        return "families"
    if path == "/v1/orders/{id}/payments":
        return "unpaid"
    before = path.partition("{" + parameter + "}")[0].rstrip("/").rsplit("/", 1)[-1]
    return _KINDS.get(before, before)
