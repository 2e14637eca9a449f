"""The codes of 409: the request was fine, and the shop is in another state. Part of checkout/edge/error_table.py."""

from checkout.edge.explain import NOTHING, WAIT, Explained, state

CONFLICTS: dict[str, Explained] = {
    "conflict": state(
        409, "The shop is in another state.", "Look again.", "Read the document again and decide anew."
    ),
    "out_of_stock": state(
        409,
        "Some lines ask for more than is there; `lines` says how much is.",
        "Take fewer, or something else.",
        "Show `lines` with what is available.",
    ),
    "total_changed": state(
        409,
        "The total is no longer the one the shopper saw; the new totals are given.",
        "Look at the new total and confirm it.",
        "Show the new totals; send them as expected_total under a new key.",
    ),
    "coupon_used_up": state(
        409, "The coupon's limit is reached.", "Remove the coupon.", "Remove it and show the new totals."
    ),
    "coupon_expired": state(
        409, "The coupon's time is over.", "Remove the coupon.", "Remove it and show the new totals."
    ),
    "coupon_not_yet_valid": state(
        409, "The coupon's time has not begun.", "Try it later.", "Remove it and show the new totals."
    ),
    "coupon_not_applicable": state(
        409,
        "The coupon is not for this purchase.",
        "Remove the coupon.",
        "Show `detail`: it says what is missing.",
    ),
    "cart_empty": state(
        409, "The cart has no lines.", "Add something.", "Do not offer the checkout of an empty cart."
    ),
    "cart_full": state(
        409,
        "The cart has as many lines or coupons as it can take.",
        "Make a second order.",
        "Show the limit.",
    ),
    "cart_ordered": state(409, "The cart is an order already.", "Look at your order.", "Begin a new cart."),
    "address_required": state(
        409,
        "The cart needs an address first.",
        "Give an address.",
        "Set the address before asking for shipping options.",
    ),
    "in_progress": state(
        409,
        "A request with this Idempotency-Key is still running.",
        WAIT,
        "Repeat it after Retry-After with the same key.",
    ),
    "not_payable": state(
        409,
        "The order is in a state in which there is nothing to pay.",
        "Look at the order.",
        "Read the order's status.",
    ),
    "not_cancellable": state(
        409,
        "The order is too far along to be cancelled.",
        "Ask for a return instead.",
        "Read the order's status.",
    ),
    "payment_deadline_passed": state(
        409, "The time to pay is over.", "Order again.", "Show payment_deadline as a countdown."
    ),
    "payment_in_progress": state(
        409, "A payment is under way and its outcome not known yet.", WAIT, "Follow the order's events."
    ),
    "too_many_payment_attempts": state(
        409, "The order was tried too often.", "Order again.", "Stop offering to pay."
    ),
    "cart_merged": state(
        409,
        "The guest's cart went into the account's cart.",
        "Go on with the account's cart.",
        "Use the cart that `merged_into` names.",
    ),
    "nothing_to_reorder": state(
        409, "Nothing of the order is sold any more.", "Look for something else.", "Offer the catalogue."
    ),
    "book_full": state(409, "The address book is full.", "Delete an address first.", "Offer to replace one."),
    "factor_in_force": state(
        409, "A second factor is in force.", "End it first.", "DELETE /v1/me/totp, then enrol anew."
    ),
    "nothing_to_confirm": state(
        409, "No second factor waits to be confirmed.", "Begin anew.", "POST /v1/me/totp first."
    ),
    "staff_account": state(
        409,
        "An account that works for the shop, or on which its work hangs, does not erase itself.",
        "Ask an admin.",
        "Offer erasure to customers only.",
    ),
    "sku_taken": state(409, "The SKU belongs to another product.", NOTHING, "Choose another SKU."),
    "variant_in_use": state(
        409,
        "The variant has stock, orders or a history in the ledger.",
        NOTHING,
        "Set archived on it instead: it is not sold any more, and orders keep it.",
    ),
    "last_variant": state(
        409,
        "The product would have nothing left to sell.",
        NOTHING,
        "Archive or unpublish the product.",
    ),
    "price_list_overlaps": state(
        409,
        "Another price list covers one of the prices at that time.",
        NOTHING,
        "Choose another time, take the price out, or end the other list first.",
    ),
    "price_list_begun": state(
        409,
        "The price list has begun, or is over.",
        NOTHING,
        "Change its name or its end, or end it and plan another.",
    ),
    "attribute_taken": state(
        409, "The attribute is defined already.", NOTHING, "Change the definition that is there."
    ),
    "category_in_use": state(
        409, "Other categories are below this one.", NOTHING, "Move or delete them first."
    ),
    "uploads_off": state(
        409,
        "No store for uploaded pictures is configured.",
        NOTHING,
        "Give pictures by their addresses, or set CHECKOUT_S3_ENDPOINT and the settings beside it.",
    ),
    "review_exists": state(
        409,
        "The account has reviewed this product before.",
        "Change your review.",
        "PUT to `/v1/products/{id}/reviews/mine`.",
    ),
    "slug_taken": state(409, "The slug belongs to something else.", NOTHING, "Choose another slug."),
    "job_over": state(
        409, "The import or export is over.", NOTHING, "Read it: its status says how it ended."
    ),
    "export_not_ready": state(
        409, "The export's file is not written yet.", WAIT, "Read the export until its status is `done`."
    ),
    "below_reserved": state(
        409,
        "The adjustment would leave less than is reserved.",
        NOTHING,
        "Cancel orders first, or count again.",
    ),
    "role_taken": state(409, "A role has this name already.", NOTHING, "Choose another name."),
    "role_built_in": state(
        409,
        "The role belongs to the shop: it cannot be deleted, and an admin may always do everything.",
        NOTHING,
        "Make a role of your own.",
    ),
    "role_in_use": state(409, "Accounts have this role.", NOTHING, "Give those accounts another role first."),
    "email_taken": state(
        409, "The address has an account.", NOTHING, "Look the account up: GET /v1/admin/users?email=."
    ),
    "last_admin": state(
        409, "A shop keeps at least one admin who can sign in.", NOTHING, "Make another admin first."
    ),
    "coupon_taken": state(
        409, "A coupon has this code.", NOTHING, "Choose another code, or change that coupon."
    ),
    "tax_rate_taken": state(409, "The place and class have a tax rate.", NOTHING, "Change that one."),
    "zone_taken": state(
        409,
        "Another shipping zone has the name, or one of the countries.",
        NOTHING,
        "Take the country out of the other zone first.",
    ),
    "key_revoked": state(409, "The API key is revoked for good.", NOTHING, "Make another key."),
    "location_short": state(
        409,
        "The location has fewer units than that.",
        NOTHING,
        "Read the SKU's stock by location; take fewer, or from another.",
    ),
    "location_inactive": state(
        409, "The location takes nothing in.", NOTHING, "Choose another, or set it to active."
    ),
    "location_taken": state(409, "There is a location with this code.", NOTHING, "Choose another code."),
    "location_in_use": state(
        409,
        "The ledger knows the location, so it cannot be deleted.",
        NOTHING,
        "Set active to false instead.",
    ),
}
