"""Requests out of seeds: existing names put in, values that break things, versions that are right or old."""

import copy
import hmac
import json
import time
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from tests.schema.known import Known, kind_of
from tests.schema.seeds import NO_BODY, Seed

NEVER = '"999999999"'
"""A version that no document has: an edit that names it must be refused."""
_HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63) - 1, 10**40, 1.5, 1e308, "", " ", "\0", "a\0b", "\ud800",
    "\u202e\u0000", "x" * 300, "x" * 70_000, "é" * 40, "💶", "' OR 1=1 --", "%00", "../../etc/passwd", "<script>", "{{7*7}}",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00+23:59",
    "2030-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00", [], {}, [None], {"": ""}, {"\0": 1}, [[]] * 50, "EUR", "DE",
    "XXX", "00000000-0000-0000-0000-000000000000", "not-a-uuid", "Infinity", "NaN", "-0", "\n", "a\n", "\x85", "\u2028",
)  # fmt: skip
_HOSTILE_TEXTS: tuple[str, ...] = (
    *(value for value in _HOSTILE if isinstance(value, str) and len(value) < 5000), "18446744073709551616", "-1", "0", "1e9", "W3sib25lIjoxfV0=", "WyIwIl0=", "WzFd", "W10=", "null", "a" * 2000,
)  # fmt: skip
_QUERY: dict[str, tuple[str, ...]] = {
    "limit": ("1", "2", "20", "100", "101", "0", "-1", "", "1e2", "٣", "99999999999999999999"),
    "status": ("draft", "published", "archived", "placed", "cancelled", "pending", "active", "scheduled", "lost"),
    "q": ("tee", "mug", "te", "bl mug", "%", "_", "\\", "a:* & !b", "'", "tee black m", "0", "ＴＥＥ", "tée", "(((", "mugg"),
    "category": ("tees", "mugs", "nothing"),
    "tag": ("new", "sale", "nothing"),
    "attr.NAME": ("black", "M"),
    "sort": ("newest", "price", "-price", "relevance", "rating", "title", "price_asc", "price_desc", "up"),
    "currency": ("EUR", "USD", "eur", "XTS"),
    "price_min": ("0", "1000", "-1", "9223372036854775808"), "price_max": ("0", "5000", "x", "9223372036854775807"),
    "sku": ("MUG-CLASSIC", "tee-black-m", "TEE", "%"),
    "barcode": ("4006381333931", "96385074", "1"),
    "low": ("true", "false", "1", "maybe"),
    "location": ("main", "attic", "nowhere"),
    "from": ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "never"),
    "to": ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00", "1970-01-01T00:00:00Z"),
    "role": ("admin", "vendor", "customer", "nobody"),
    "email": ("a", "ada@example.com", "%", "@"),
    "number": ("1", "1000001", "9223372036854775808", "x"),
    "action": ("product.create", "order.cancel", "x"), "subject": ("product:1", "x"),
    "actor": ("00000000-0000-0000-0000-000000000000", "x"),
    "format": ("own", "shopify", "xml"), "dry_run": ("true", "false", "perhaps"),
}  # fmt: skip
# Fields that name what exists, by the kind of thing.
_FIELDS = {
    "sku": "skus", "cart_id": "carts", "location": "locations", "from": "locations", "to": "locations", "parent": "slugs",
    "category": "slugs", "role": "roles", "refresh_token": "refresh_tokens", "token": "links", "password": "passwords",
    "current_password": "passwords", "owner_id": "users", "owner": "users", "coupons": "coupons",
}  # fmt: skip
_SIGN_IN = ("POST /v1/sessions", "POST /v1/password-resets")
# What must be new each time, by operation: whoever creates would else meet only what is there.
_NEW = {
    "POST /v1/admin/products": ("slug", "sku", "title"), "PUT /v1/admin/products/{id}": ("slug", "sku"),
    "POST /v1/admin/products/{id}/variants": ("sku",), "POST /v1/admin/categories": ("slug",),
    "POST /v1/admin/attributes": ("name",), "POST /v1/admin/locations": ("code",), "POST /v1/admin/coupons": ("code",),
    "POST /v1/admin/shipping-zones": ("countries",), "POST /v1/admin/tax-rates": ("country",),
    "POST /v1/admin/users": ("email",), "POST /v1/admin/roles": ("name",), "POST /v1/accounts": ("email",),
}  # fmt: skip
_COUNTRIES = (
    "IS",
    "NO",
    "SE",
    "DK",
    "FI",
    "PL",
    "CZ",
    "AT",
    "CH",
    "IT",
    "ES",
    "PT",
    "IE",
    "NL",
    "BE",
    "LU",
    "GR",
    "HU",
    "RO",
)
_RAW = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"a":1,"a":2}',
    b"\xff\xfe",
    b"[" * 5000,
    b'{"a":NaN}',
    b'"\\ud800"',
    b"{}" + b" " * 70_000,
)
_KINDS_OF_BODY = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "x",
)


@dataclass(slots=True)
class Request:
    """What goes over the wire. Shape: `path` as described, `at` as sent; `token` opens what is named; `stale`: must
    be refused; `plain`: the body is the example, with other names in it."""

    label: str
    method: str
    path: str
    at: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes | None
    document: Any = NO_BODY
    token: str = ""
    caller: str = "nobody"
    stale: bool = False
    plain: bool = False


class Shaper:
    """Makes requests, by its own random numbers."""

    def __init__(self, known: Known, examples: dict[str, Any], random: Random, *, signs: str) -> None:
        self.known, self.examples, self.random, self._signs = known, examples, random, signs.encode()
        self._made = 0

    def shape(self, label: str, operation: dict[str, Any], seeds: list[Seed]) -> Request:
        """A request to this operation. Shape: `operation` as described; `token` is what an existing name asks for."""
        random = self.random
        method, path = label.split(" ", 1)
        seed = random.choice(seeds) if seeds else Seed()
        request = Request(label, method, path, "", [], {}, None)
        parameters = operation.get("parameters", [])
        request.at = self._at(request, path, parameters, seed)
        request.query = self._query(parameters, seed)
        self._conditions(request, operation)
        self._body(request, operation, seed)
        if any(one["in"] == "header" for one in parameters):
            self._key(request, seed)
        if path == "/v1/webhooks/stripe" and self.random.random() < 0.7:
            self._sign(request)
        return request

    def _sign(self, request: Request) -> None:
        """As the payment provider signs its webhooks."""
        at = str(int(time.time()))
        signed = hmac.new(self._signs, f"{at}.".encode() + (request.body or b""), "sha256").hexdigest()
        request.headers["Stripe-Signature"] = f"t={at},v1={signed}"

    def _at(self, request: Request, path: str, parameters: list[dict[str, Any]], seed: Seed) -> str:
        at, of = path, ""
        for name in (one["name"] for one in parameters if one["in"] == "path"):
            kind, roll = kind_of(path, name), self.random.random()
            thing = self.known.pick(kind, self.random, of=of) if roll < 0.85 else None
            if thing is not None:
                of = thing.name
                text, request.token = thing.name, request.token or thing.token
            elif roll < 0.93 and name in seed.path:
                text = str(seed.path[name])
            else:
                text = self.random.choice(_HOSTILE_TEXTS)
            at = at.replace("{" + name + "}", quote(text.encode("utf-8", "replace"), safe="") or "%20", 1)
        return at

    def _query(self, parameters: list[dict[str, Any]], seed: Seed) -> list[tuple[str, str]]:
        found = []
        names = [one["name"] for one in parameters if one["in"] == "query"]
        if names and self.random.random() < 0.15:
            for name, value in seed.query.items():
                found += [(str(name), str(part)) for part in (value if isinstance(value, list) else [value])]
            return [(_clean(name), _clean(value)) for name, value in found]
        for name in names:
            roll = self.random.random() * (1 if len(names) < 4 else 2)
            if roll < 0.3:
                found.append((name, self.random.choice(_QUERY.get(name, _HOSTILE_TEXTS))))
            elif roll < 0.38:
                found.append((name, self.random.choice(_HOSTILE_TEXTS)))
            elif roll < 0.6 and name == "cursor" and self.known.cursors:
                found.append((name, self.random.choice(self.known.cursors)))
        return [(name, _clean(value)) for name, value in found]

    def _conditions(self, request: Request, operation: dict[str, Any]) -> None:
        roll, seen = self.random.random(), self.known.etags.get(request.at)
        if request.method == "GET" and seen is not None and roll < 0.3:
            request.headers["If-None-Match"] = seen
        if "412" not in operation["responses"] or roll < 0.4:
            return
        if seen is not None and roll < 0.8:
            request.headers["If-Match"] = seen
        elif roll < 0.95:
            request.headers["If-Match"], request.stale = NEVER, True
        else:
            request.headers["If-Match"] = self.random.choice(
                ("*", "x", '"1", "2"', 'W/"1"', '""', "-1", '"1')
            )

    def _key(self, request: Request, seed: Seed) -> None:
        random, known = self.random, self.known
        roll = random.random()
        if roll < 0.8:
            self._made += 1
            known.keys.append(f"key-{self._made}")
            request.headers["Idempotency-Key"] = known.keys[-1]
        elif roll < 0.9 and known.keys:
            request.headers["Idempotency-Key"] = random.choice(known.keys)
        elif roll < 0.97 and (given := seed.headers.get("Idempotency-Key")):
            request.headers["Idempotency-Key"] = given.encode("ascii", "replace").decode().replace("\n", "?")

    def _body(self, request: Request, operation: dict[str, Any], seed: Seed) -> None:
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return
        random, kind = self.random, random_key(content, self.random)
        request.headers["Content-Type"] = kind
        if kind != "application/json":
            request.body = self._sheet(request, kind, seed)
            return
        roll = random.random()
        example = self.examples.get(request.label)
        document = copy.deepcopy(example if roll < 0.6 or seed.body == NO_BODY else seed.body)
        if isinstance(document, dict):
            self._renew(request.label, document)
        request.plain = roll < 0.6
        if random.random() < 0.35:
            document, request.plain = self._hurt(document), False
        request.document = document
        request.body = _encoded(document)
        if random.random() < 0.04:
            request.document, request.body = NO_BODY, random.choice(_RAW)
        if random.random() < 0.03:
            request.document, request.headers["Content-Type"] = NO_BODY, random.choice(_KINDS_OF_BODY)

    def _sheet(self, request: Request, kind: str, seed: Seed) -> bytes:
        rows = f"slug,title,sku,price_EUR\ns-{self._made},Sheet,SHEET-{self._made},9.90\n"
        body = self.random.choice((*[rows.encode()] * 4, b"", b"\xff\xfe\x00", b'"' * 999, b"slug\n\0\n"))
        self._made += 1
        if kind.startswith("multipart"):
            request.headers["Content-Type"] = f"{kind}; boundary=b"
            head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
            return head + body + b"\r\n--b--\r\n"
        return str(seed.body).encode("utf-8", "replace") if self.random.random() < 0.2 else body

    def _renew(self, label: str, document: dict[str, Any]) -> None:
        """Puts names in: new ones where something is made, existing ones where it is named."""
        new = _NEW.get(label, ())
        for holder in _dicts(document):
            for name in holder:
                if name in new and self.random.random() < 0.9:
                    holder[name] = self._new(name)
                elif (kind := _named(label, name)) and self.random.random() < 0.7:
                    thing = self.known.pick(kind, self.random)
                    if thing is not None and isinstance(holder[name], str | list):
                        holder[name] = thing.name if isinstance(holder[name], str) else [thing.name]
        if label == "POST /v1/checkouts" and self.random.random() < 0.3:
            cart = self.known.pick("carts", self.random)
            if cart is not None:
                document["cart_id"] = cart.name
                for name in ("lines", "currency"):
                    document.pop(name, None)

    def _new(self, name: str) -> Any:
        self._made += 1
        if name == "country":
            return self.random.choice(_COUNTRIES)
        if name == "countries":
            return ["".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=2))]
        return {"sku": f"NEW-{self._made}", "email": f"new-{self._made}@example.com"}.get(
            name, f"new-{self._made}"
        )

    def _hurt(self, document: Any) -> Any:
        """The document with one or two values that nobody expects, a field too many or one missing."""
        random = self.random
        for _ in range(random.choice((1, 1, 1, 2))):
            holders = [holder for holder in _holders(document) if holder]
            if not holders:
                return copy.deepcopy(random.choice(_HOSTILE))
            holder = random.choice(holders)
            place = random.randrange(len(holder)) if isinstance(holder, list) else random.choice(list(holder))
            roll = random.random()
            if roll < 0.75:
                holder[place] = copy.deepcopy(random.choice(_HOSTILE))
            elif roll < 0.85:
                del holder[place]
            elif isinstance(holder, list):
                holder.extend([holder[place]] * random.choice((1, 5, 3000)))
            else:
                holder[random.choice(("extra", "", "__proto__", "id", "version"))] = copy.deepcopy(
                    random.choice(_HOSTILE)
                )
        return document


def _named(label: str, field_: str) -> str | None:
    return "emails" if field_ == "email" and label in _SIGN_IN else _FIELDS.get(field_)


def random_key(content: dict[str, Any], random: Random) -> str:
    """One of the content types."""
    return random.choice(list(content))


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if isinstance(value, dict | list) else []) + [
        one for part in inner for one in _holders(part)
    ]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [holder for holder in _holders(value) if isinstance(holder, dict)]


def _encoded(document: Any) -> bytes:
    if isinstance(document, bytes):
        return document
    return json.dumps(document, default=str).encode()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
