"""A guest's cart into an account's: the reference of claim.lua, which also merges while the gate is away.

**Guarantees** (held by tests/property/carts and tests/api/carts):
- `merge` is what claim.lua does: same verdict, same fields, same report.
- No line is lost: units of the same SKU add up, capped at LINE_QUANTITY_MAX; carts that together have too many lines stay as
  they are. What was capped, and coupons that found no place, are reported.
- A cart that was merged is empty, and names the cart it went into; merging it again changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from checkout.carts.model import COUPON, LINE, Fields, Verdict
from config import limits

_KEPT = ("addr", "ctry", "ship")


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a claim.

    Shape: `missing` says of whose cart there is no copy: 1 the guest's, 2 the account's; `report` maps a line to the units
    that were wanted, a coupon to an empty text, and `held` to whose holds ended: 1 the guest's, 2 the account's, 3 both.
    """

    verdict: Verdict
    guest: Fields
    own: Fields
    report: Mapping[str, str]
    missing: int = 0


def adopt(guest: Fields, account: str) -> Fields:
    """The guest's cart as the account's, which has no other."""
    if guest.get("acct") == account:
        return guest
    return guest | {"acct": account, "v": str(int(guest["v"]) + 1)}


def merge(guest: Fields, own: Fields | None, *, account: str, own_id: str) -> Merged:
    """Both carts after the claim; `own` is None when the guest's becomes the account's."""
    if not guest:
        return _refused(Verdict.MISSING, 1)
    if guest.get("acct", account) != account:
        return _refused(Verdict.FOREIGN)
    if guest.get("st") == "merged":
        return Merged(Verdict.DONE, guest, {}, {})
    if "st" in guest:
        return _refused(Verdict.ORDERED)
    if own is None:
        adopted = adopt(guest, account)
        return Merged(Verdict.DONE, adopted, adopted, {})
    if not own:
        return _refused(Verdict.MISSING, 2)
    if "st" in own or own.get("acct", account) != account:
        return _refused(Verdict.GONE)
    return _merged(guest, own, account, own_id)


def _merged(guest: Fields, own: Fields, account: str, own_id: str) -> Merged:
    version = str(int(own["v"]) + 1)
    after, report = dict(own), dict[str, str]()
    for field, value in guest.items():
        if field.startswith(LINE):
            units, seq = int(value.partition(" ")[0]), version
            if field in own:
                old, _, seq = own[field].partition(" ")
                units += int(old)
            if units > limits.LINE_QUANTITY_MAX:
                report[field] = str(units)
            after[field] = f"{min(units, limits.LINE_QUANTITY_MAX)} {seq}"
    if sum(field.startswith(LINE) for field in after) > limits.CART_LINES_MAX:
        return _refused(Verdict.LINES_FULL)
    room = limits.COUPONS_MAX - sum(field.startswith(COUPON) for field in own)
    for field in sorted(field for field in guest if field.startswith(COUPON) and field not in own):
        if room > 0:
            after[field] = f"1 {version}"
            room -= 1
        else:
            report[field] = ""
    after |= {field: guest[field] for field in _KEPT if field in guest and field not in own}
    # Lines that were capped already come out as they were; a merge that found any has still touched the cart.
    touched = after != own or "acct" not in own or any(field.startswith(LINE) for field in guest)
    held = ("hold" in guest) + 2 * ("hold" in own and touched)
    if held:
        report["held"] = str(held)
    if touched:
        after.pop("hold", None)
        after |= {"acct": account, "v": version}
    emptied = {
        "v": str(int(guest["v"]) + 1),
        "cur": guest["cur"],
        "acct": account,
        "st": "merged",
        "into": own_id,
    }
    return Merged(Verdict.DONE, emptied, after, report)


def _refused(verdict: Verdict, missing: int = 0) -> Merged:
    return Merged(verdict, {}, {}, {}, missing)
