"""Whether a coupon's terms make sense together: a pure function of them."""

from checkout.errors import Invalid
from checkout.kit.query import in_our_time
from checkout.promotions.shape import CouponTerms


def refuse_nonsense(terms: CouponTerms) -> None:
    """Raises: Invalid, naming every field that does not go with the others."""
    errors: list[tuple[str, str]] = []
    if (terms.kind == "percent") != (terms.percent_bp is not None):
        errors.append(("percent_bp", "goes with kind percent, and only with it"))
    if (terms.kind == "amount") != (terms.amount is not None):
        errors.append(("amount", "goes with kind amount, and only with it"))
    if terms.currency is None and (terms.kind == "amount" or terms.min_subtotal > 0):
        errors.append(("currency", "an amount or a least subtotal is money of one currency: name it"))
    for name in ("valid_from", "valid_until"):
        at = getattr(terms, name)
        if at is not None and not in_our_time(at):
            errors.append((name, "a time of this age"))
    if terms.valid_from and terms.valid_until and terms.valid_until <= terms.valid_from:
        errors.append(("valid_until", "after valid_from"))
    if errors:
        raise Invalid(f"{errors[0][0]}: {errors[0][1]}", errors=errors)
