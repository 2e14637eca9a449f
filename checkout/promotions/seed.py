"""The coupons of the demo shop, each with its redemption limit (None: unlimited)."""

from checkout.quoting.model import Coupon

DEMO_COUPONS: tuple[tuple[Coupon, int | None], ...] = (
    (Coupon(0, "WELCOME10", "percent", percent_bp=1_000), None),
    (Coupon(0, "FIVER", "amount", amount_minor=500, currency="EUR", min_subtotal_minor=2_000), 1_000),
    (Coupon(0, "FIVEBUCKS", "amount", amount_minor=500, currency="USD", min_subtotal_minor=2_000), 1_000),
    (Coupon(0, "FREESHIP", "free_shipping"), None),
    (Coupon(0, "ONCE20", "percent", percent_bp=2_000, per_customer_limit=1), None),
)
