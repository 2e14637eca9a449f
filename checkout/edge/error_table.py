"""Every error code: what it means for the shopper, the operator and the developer. docs/errors.md is made from this.

A test compares the table with the codes that the source can answer with.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """One code. Shape: `status` is the HTTP status it comes with."""

    status: int
    meaning: str
    shopper: str
    operator: str
    developer: str


_NOTHING = "Nothing."
_FIX = "Mend the request; sending it again unchanged gives the same answer."
_AGAIN = "Send the same request again after Retry-After, with the same Idempotency-Key where it has one."
_WAIT = "Wait a moment and try again."


def _mistake(
    status: int, meaning: str, shopper: str = "Correct the entry.", developer: str = _FIX
) -> Explained:
    return Explained(status, meaning, shopper, _NOTHING, developer)


def _state(status: int, meaning: str, shopper: str, developer: str) -> Explained:
    return Explained(status, meaning, shopper, _NOTHING, developer)


def _away(meaning: str, operator: str, developer: str = _AGAIN) -> Explained:
    return Explained(503, meaning, _WAIT, operator, developer)


ERRORS: dict[str, Explained] = {
    # 400
    "invalid": _mistake(
        400, "A field is missing, malformed or out of range.", developer="Read `errors`: each names a field."
    ),
    "malformed_json": _mistake(
        400,
        "The body is not JSON, or repeats a name, or is nested too deeply.",
        "Nothing; the client has a bug.",
    ),
    "malformed_request": _mistake(
        400, "The request breaks the rules of HTTP.", "Nothing; the client has a bug."
    ),
    "idempotency_key_missing": _mistake(
        400,
        "The route needs an Idempotency-Key.",
        "Nothing; the client has a bug.",
        "Send a fresh random key for each attempt a shopper makes.",
    ),
    "idempotency_key_invalid": _mistake(
        400, "The Idempotency-Key is too long or not printable ASCII.", "Nothing; the client has a bug."
    ),
    "weak_password": _mistake(
        400,
        "The password is too short, or among those that are tried first.",
        "Choose a longer one; a sentence is best.",
        "Show `detail`: it says what is wrong with it.",
    ),
    "bad_link": _mistake(
        400,
        "The link of a mail was used before, or is too old.",
        "Ask for a new link.",
        "Offer to ask for another link.",
    ),
    "wrong_code": _mistake(
        400,
        "The code is not the authenticator app's code of now.",
        "Enter the code that the app shows now; check the telephone's clock.",
    ),
    "bad_signature": Explained(
        400,
        "A webhook's signature does not match, or is too old.",
        _NOTHING,
        "Compare the webhook secret with the provider's; during a rotation list both, the newest first.",
        "Sign the exact bytes of the body.",
    ),
    "unknown_coupon": _mistake(400, "No coupon has this code.", "Check the code."),
    "unknown_shipping_option": _mistake(
        400,
        "The shipping option is not offered to this address.",
        "Choose another option.",
        "Ask for the cart's shipping options first.",
    ),
    "no_shipping_to_country": _mistake(
        400,
        "Nothing is shipped to this country.",
        "Choose another address.",
        "Offer only countries with shipping options.",
    ),
    # 401, 402, 403
    "unauthenticated": _state(
        401,
        "No token came, or it is no longer good.",
        "Sign in again.",
        "Renew the access token with the refresh token, or sign in.",
    ),
    "wrong_credentials": _state(
        401,
        "The e-mail address or the password is wrong.",
        "Check both, or reset the password.",
        "Do not say which of the two is wrong.",
    ),
    "payment_declined": _state(
        402,
        "The payment provider said no.",
        "Pay with another method.",
        "Offer to pay again until the order's payment deadline.",
    ),
    "forbidden": _state(
        403, "The caller is known and not allowed.", "Ask an admin.", "Use an account with the needed role."
    ),
    "not_bought": _state(
        403,
        "Only who bought a product, and paid for it, may review it.",
        "Sign in with the account that bought it.",
        "Offer reviews on paid orders of the account.",
    ),
    "otp_required": _state(
        401,
        "The password is right, and the account asks for a second factor.",
        "Enter the code of the authenticator app, or a recovery code.",
        "Ask for the code and sign in again with `otp`.",
    ),
    # 404, 405, 408
    "not_found": _state(
        404,
        "It is not there, or not for this caller.",
        "Check the link.",
        "Send the token that goes with it; a stranger's id answers alike.",
    ),
    "unknown_cart": _state(
        404, "There is no cart with this id.", "Begin a new cart.", "Forget the stored cart id."
    ),
    "unknown_sku": Explained(
        404,
        "The article is not sold here, or not in this currency (400 inside a checkout).",
        "Remove it from the cart.",
        _NOTHING,
        "Show only published articles with a price in the currency.",
    ),
    "no_invoice_yet": _state(
        404, "The invoice is written when the order is paid.", _WAIT, "Offer the link once the order is paid."
    ),
    "method_not_allowed": _mistake(
        405, "The path exists, and not with this method.", _NOTHING, "Use a method of the Allow field."
    ),
    "request_timeout": _mistake(
        408,
        "The request arrived too slowly.",
        "Check the connection.",
        "Send the whole request within a few seconds.",
    ),
    # 409
    "conflict": _state(
        409, "The shop is in another state.", "Look again.", "Read the document again and decide anew."
    ),
    "out_of_stock": _state(
        409,
        "Some lines ask for more than is there; `lines` says how much is.",
        "Take fewer, or something else.",
        "Show `lines` with what is available.",
    ),
    "total_changed": _state(
        409,
        "The total is no longer the one the shopper saw; the new totals are given.",
        "Look at the new total and confirm it.",
        "Show the new totals; send them as expected_total under a new key.",
    ),
    "coupon_used_up": _state(
        409, "The coupon's limit is reached.", "Remove the coupon.", "Remove it and show the new totals."
    ),
    "coupon_expired": _state(
        409, "The coupon's time is over.", "Remove the coupon.", "Remove it and show the new totals."
    ),
    "coupon_not_yet_valid": _state(
        409, "The coupon's time has not begun.", "Try it later.", "Remove it and show the new totals."
    ),
    "coupon_not_applicable": _state(
        409,
        "The coupon is not for this purchase.",
        "Remove the coupon.",
        "Show `detail`: it says what is missing.",
    ),
    "cart_empty": _state(
        409, "The cart has no lines.", "Add something.", "Do not offer the checkout of an empty cart."
    ),
    "cart_full": _state(
        409,
        "The cart has as many lines or coupons as it can take.",
        "Make a second order.",
        "Show the limit.",
    ),
    "cart_ordered": _state(409, "The cart is an order already.", "Look at your order.", "Begin a new cart."),
    "address_required": _state(
        409,
        "The cart needs an address first.",
        "Give an address.",
        "Set the address before asking for shipping options.",
    ),
    "in_progress": _state(
        409,
        "A request with this Idempotency-Key is still running.",
        _WAIT,
        "Repeat it after Retry-After with the same key.",
    ),
    "not_payable": _state(
        409,
        "The order is in a state in which there is nothing to pay.",
        "Look at the order.",
        "Read the order's status.",
    ),
    "not_cancellable": _state(
        409,
        "The order is too far along to be cancelled.",
        "Ask for a return instead.",
        "Read the order's status.",
    ),
    "payment_deadline_passed": _state(
        409, "The time to pay is over.", "Order again.", "Show payment_deadline as a countdown."
    ),
    "payment_in_progress": _state(
        409, "A payment is under way and its outcome not known yet.", _WAIT, "Follow the order's events."
    ),
    "too_many_payment_attempts": _state(
        409, "The order was tried too often.", "Order again.", "Stop offering to pay."
    ),
    "cart_merged": _state(
        409,
        "The guest's cart went into the account's cart.",
        "Go on with the account's cart.",
        "Use the cart that `merged_into` names.",
    ),
    "nothing_to_reorder": _state(
        409, "Nothing of the order is sold any more.", "Look for something else.", "Offer the catalogue."
    ),
    "book_full": _state(
        409, "The address book is full.", "Delete an address first.", "Offer to replace one."
    ),
    "factor_in_force": _state(
        409, "A second factor is in force.", "End it first.", "DELETE /v1/me/totp, then enrol anew."
    ),
    "nothing_to_confirm": _state(
        409, "No second factor waits to be confirmed.", "Begin anew.", "POST /v1/me/totp first."
    ),
    "staff_account": _state(
        409,
        "An account that works for the shop, or on which its work hangs, does not erase itself.",
        "Ask an admin.",
        "Offer erasure to customers only.",
    ),
    "sku_taken": _state(409, "The SKU belongs to another product.", _NOTHING, "Choose another SKU."),
    "variant_in_use": _state(
        409,
        "The variant has stock, orders or a history in the ledger.",
        _NOTHING,
        "Set archived on it instead: it is not sold any more, and orders keep it.",
    ),
    "last_variant": _state(
        409,
        "The product would have nothing left to sell.",
        _NOTHING,
        "Archive or unpublish the product.",
    ),
    "price_list_overlaps": _state(
        409,
        "Another price list covers one of the prices at that time.",
        _NOTHING,
        "Choose another time, take the price out, or end the other list first.",
    ),
    "price_list_begun": _state(
        409,
        "The price list has begun, or is over.",
        _NOTHING,
        "Change its name or its end, or end it and plan another.",
    ),
    "attribute_taken": _state(
        409, "The attribute is defined already.", _NOTHING, "Change the definition that is there."
    ),
    "category_in_use": _state(
        409, "Other categories are below this one.", _NOTHING, "Move or delete them first."
    ),
    "uploads_off": _state(
        409,
        "No store for uploaded pictures is configured.",
        _NOTHING,
        "Give pictures by their addresses, or set CHECKOUT_S3_ENDPOINT and the settings beside it.",
    ),
    "review_exists": _state(
        409,
        "The account has reviewed this product before.",
        "Change your review.",
        "PUT to `/v1/products/{id}/reviews/mine`.",
    ),
    "slug_taken": _state(409, "The slug belongs to something else.", _NOTHING, "Choose another slug."),
    "job_over": _state(
        409, "The import or export is over.", _NOTHING, "Read it: its status says how it ended."
    ),
    "export_not_ready": _state(
        409, "The export's file is not written yet.", _WAIT, "Read the export until its status is `done`."
    ),
    "below_reserved": _state(
        409,
        "The adjustment would leave less than is reserved.",
        _NOTHING,
        "Cancel orders first, or count again.",
    ),
    "role_taken": _state(409, "A role has this name already.", _NOTHING, "Choose another name."),
    "role_built_in": _state(
        409,
        "The role belongs to the shop: it cannot be deleted, and an admin may always do everything.",
        _NOTHING,
        "Make a role of your own.",
    ),
    "role_in_use": _state(
        409, "Accounts have this role.", _NOTHING, "Give those accounts another role first."
    ),
    "email_taken": _state(
        409, "The address has an account.", _NOTHING, "Look the account up: GET /v1/admin/users?email=."
    ),
    "last_admin": _state(
        409, "A shop keeps at least one admin who can sign in.", _NOTHING, "Make another admin first."
    ),
    "coupon_taken": _state(
        409, "A coupon has this code.", _NOTHING, "Choose another code, or change that coupon."
    ),
    "tax_rate_taken": _state(409, "The place and class have a tax rate.", _NOTHING, "Change that one."),
    "zone_taken": _state(
        409,
        "Another shipping zone has the name, or one of the countries.",
        _NOTHING,
        "Take the country out of the other zone first.",
    ),
    "key_revoked": _state(409, "The API key is revoked for good.", _NOTHING, "Make another key."),
    "location_short": _state(
        409,
        "The location has fewer units than that.",
        _NOTHING,
        "Read the SKU's stock by location; take fewer, or from another.",
    ),
    "location_inactive": _state(
        409, "The location takes nothing in.", _NOTHING, "Choose another, or set it to active."
    ),
    "location_taken": _state(409, "There is a location with this code.", _NOTHING, "Choose another code."),
    "location_in_use": _state(
        409,
        "The ledger knows the location, so it cannot be deleted.",
        _NOTHING,
        "Set active to false instead.",
    ),
    # 412, 413, 415, 417, 422
    "stale_version": _state(
        412,
        "The document has changed since If-Match was read.",
        "Look again.",
        "Read it again, apply the edit anew.",
    ),
    "too_large": _mistake(413, "More bytes than the route takes.", _NOTHING, "Send less."),
    "unsupported_media_type": _mistake(
        415, "The body is not declared as JSON.", _NOTHING, "Set Content-Type: application/json."
    ),
    "expectation_failed": _mistake(
        417, "Only 100-continue can be expected.", _NOTHING, "Drop the Expect field."
    ),
    "idempotency_mismatch": _state(
        422,
        "The Idempotency-Key was used for another request.",
        "Nothing; the client has a bug.",
        "Take a new key for a new request.",
    ),
    # 429, 5xx
    "rate_limited": Explained(
        429,
        "Too many requests of this kind by this client.",
        _WAIT,
        "Raise CHECKOUT_RATE_LIMITS if honest clients meet it.",
        "Keep to the RateLimit fields; wait for Retry-After.",
    ),
    "internal": Explained(
        500,
        "A bug on our side.",
        _WAIT,
        "Find the request id of X-Request-Id in the log.",
        "Report the request id.",
    ),
    "unavailable": _away("A part of the shop is not reachable.", "See /readyz and the log."),
    "starting": _away("The process has not read its rules yet.", "Wait; if it stays, Postgres is away."),
    "not_ready": _away("/readyz: this process should get no traffic now.", "`parts` says what is down."),
    "database_away": _away("Postgres does not answer.", "Look at Postgres and its connections."),
    "gate_away": _away(
        "The gate (Valkey or Redis) does not answer, or is being rebuilt. Checkouts go on without it.",
        "Look at the gate; it is rebuilt by itself.",
    ),
    "audit_running": _away(
        "The first report on the invariants is still being made.", "Wait; it is one scan of the orders."
    ),
    "overloaded": _away(
        "Refused so that what is served stays fast; checkouts are refused last.",
        "Add processes or nodes; look at checkout_http_room and checkout_http_shed_total.",
    ),
    "too_many_streams": _away(
        "This process keeps as many event streams as it can.",
        "Add processes or nodes.",
        "Ask for the order now and then instead.",
    ),
    "deadline_exceeded": _away(
        "The work was not finished in time; a write may still have happened.", "Look for a slow store."
    ),
    "outcome_unknown": _away(
        "The request was sent on and not answered: it may have happened.",
        "Look for a store that loses connections.",
        "Repeat it with the same Idempotency-Key to learn what happened.",
    ),
}


def status_of(code: str) -> int:
    """The status that a code comes with. Raises: ValueError when the table does not explain it."""
    found = ERRORS.get(code)
    if found is None:
        raise ValueError(f"the error code {code!r} is not explained in checkout/edge/error_table.py")
    return found.status


def errors_page() -> str:
    """docs/errors.md: the table as text."""
    lines = [
        "# Error codes",
        "",
        "Written by `make docs` from `checkout/edge/error_table.py`. Every refusal is an `application/problem+json`",
        "document (RFC 9457) with one of these as its `code`; its `type` leads here.",
        "",
    ]
    for code, found in ERRORS.items():
        lines += [
            f"## {code}",
            "",
            f"Status {found.status}. {found.meaning}",
            "",
            f"- Shopper: {found.shopper}",
            f"- Operator: {found.operator}",
            f"- Developer: {found.developer}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"
