"""A body that works for every route that takes JSON: the API's document shows it, and `tests/schema` begins from it.

A test holds each to its route's type, and asks for one for every route.
"""

from typing import Any

_SOON = "2030-01-01T00:00:00Z"
_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
_PASSWORD = "four beasts in the snow"
_COUPON = {"kind": "percent", "percent_bp": 1000, "max_uses": 500, "valid_until": _SOON}
_KEY = {"name": "warehouse", "permissions": ["all:stock:read", "all:stock:write"]}
_PRICE = {"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 1190, "compare_at": 1490}
_LINES = [{"sku": "MUG-CLASSIC", "quantity": 12}]
_VARIANT = {
    "sku": "KETTLE-RED",
    "prices": {"EUR": {"amount": 4900}},
    "options": {"colour": "red"},
    "weight_g": 900,
    "on_hand": 20,
}
_ZONE = {
    "name": "Iceland",
    "countries": ["IS"],
    "rates": [
        {"option": "standard", "title": "Post", "currency": "EUR", "up_to_weight_g": 2000, "amount": 490}
    ],
}
_REVIEW = {"stars": 5, "title": "Keeps tea warm", "text": "And looks well on the table.", "author": "Ada"}

EXAMPLES: dict[str, Any] = {
    # shoppers
    "POST /v1/carts": {"currency": "EUR", "lines": [{"sku": "TEE-BLACK-M", "quantity": 2}], "country": "DE"},
    "PUT /v1/carts/{id}/lines/{sku}": {"quantity": 3},
    "POST /v1/carts/{id}/coupons": {"code": "WELCOME10"},
    "PUT /v1/carts/{id}/address": _ADDRESS,
    "PUT /v1/carts/{id}/shipping": {"option": "standard"},
    "POST /v1/checkouts": {
        "email": "ada@example.com",
        "currency": "EUR",
        "lines": [{"sku": "TEE-BLACK-M", "quantity": 1}],
        "shipping_address": _ADDRESS,
        "payment": {"provider": "stripe", "method": "pm_card_visa"},
    },
    "POST /v1/orders/{id}/payments": {"method": "pm_card_visa"},
    "POST /v1/products/{id}/reviews": _REVIEW,
    "PUT /v1/products/{id}/reviews/mine": _REVIEW | {"stars": 4},
    # people
    "POST /v1/accounts": {"email": "ada@example.com", "password": _PASSWORD, "name": "Ada Lovelace"},
    "POST /v1/accounts/verify": {"token": "of-the-mail"},
    "POST /v1/sessions": {"email": "ada@example.com", "password": _PASSWORD},
    "POST /v1/sessions/refresh": {"refresh_token": "of-the-session"},
    "POST /v1/password-resets": {"email": "ada@example.com"},
    "POST /v1/password-resets/confirm": {"token": "of-the-mail", "password": _PASSWORD},
    "PATCH /v1/me": {"name": "Ada", "locale": "de-DE", "consents": {"sms": True}},
    "DELETE /v1/me": {"password": _PASSWORD},
    "POST /v1/me/password": {"current_password": _PASSWORD, "new_password": "five beasts in the snow"},
    "POST /v1/me/totp": {"password": _PASSWORD},
    "POST /v1/me/totp/confirm": {"code": "123456"},
    "DELETE /v1/me/totp": {"password": _PASSWORD},
    "POST /v1/me/addresses": _ADDRESS | {"label": "home", "is_default": True},
    "PUT /v1/me/addresses/{id}": _ADDRESS | {"line2": "2nd floor"},
    # the catalogue's editors
    "POST /v1/admin/products": {
        "title": "Kettle",
        "variants": [_VARIANT],
        "tags": ["kitchen"],
        "attributes": {"material": "steel"},
    },
    "PUT /v1/admin/products/{id}": {"title": "Kettle", "slug": "kettle", "variants": [_VARIANT]},
    "PATCH /v1/admin/products/{id}": {"title": "Kettle, red", "tags": ["kitchen", "new"]},
    "POST /v1/admin/products/{id}/publish": {"at": _SOON},
    "POST /v1/admin/products/{id}/variants": {
        "variants": [
            {"sku": "KETTLE-BLUE", "prices": {"EUR": {"amount": 4900}}, "options": {"colour": "blue"}}
        ]
    },
    "PATCH /v1/admin/products/{id}/variants/{sku}": {"prices": {"EUR": {"amount": 4500}}, "weight_g": 850},
    "POST /v1/admin/products/{id}/images/uploads": {"content_type": "image/png", "bytes": 120_000},
    "PUT /v1/admin/prices": {"prices": [_PRICE]},
    "POST /v1/admin/price-lists": {"name": "Winter sale", "prices": [_PRICE], "from": _SOON},
    "PATCH /v1/admin/price-lists/{id}": {"name": "Winter sale, longer", "until": "2030-02-01T00:00:00Z"},
    "POST /v1/admin/categories": {"name": "Winter", "slug": "winter", "position": 3},
    "PATCH /v1/admin/categories/{id}": {"name": "Winter and snow"},
    "POST /v1/admin/attributes": {
        "name": "material",
        "type": "enum",
        "options": ["steel", "glass"],
        "facet": True,
    },
    "PUT /v1/admin/attributes/{name}": {"type": "enum", "options": ["steel", "glass", "clay"], "facet": True},
    "POST /v1/admin/exports": {"format": "own", "status": "published"},
    "POST /v1/admin/reviews/{id}/reject": {"reason": "Is about the parcel, not the product."},
    # stock
    "POST /v1/admin/locations": {"code": "attic", "name": "Attic", "country": "DE", "priority": 2},
    "PATCH /v1/admin/locations/{code}": {"priority": 1},
    "PATCH /v1/admin/stock/{sku}": {"safety_stock": 2, "low_at": 5},
    "POST /v1/admin/stock/adjustments": {
        "sku": "MUG-CLASSIC",
        "delta": 5,
        "reason": "found behind the shelf",
    },
    "POST /v1/admin/stock/receipts": {"lines": _LINES, "reason": "delivery 4711"},
    "POST /v1/admin/stock/transfers": {"from": "main", "to": "attic", "lines": _LINES, "reason": "more room"},
    "POST /v1/admin/stock/counts": {
        "lines": [{"sku": "MUG-CLASSIC", "counted": 96}],
        "reason": "yearly count",
    },
    "POST /v1/admin/stock/feed": {
        "rows": [{"sku": "MUG-CLASSIC", "on_hand": 96, "as_of": "2026-01-31T12:00:00Z", "source_id": "wms"}]
    },
    # rules, people and machines
    "POST /v1/admin/coupons": _COUPON | {"code": "WINTER10"},
    "PUT /v1/admin/coupons/{code}": _COUPON | {"max_uses": 900},
    "POST /v1/admin/shipping-zones": _ZONE,
    "PUT /v1/admin/shipping-zones/{id}": _ZONE | {"name": "Iceland and around"},
    "POST /v1/admin/tax-rates": {"country": "IS", "name": "VSK", "rate_bp": 2400, "inclusive": True},
    "PUT /v1/admin/tax-rates/{id}": {"name": "VSK", "rate_bp": 2200, "inclusive": True},
    "POST /v1/admin/users": {"email": "grace@example.com", "role": "support"},
    "PATCH /v1/admin/users/{id}": {"role": "vendor"},
    "POST /v1/admin/roles": {"name": "clerk", "title": "Stock clerk", "permissions": ["all:stock:read"]},
    "PUT /v1/admin/roles/{name}": {"title": "Stock clerk", "permissions": ["all:stock:*"]},
    "POST /v1/admin/api-keys": _KEY,
    "PUT /v1/admin/api-keys/{id}": _KEY | {"permissions": ["all:stock:read"]},
    "POST /v1/admin/webhooks": {"url": "https://example.com/hooks", "events": ["order.paid"]},
    "PATCH /v1/admin/webhooks/{id}": {"active": False},
    "POST /v1/webhooks/stripe": {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "created": 1_767_225_600,
        "data": {
            "object": {
                "id": "pi_1",
                "object": "payment_intent",
                "status": "succeeded",
                "amount": 1490,
                "amount_received": 1490,
                "currency": "eur",
                "metadata": {"order_id": "01930000-0000-7000-8000-000000000000"},
            }
        },
    },
}
