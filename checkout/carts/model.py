"""A cart, as fields: the same in the gate's hash, in Postgres and here.

**Guarantees** (held by tests/property/carts and tests/api/carts):
- `apply` is what edit.lua does: same verdict, same fields, for any edit of any cart.
- A version only rises, by one an edit that changes something; an edit that changes nothing keeps it.
- Lines and coupons keep the order in which they were first put in.
- A cart of CART_LINES_MAX lines takes no other SKU, one of COUPONS_MAX coupons no other code.
- A cart of an account is not there for anybody else.
- An ordered or merged cart is not edited any more; a held cart only by callers who hold the new lines first.

Shape of the fields: `v` version · `cur` currency · `acct` account · `ctry` country before there is an address · `addr`
address (JSON, sealed: carts/personal.py) · `ship` option · `hold` end of the hold, ms · `st` `ordered` or `merged` once it
is · `into` the cart it was merged into · `l:SKU` and `c:CODE`: `quantity seq`, seq being the version that put it in.
"""

import enum
import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from checkout.carts.request import CartAddress
from checkout.kit import ids
from config import limits

Fields = dict[str, str]
Op = tuple[str, str, str]
"""(`Q`, field, quantity): set an ordered entry · (`S`, field, value): set · (`D`, field, ``): drop."""

LINE, COUPON = "l:", "c:"
ANYBODY = "*"
"""Who asks, when it is the shop itself."""
_ADDRESS = msgspec.json.Decoder(CartAddress)


class Verdict(enum.IntEnum):
    """What became of an edit; the numbers are edit.lua's."""

    LIMITED = -2
    """The caller is over its limit."""
    CLOSED = -1
    MISSING = 0
    DONE = 1
    STALE = 2
    LINES_FULL = 3
    ORDERED = 4
    """It is over: ordered, or merged into another one."""
    HELD = 5
    COUPONS_FULL = 6
    GONE = 7
    """Of a claim: what was the account's open cart is no more."""
    FOREIGN = 8
    """It is another account's: for this caller it is not there."""


class Cart(Struct, frozen=True, gc=False):
    """A cart as its readers see it. Shape: `lines` are (sku, quantity) and `coupons` codes, both in order."""

    id: str
    version: int
    currency: str
    lines: tuple[tuple[str, int], ...]
    coupons: tuple[str, ...]
    country: str | None
    region: str
    address: CartAddress | None
    shipping_code: str | None
    hold_until_ms: int
    account_id: uuid.UUID | None
    ordered: bool
    merged_into: str | None


def hold_id(cart_id: str) -> uuid.UUID:
    """The name of the cart's hold in the gate."""
    return ids.claim_id("hold", cart_id)


def new_fields(currency: str, *, country: str | None = None, account_id: uuid.UUID | None = None) -> Fields:
    """An empty cart, version 1."""
    fields = {"v": "1", "cur": currency}
    if country is not None:
        fields["ctry"] = country
    if account_id is not None:
        fields["acct"] = str(account_id)
    return fields


def _ordered_entries(fields: Mapping[str, str], prefix: str) -> list[tuple[str, int]]:
    entries = []
    for name, value in fields.items():
        if name.startswith(prefix):
            quantity, _, seq = value.partition(" ")
            entries.append((int(seq), name[len(prefix) :], int(quantity)))
    entries.sort()
    return [(name, quantity) for _, name, quantity in entries]


def parse(
    cart_id: str, fields: Mapping[str, str], opened: Callable[[str], CartAddress] = _ADDRESS.decode
) -> Cart:
    """The cart that the fields spell. Shape: `opened` reads `addr`, which is sealed wherever it is stored."""
    get = fields.get
    raw_address = get("addr")
    address = opened(raw_address) if raw_address is not None else None
    account = get("acct")
    return Cart(
        id=cart_id,
        version=int(fields["v"]),
        currency=fields["cur"],
        lines=tuple(_ordered_entries(fields, LINE)),
        coupons=tuple([code for code, _ in _ordered_entries(fields, COUPON)]),
        country=address.country if address is not None else get("ctry"),
        region=(address.region or "") if address is not None else "",
        address=address,
        shipping_code=get("ship"),
        hold_until_ms=int(get("hold", "0")),
        account_id=uuid.UUID(account) if account is not None else None,
        ordered=get("st") == "ordered",
        merged_into=get("into"),
    )


def apply(
    fields: Fields, ops: Sequence[Op], *, expected: int | None, guard_hold: bool, now_ms: int, who: str = ""
) -> tuple[Verdict, Fields]:
    """The reference of edit.lua: the verdict, and the fields after it (the same ones when nothing was done).

    Shape: `who` asks: an account's id, empty for nobody signed in, or ANYBODY.
    """
    if not fields:
        return Verdict.MISSING, fields
    if who != ANYBODY and fields.get("acct", who) != who:
        return Verdict.FOREIGN, {}
    version = int(fields["v"])
    if expected is not None and expected != version:
        return Verdict.STALE, fields
    if not ops:
        return Verdict.DONE, fields
    if "st" in fields:
        return Verdict.ORDERED, fields
    if guard_hold and int(fields.get("hold", "0")) > now_ms:
        return Verdict.HELD, fields
    after = dict(fields)
    for kind, field, value in ops:
        if kind == "D":
            after.pop(field, None)
        elif kind == "S":
            after[field] = value
        else:
            seq = after[field].partition(" ")[2] if field in after else str(version + 1)
            after[field] = f"{value} {seq}"
    if after == fields:
        return Verdict.DONE, fields
    full = _full(after)
    if full is not None:
        return full, fields
    after["v"] = str(version + 1)
    return Verdict.DONE, after


def _full(fields: Fields) -> Verdict | None:
    if sum(name.startswith(LINE) for name in fields) > limits.CART_LINES_MAX:
        return Verdict.LINES_FULL
    if sum(name.startswith(COUPON) for name in fields) > limits.COUPONS_MAX:
        return Verdict.COUPONS_FULL
    return None
