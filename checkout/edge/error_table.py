"""Every error code: what it means for the shopper, the operator and the developer. docs/errors.md is made from this.

A test compares the table with the codes that the source can answer with.
"""

from checkout.edge.conflicts import CONFLICTS
from checkout.edge.explain import NOTHING, WAIT, Explained, away, mistake, state

ERRORS: dict[str, Explained] = {
    # 400
    "invalid": mistake(
        400, "A field is missing, malformed or out of range.", developer="Read `errors`: each names a field."
    ),
    "malformed_json": mistake(
        400,
        "The body is not JSON, or repeats a name, or is nested too deeply.",
        "Nothing; the client has a bug.",
    ),
    "malformed_request": mistake(
        400, "The request breaks the rules of HTTP.", "Nothing; the client has a bug."
    ),
    "idempotency_key_missing": mistake(
        400,
        "The route needs an Idempotency-Key.",
        "Nothing; the client has a bug.",
        "Send a fresh random key for each attempt a shopper makes.",
    ),
    "idempotency_key_invalid": mistake(
        400, "The Idempotency-Key is too long or not printable ASCII.", "Nothing; the client has a bug."
    ),
    "weak_password": mistake(
        400,
        "The password is too short, or among those that are tried first.",
        "Choose a longer one; a sentence is best.",
        "Show `detail`: it says what is wrong with it.",
    ),
    "bad_link": mistake(
        400,
        "The link of a mail was used before, or is too old.",
        "Ask for a new link.",
        "Offer to ask for another link.",
    ),
    "wrong_code": mistake(
        400,
        "The code is not the authenticator app's code of now.",
        "Enter the code that the app shows now; check the telephone's clock.",
    ),
    "bad_signature": Explained(
        400,
        "A webhook's signature does not match, or is too old.",
        NOTHING,
        "Compare the webhook secret with the provider's; during a rotation list both, the newest first.",
        "Sign the exact bytes of the body.",
    ),
    "unknown_coupon": mistake(400, "No coupon has this code.", "Check the code."),
    "unknown_shipping_option": mistake(
        400,
        "The shipping option is not offered to this address.",
        "Choose another option.",
        "Ask for the cart's shipping options first.",
    ),
    "no_shipping_to_country": mistake(
        400,
        "Nothing is shipped to this country.",
        "Choose another address.",
        "Offer only countries with shipping options.",
    ),
    # 401, 402, 403
    "unauthenticated": state(
        401,
        "No token came, or it is no longer good.",
        "Sign in again.",
        "Renew the access token with the refresh token, or sign in.",
    ),
    "wrong_credentials": state(
        401,
        "The e-mail address or the password is wrong.",
        "Check both, or reset the password.",
        "Do not say which of the two is wrong.",
    ),
    "payment_declined": state(
        402,
        "The payment provider said no.",
        "Pay with another method.",
        "Offer to pay again until the order's payment deadline.",
    ),
    "forbidden": state(
        403, "The caller is known and not allowed.", "Ask an admin.", "Use an account with the needed role."
    ),
    "not_bought": state(
        403,
        "Only who bought a product, and paid for it, may review it.",
        "Sign in with the account that bought it.",
        "Offer reviews on paid orders of the account.",
    ),
    "otp_required": state(
        401,
        "The password is right, and the account asks for a second factor.",
        "Enter the code of the authenticator app, or a recovery code.",
        "Ask for the code and sign in again with `otp`.",
    ),
    # 404, 405, 408
    "not_found": state(
        404,
        "It is not there, or not for this caller.",
        "Check the link.",
        "Send the token that goes with it; a stranger's id answers alike.",
    ),
    "unknown_cart": state(
        404, "There is no cart with this id.", "Begin a new cart.", "Forget the stored cart id."
    ),
    "unknown_sku": Explained(
        404,
        "The article is not sold here, or not in this currency (400 inside a checkout).",
        "Remove it from the cart.",
        NOTHING,
        "Show only published articles with a price in the currency.",
    ),
    "no_invoice_yet": state(
        404, "The invoice is written when the order is paid.", WAIT, "Offer the link once the order is paid."
    ),
    "method_not_allowed": mistake(
        405, "The path exists, and not with this method.", NOTHING, "Use a method of the Allow field."
    ),
    "request_timeout": mistake(
        408,
        "The request arrived too slowly.",
        "Check the connection.",
        "Send the whole request within a few seconds.",
    ),
    **CONFLICTS,
    # 412, 413, 415, 417, 422
    "stale_version": state(
        412,
        "The document has changed since If-Match was read.",
        "Look again.",
        "Read it again, apply the edit anew.",
    ),
    "too_large": mistake(413, "More bytes than the route takes.", NOTHING, "Send less."),
    "unsupported_media_type": mistake(
        415, "The body is not declared as JSON.", NOTHING, "Set Content-Type: application/json."
    ),
    "expectation_failed": mistake(
        417, "Only 100-continue can be expected.", NOTHING, "Drop the Expect field."
    ),
    "idempotency_mismatch": state(
        422,
        "The Idempotency-Key was used for another request.",
        "Nothing; the client has a bug.",
        "Take a new key for a new request.",
    ),
    # 429, 5xx
    "rate_limited": Explained(
        429,
        "Too many requests of this kind by this client.",
        WAIT,
        "Raise CHECKOUT_RATE_LIMITS if honest clients meet it.",
        "Keep to the RateLimit fields; wait for Retry-After.",
    ),
    "internal": Explained(
        500,
        "A bug on our side.",
        WAIT,
        "Find the request id of X-Request-Id in the log.",
        "Report the request id.",
    ),
    "unavailable": away("A part of the shop is not reachable.", "See /readyz and the log."),
    "starting": away("The process has not read its rules yet.", "Wait; if it stays, Postgres is away."),
    "not_ready": away("/readyz: this process should get no traffic now.", "`parts` says what is down."),
    "database_away": away("Postgres does not answer.", "Look at Postgres and its connections."),
    "gate_away": away(
        "The gate (Valkey or Redis) does not answer, or is being rebuilt. Checkouts go on without it.",
        "Look at the gate; it is rebuilt by itself.",
    ),
    "key_missing": away(
        "Personal data is sealed under a key that this process does not have.",
        "Give CHECKOUT_PII_KEYS every key that `checkout keys status` counts rows under.",
    ),
    "audit_running": away(
        "The first report on the invariants is still being made.", "Wait; it is one scan of the orders."
    ),
    "overloaded": away(
        "Refused so that what is served stays fast; checkouts are refused last.",
        "Add processes or nodes; look at checkout_http_room and checkout_http_shed_total.",
    ),
    "too_many_streams": away(
        "This process keeps as many event streams as it can.",
        "Add processes or nodes.",
        "Ask for the order now and then instead.",
    ),
    "deadline_exceeded": away(
        "The work was not finished in time; a write may still have happened.", "Look for a slow store."
    ),
    "outcome_unknown": away(
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
