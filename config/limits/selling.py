"""Bounds of what is sold: claims, carts, the catalogue, and the work after an order."""

from config.limits.clients import (
    BODY_MAX_BYTES,
    CHECKOUT_LINES_MAX,
    IMPORT_BODY_MAX_BYTES,
    PAGE_MAX,
    REQUEST_DEADLINE_S,
    WEBHOOK_BODY_MAX_BYTES,
)
from config.limits.holds import holds
from config.limits.stores import COMMITTERS_PER_PROCESS, STATEMENT_TIMEOUT_S

# --- The committer, claims and holds ------------------------------------------------------------------

# Orders of one statement: beyond this the statement's own time grows faster than its yield.
BATCH_MAX = 256
# While a batch of its process is under way, a smaller one than this waits for company, for so long: a statement costs
# Postgres as much as three orders, and who is alone is not kept waiting.
BATCH_GATHERS_TO = 24
BATCH_GATHERS_S = 0.003
# An order that waited this long for its turn is refused as unavailable (and its claim given back).
QUEUE_WAIT_S = 2.0
# Orders waiting in one process; more cannot be served within QUEUE_WAIT_S.
QUEUE_MAX = 8_192
# A commit whose answer was lost may still be arriving for this long after its statement timed out.
IN_DOUBT_SLACK_S = 3.0
# A checkout claim older than this is past every statement that could commit it: the reconciler gives it back.
CLAIM_ABANDONED_S = 12.0
# The reconciler and the sweepers look this often.
RECONCILE_INTERVAL_S = 0.5
# One process reconciles; when it dies another takes over after this.
RECONCILE_LEAD_S = 1.0
SWEEP_INTERVAL_S = 1.0
SWEEP_BATCH = 200
# Longest time the gate may stay too low once all is quiet.
GATE_HEALED_S = 2.0
# A payment may take this long after placing; then the order is cancelled, its stock released.
PAYMENT_WINDOW_S = 15 * 60
PAYMENT_WINDOW_MIN_S = 1
PAYMENT_WINDOW_MAX_S = 7 * 24 * 3600
PAYMENT_SLACK_S = 60
# A hold outlives a payment begun under it, so that no shopper loses the units while paying.
HOLD_TTL_S = 20 * 60
HOLD_TTL_MIN_S = 1
HOLD_TTL_MAX_S = 24 * 3600
# Claims that the gate admits in one call; they keep other calls waiting for so long.
ADMITTED_AT_ONCE_MAX = 64
# A key and its answer are remembered this long (those of orders longer, see ORDER_CLAIM_MEMORY_S).
IDEMPOTENCY_MEMORY_S = 24 * 3600
# Attempts to pay one order.
PAYMENT_ATTEMPTS_MAX = 10

holds(
    CLAIM_ABANDONED_S > QUEUE_WAIT_S + STATEMENT_TIMEOUT_S + IN_DOUBT_SLACK_S,
    "an abandoned claim must be past every commit",
)
holds(QUEUE_WAIT_S + STATEMENT_TIMEOUT_S < REQUEST_DEADLINE_S, "waiting and deciding must fit one request")
holds(BATCH_MAX * COMMITTERS_PER_PROCESS < QUEUE_MAX, "the queue must hold the next batches")
holds(HOLD_TTL_S > PAYMENT_WINDOW_S + PAYMENT_SLACK_S, "a hold must outlast the payment window and its slack")
holds(HOLD_TTL_MAX_S <= IDEMPOTENCY_MEMORY_S, "a hold must expire before its record is dropped")
holds(
    RECONCILE_INTERVAL_S < RECONCILE_LEAD_S,
    "a reconciler that lives must renew its lead before it ends",
)
holds(
    RECONCILE_LEAD_S + RECONCILE_INTERVAL_S < GATE_HEALED_S,
    "a new reconciler's first look must fit the promised healing time",
)
holds(
    PAYMENT_WINDOW_MIN_S <= PAYMENT_WINDOW_S <= PAYMENT_WINDOW_MAX_S,
    "the default payment window must be allowed",
)
holds(HOLD_TTL_MIN_S <= HOLD_TTL_S <= HOLD_TTL_MAX_S, "the default hold must be allowed")
holds(
    BATCH_MAX * CHECKOUT_LINES_MAX < 2**16,
    "the rows of one batch must stay countable in one statement's arrays",
)

# --- Carts and the catalogue --------------------------------------------------------------------------

# A cart untouched this long leaves the gate (Postgres keeps it) ...
CART_TTL_S = 7 * 24 * 3600
# ... and is deleted from Postgres after this.
CART_MEMORY_S = 90 * 24 * 3600
# How often old carts are looked for: it is a scan of all of them.
CART_FORGET_INTERVAL_S = 3600
# Longest time a cart edit is only in the gate.
CART_PERSIST_INTERVAL_S = 0.5
CART_BEHIND_MAX_S = 1.0
CART_PERSIST_BATCH = 500
# Carts that may wait in one process for Postgres to come back; beyond this, edits are refused.
CART_DIRTY_MAX = 50_000
# Carts whose currency a process remembers, so that a line edit needs one call of the gate and not two.
CART_CURRENCIES_MAX = 100_000
# Offers (a SKU in a currency) that one process knows, at 400 bytes each.
OFFERS_MAX = 1_000_000
# Encoded documents that one process keeps.
CATALOG_ENTRIES_MAX = 120_000
CATALOG_BYTES_MAX = 96 * 1024 * 1024
# They are kept compressed. Plain bytes, of documents up to this length, are kept only for as many as were asked for lately
# by clients that do not take gzip; a longer document is kept in both forms.
CATALOG_OPENED_ENTRIES_MAX = 1_024
CATALOG_OPENED_MAX_BYTES = 16 * 1024
CATALOG_SHARED_TTL_S = 300
# An unknown slug is remembered briefly so that a crawler cannot reach Postgres with guesses.
CATALOG_NEGATIVE_TTL_S = 5
CATALOG_LIST_TTL_S = 5
# A change is seen by every process within this.
INVALIDATION_MAX_S = 0.2
# An admin's product with many variants, or a price list, as one JSON body.
PRODUCT_BODY_MAX_BYTES = 1024 * 1024
# Options that variants differ by, and values of one; their combinations are bounded as all variants of a product are.
VARIANT_OPTIONS_MAX = 5
OPTION_VALUES_MAX = 100
# Pictures of a product, attributes of a product, categories that it is in.
PRODUCT_IMAGES_MAX = 100
PRODUCT_ATTRIBUTES_MAX = 100
PRODUCT_CATEGORIES_MAX = 50
# Levels of the category tree, and the categories that its public document shows.
CATEGORY_DEPTH_MAX = 10
CATEGORIES_MAX = 5_000
# Prices that one list or one request sets: they change in one commit, which their stock rows are locked for.
PRICE_LIST_ENTRIES_MAX = 1_000
# How often the relay looks for products to publish and price lists to begin or end.
CATALOG_CLOCK_INTERVAL_S = 0.5
# A signed address takes an upload this long, and a picture has at most so many bytes.
UPLOAD_WINDOW_S = 15 * 60
UPLOAD_MAX_BYTES = 20 * 1024 * 1024
# Matches that a listing counts and sorts; more are met by going along the order's index, past so many products.
SEARCH_MATCHES_MAX = 1_000
SEARCH_WALK_MAX = 5_000
# In a larger catalogue a few products are looked at first, to know whether a question is about many: what a fifth of them
# says is then taken for more than SEARCH_MATCHES_MAX; in one four times as large a tenth, and a sixteenth of a branch.
SEARCH_PROBED_FROM = 20_000
# Matches over which a listing's facets are counted.
SEARCH_FACETS_MAX = 500
# Suggestions of each kind, and products that are looked at for them when no title begins as asked.
SUGGESTIONS_MAX = 8
SUGGESTION_MATCHES_MAX = 200
# Listings, searches and reviews that one process keeps, apart from the products' pages: questions are without number, and
# must not wash those out. A list that everyone asks for stays; so does its spelling, when it is no longer than this.
SEARCH_BYTES_MAX = 24 * 1024 * 1024
SEARCH_ENTRIES_MAX = 10_000
SEARCH_SPELLING_MAX_CHARS = 300
# What is written about a product.
REVIEW_TITLE_MAX_CHARS = 120
REVIEW_TEXT_MAX_CHARS = 5_000
REVIEW_AUTHOR_MAX_CHARS = 40
REVIEW_REASON_MAX_CHARS = 500
# What a browser may keep, and what a CDN may, of public catalogue documents.
CACHE_BROWSER_S = 5
CACHE_SHARED_S = 30
CACHE_STALE_S = 60

holds(
    WEBHOOK_BODY_MAX_BYTES < PRODUCT_BODY_MAX_BYTES < IMPORT_BODY_MAX_BYTES,
    "what is too large for a product's body is a file",
)
holds(
    CATALOG_OPENED_ENTRIES_MAX * CATALOG_OPENED_MAX_BYTES < CATALOG_BYTES_MAX // 4,
    "what is kept a second time must stay small beside what is kept",
)
holds(
    PAGE_MAX < SEARCH_FACETS_MAX <= SEARCH_MATCHES_MAX < SEARCH_WALK_MAX,
    "a page must fit what is read for it",
)
holds(SEARCH_PROBED_FROM // 10 > SEARCH_MATCHES_MAX, "what a tenth of the catalogue says must be many")
holds(
    4 * SEARCH_PROBED_FROM // 32 > SEARCH_MATCHES_MAX,
    "so must be half of what is taken for many in a large one",
)
holds(REVIEW_TEXT_MAX_CHARS * 3 < BODY_MAX_BYTES, "a review of the longest text must fit a body")
holds(CART_PERSIST_INTERVAL_S < CART_BEHIND_MAX_S, "a cart must be written within its promise")
holds(CART_TTL_S > HOLD_TTL_MAX_S, "a cart must outlive its hold")
holds(CART_MEMORY_S > CART_TTL_S, "Postgres must remember a cart longer than the gate does")

# --- Providers, actors and the outbox -----------------------------------------------------------------

# One call of a provider, connect included; no call happens inside a request.
PROVIDER_CONNECT_TIMEOUT_S = 3.0
PROVIDER_TIMEOUT_S = 10.0
# Calls that one actor run makes for one id at most: do, and ask what became of it.
PROVIDER_CALLS_PER_RUN = 2
# Calls at once per provider and process.
PROVIDER_CONCURRENCY = 32
# Connections to the mail server per process; one mail at a time on each.
SMTP_CONNECTIONS = 4
# Failures before a provider's breaker opens, and how long it then rests.
BREAKER_FAILURES = 5
BREAKER_WINDOW_S = 1.0
BREAKER_REST_S = 5.0
# A run that takes longer is stopped; what it did is found by asking the provider.
ACTOR_TIME_LIMIT_S = 25.0
# Ids of one message, and of those how many are worked on at once.
RELAY_GROUP_MAX = 100
ACTOR_CONCURRENCY = 32
# An actor that finds no connection to Postgres tries again after this, until its run's time is over.
ACTOR_DATABASE_PAUSE_S = 0.5
# What works after the answer gives way to who waits for one: the scheduling priority of work, relay and sandbox in `up`.
BACKGROUND_NICE = 10
# Rows that the relay reads at a time, and how often it looks when nothing notifies it.
RELAY_BATCH = 500
RELAY_INTERVAL_S = 0.25
# A row not finished by its actor within this is sent again.
OUTBOX_DEADLINE_S = 28.0
# Tries of one row, the wait before each grows from the first to the last number; then it is parked.
OUTBOX_ATTEMPTS_MAX = 8
OUTBOX_BACKOFF_MIN_S = 1.0
OUTBOX_BACKOFF_MAX_S = 300.0
# A payment whose outcome is unknown is asked again this often.
PAYMENT_ASK_AGAIN_S = 5.0
# A message to a subscriber of ours is tried this often, with waits that double up to the last number: a day in all.
WEBHOOK_SEND_ATTEMPTS_MAX = 18
WEBHOOK_SEND_BACKOFF_MIN_S = 5.0
WEBHOOK_SEND_BACKOFF_MAX_S = 4 * 3600.0
# After a rotation both secrets sign for this long.
WEBHOOK_ROTATION_S = 24 * 3600
WEBHOOK_ENDPOINTS_MAX = 50
# A webhook older than this (signed time) is refused as replayed.
WEBHOOK_TOLERANCE_S = 300
# A webhook for an order we do not know yet waits this long before it is parked.
WEBHOOK_UNKNOWN_ORDER_S = 600
# Losing the broker or a worker: everything is on its way again within this.
RESUME_MAX_S = 30.0

holds(
    WEBHOOK_SEND_BACKOFF_MIN_S < WEBHOOK_SEND_BACKOFF_MAX_S < WEBHOOK_ROTATION_S,
    "a message must be tried again while both secrets still sign",
)
holds(PROVIDER_CONNECT_TIMEOUT_S < PROVIDER_TIMEOUT_S, "connecting is a part of a call")
holds(
    ACTOR_TIME_LIMIT_S > PROVIDER_TIMEOUT_S * PROVIDER_CALLS_PER_RUN,
    "an actor must outlast its provider calls",
)
holds(
    OUTBOX_DEADLINE_S > ACTOR_TIME_LIMIT_S, "a row must not be sent again while its actor may still finish it"
)
holds(
    OUTBOX_DEADLINE_S + RELAY_INTERVAL_S * 2 < RESUME_MAX_S, "lost work must be sent again within the promise"
)
holds(ACTOR_CONCURRENCY <= RELAY_GROUP_MAX <= RELAY_BATCH, "a group is worked in parts and read whole")
holds(
    OUTBOX_BACKOFF_MIN_S < OUTBOX_BACKOFF_MAX_S < PAYMENT_WINDOW_S,
    "a retry must come within the payment window",
)
