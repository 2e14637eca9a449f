"""Every bound in the system: why it exists, its number, and how it relates to the others.

The relations at the end of each section are evaluated at import: a number changed without its neighbours
stops the start. Names carry their unit last. Nothing here is read from the environment; the few bounds that
an operator may move are settings whose accepted range is written here.
"""


def _holds(relation: bool, why: str) -> None:
    """Refuse to load a set of bounds that contradict each other (survives `python -O`).

    Raises: AssertionError naming the relation that is broken.
    """
    if not relation:
        raise AssertionError(f"config/limits.py: {why}")


# --- What a client may send ---------------------------------------------------------------------------

# A browse or cart request never carries more than a few kilobytes; small bodies keep a flood cheap to refuse.
BODY_MAX_BYTES = 16 * 1024
# A checkout with CHECKOUT_LINES_MAX inline lines, two addresses and coupons is about 12 kB; double it.
CHECKOUT_BODY_MAX_BYTES = 32 * 1024
# Webhooks carry whole provider objects.
WEBHOOK_BODY_MAX_BYTES = 256 * 1024
# An import's file: two million rows of a line each. It goes to Postgres as it comes, so no process ever holds it.
IMPORT_BODY_MAX_BYTES = 256 * 1024 * 1024
# Request line and header fields, each: aiohttp's own defaults, written down because the proxies must agree.
HEADER_FIELD_MAX_BYTES = 8190
HEADER_LINE_MAX_BYTES = 8190
# Idempotency-Key length accepted (printable ASCII).
IDEMPOTENCY_KEY_MAX_CHARS = 255
TEXT_MAX_CHARS = 200
EMAIL_MAX_CHARS = 254
URL_MAX_CHARS = 2000
SKU_MAX_CHARS = 64
COUPON_CODE_MAX_CHARS = 40
SEARCH_QUERY_MAX_CHARS = 100
# Items of one page of any list.
PAGE_DEFAULT = 20
PAGE_MAX = 100
# Orders that one search looks at: what is rarer is found on a later page, and no search scans a shop.
ORDERS_LOOKED_AT_MAX = 20_000

# Lines in a cart and in a checkout: one claim script and one stock statement stay short.
CART_LINES_MAX = 100
CHECKOUT_LINES_MAX = 100
# A cart's id is a secret of 192 bits; shorter or longer text is no cart's.
CART_ID_MIN_CHARS = 22
CART_ID_MAX_CHARS = 64
# Units of one line: more is a business customer on the telephone.
LINE_QUANTITY_MAX = 10_000
# Coupons that one cart may carry: each is one more row to claim.
COUPONS_MAX = 5
# Dearest unit in minor units: fifty million of a two-decimal currency. The dearest cart stays an integer that
# every JSON reader holds exactly.
UNIT_PRICE_MAX_MINOR = 5_000_000_000
JSON_INTEGER_MAX = 2**53 - 1
# Years that a time may be in: what lies outside is a slip, and overflows somewhere.
YEAR_MIN = 2000
YEAR_MAX = 8999
# Units in stock of one SKU.
STOCK_MAX = 1_000_000_000
# A SKU that has no threshold of its own is low at this many units that may be sold from the shelf.
LOW_STOCK_UNITS = 5
# Thresholds that the relay compares with the stock in one look, one after the other over all of them.
LOW_STOCK_LOOKS = 2_000
# Places where units lie; a SKU's stock by location is always one answer. Their order is a number up to this.
LOCATIONS_MAX = 200
LOCATION_PRIORITY_MAX = 1_000_000
# SKUs of one receipt, transfer or count: as many stock rows are locked for one commit.
STOCK_LINES_MAX = 100
# Rows of one call of an external inventory system, and of those how many share a commit and its locks.
STOCK_FEED_ROWS_MAX = 1_000
STOCK_FEED_CHUNK = 100
STOCK_FEED_BODY_MAX_BYTES = 512 * 1024
# Their clock may be ahead of ours by this; a figure from farther in the future would block all that follow.
STOCK_FEED_AHEAD_S = 300
# An expected receipt may be sold against this long ahead.
PREORDER_AHEAD_MAX_S = 2 * 365 * 24 * 3600
# Basis points: 100 % is 10 000.
BASIS_POINTS = 10_000
WEIGHT_MAX_G = 10_000_000

_holds(
    BODY_MAX_BYTES < CHECKOUT_BODY_MAX_BYTES < WEBHOOK_BODY_MAX_BYTES < IMPORT_BODY_MAX_BYTES,
    "body sizes must rise",
)
_holds(
    CHECKOUT_LINES_MAX * 100 + 4096 <= CHECKOUT_BODY_MAX_BYTES,
    "a checkout of the most lines must fit its body limit",
)
_holds(CART_LINES_MAX == CHECKOUT_LINES_MAX, "every full cart must be able to check out")
_holds(
    CART_LINES_MAX * LINE_QUANTITY_MAX * UNIT_PRICE_MAX_MINOR <= JSON_INTEGER_MAX,
    "the dearest total must be exact for every JSON reader",
)
_holds(
    PAGE_DEFAULT <= PAGE_MAX < ORDERS_LOOKED_AT_MAX,
    "the default page must be allowed, and a search must fill one",
)

_holds(STOCK_LINES_MAX * 140 <= BODY_MAX_BYTES, "a receipt of the most lines must fit the usual body limit")
_holds(
    STOCK_FEED_ROWS_MAX * 512 <= STOCK_FEED_BODY_MAX_BYTES <= IMPORT_BODY_MAX_BYTES,
    "a feed of the most rows must fit its body limit",
)
_holds(STOCK_FEED_CHUNK <= STOCK_FEED_ROWS_MAX, "a feed is taken in parts")

# --- How long a client may take, and how much it may ask at once --------------------------------------

# A client that dribbles its headers or its body is cut off after these; together at most 10 s.
HEADER_TIMEOUT_S = 5.0
BODY_TIMEOUT_S = 4.0
# How often the server looks for them.
SLOW_SWEEP_S = 0.25
# An idle kept-alive connection; longer than the usual proxy's so that the proxy closes first.
KEEPALIVE_TIMEOUT_S = 75.0
# From the first byte of the request to the answer. No request takes longer, whatever is down.
REQUEST_DEADLINE_S = 8.0
# Who asks for the invariants waits this long for a report that is being made; then the last one is the answer.
AUDIT_WAIT_S = 6.0
# A browse request that would wait longer than this is better refused.
BROWSE_DEADLINE_S = 2.0
# SIGTERM: refuse new connections, finish what runs, flush carts, leave.
DRAIN_TIMEOUT_S = 10.0
# The supervisor's patience before SIGKILL.
STOP_GRACE_S = 15.0
# Requests a process works on at once before it sheds. Checkout keeps room that browsing cannot take.
IN_FLIGHT_MAX = 1024
# Streams (server-sent events) that one process keeps open.
STREAMS_MAX = 2_000
SSE_HEARTBEAT_S = 15.0
# Request lines that a process finds its routes by without looking.
PATHS_REMEMBERED_MAX = 4_096
# Queue of connections that the kernel keeps for us.
LISTEN_BACKLOG = 4096
# serve processes of one node; the embedded Postgres must have a place for all their connections.
PROCESSES_MAX = 24
WORK_PROCESSES_MAX = 8
WORK_THREADS_MAX = 32
# Retry-After is spread so that the refused do not come back together.
RETRY_AFTER_MIN_S = 1
RETRY_AFTER_MAX_S = 5

_holds(HEADER_TIMEOUT_S + BODY_TIMEOUT_S + 2 * SLOW_SWEEP_S < 10, "a slow client must be closed within 10 s")
_holds(
    BROWSE_DEADLINE_S < REQUEST_DEADLINE_S < DRAIN_TIMEOUT_S < STOP_GRACE_S,
    "a drain must outlast a request, a kill a drain",
)
_holds(AUDIT_WAIT_S < REQUEST_DEADLINE_S, "who waits for a report must be answered within the deadline")
_holds(RETRY_AFTER_MIN_S <= RETRY_AFTER_MAX_S, "Retry-After must be a range")

# --- Postgres -----------------------------------------------------------------------------------------

# No statement of ours runs longer; what would is a bug or a sick database.
STATEMENT_TIMEOUT_S = 5.0
# A statement that waits longer for a lock gives up, leaving a second to fail cleanly in.
LOCK_WAIT_S = 4.0
# Making a connection, and waiting for one of a pool.
DATABASE_CONNECT_TIMEOUT_S = 2.0
DATABASE_POOL_WAIT_S = 2.0
# Connections of a serve process: reads and edits; committers; one that listens for invalidations.
SERVE_POOL_SIZE = 8
COMMITTERS_PER_PROCESS = 2
LISTENERS_PER_PROCESS = 1
# Connections of a work and of a relay process.
WORK_POOL_SIZE = 18
RELAY_POOL_SIZE = 8
# A connection that listens is asked this often whether it still lives.
LISTEN_KEEPALIVE_S = 5.0
# Left for people: audit, psql, migrations, metrics.
OPERATOR_CONNECTIONS = 24
# What the embedded Postgres is started with.
EMBEDDED_MAX_CONNECTIONS = 450
EMBEDDED_SHARED_BUFFERS_MB = 256
EMBEDDED_MAX_WAL_MB = 4096

_holds(LOCK_WAIT_S < STATEMENT_TIMEOUT_S, "a lock wait must end before its statement does")
_holds(STATEMENT_TIMEOUT_S + DATABASE_POOL_WAIT_S < REQUEST_DEADLINE_S, "one statement must fit a request")
_holds(
    PROCESSES_MAX * (SERVE_POOL_SIZE + COMMITTERS_PER_PROCESS + LISTENERS_PER_PROCESS)
    + WORK_PROCESSES_MAX * WORK_POOL_SIZE
    + 2 * RELAY_POOL_SIZE
    + OPERATOR_CONNECTIONS
    <= EMBEDDED_MAX_CONNECTIONS,
    "pools x processes must fit the server's connections",
)

# --- The gate (Valkey) --------------------------------------------------------------------------------

# A lane call takes well under a millisecond; a server that needs longer than this is treated as away.
GATE_TIMEOUT_S = 0.5
GATE_CONNECT_TIMEOUT_S = 0.5
# How long the lane waits between attempts to connect again.
GATE_RECONNECT_MIN_S = 0.05
GATE_RECONNECT_MAX_S = 1.0
# SKUs written by one rebuild script call.
REBUILD_CHUNK = 1_000
# Orders at once straight to Postgres while the gate is away, per process.
GATELESS_CONCURRENCY = 64
# Open databases of an embedded Valkey: tests take one each.
EMBEDDED_VALKEY_DATABASES = 4096

_holds(GATE_TIMEOUT_S < BROWSE_DEADLINE_S, "a gate that is away must be noticed within any request")

# --- The committer, claims and holds ------------------------------------------------------------------

# Orders of one statement: beyond this the statement's own time grows faster than its yield.
BATCH_MAX = 256
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
# A key and its answer are remembered this long (those of orders longer, see ORDER_CLAIM_MEMORY_S).
IDEMPOTENCY_MEMORY_S = 24 * 3600
# Attempts to pay one order.
PAYMENT_ATTEMPTS_MAX = 10

_holds(
    CLAIM_ABANDONED_S > QUEUE_WAIT_S + STATEMENT_TIMEOUT_S + IN_DOUBT_SLACK_S,
    "an abandoned claim must be past every commit",
)
_holds(QUEUE_WAIT_S + STATEMENT_TIMEOUT_S < REQUEST_DEADLINE_S, "waiting and deciding must fit one request")
_holds(BATCH_MAX * COMMITTERS_PER_PROCESS < QUEUE_MAX, "the queue must hold the next batches")
_holds(
    HOLD_TTL_S > PAYMENT_WINDOW_S + PAYMENT_SLACK_S, "a hold must outlast the payment window and its slack"
)
_holds(HOLD_TTL_MAX_S <= IDEMPOTENCY_MEMORY_S, "a hold must expire before its record is dropped")
_holds(
    RECONCILE_INTERVAL_S < RECONCILE_LEAD_S,
    "a reconciler that lives must renew its lead before it ends",
)
_holds(
    RECONCILE_LEAD_S + RECONCILE_INTERVAL_S < GATE_HEALED_S,
    "a new reconciler's first look must fit the promised healing time",
)
_holds(
    PAYMENT_WINDOW_MIN_S <= PAYMENT_WINDOW_S <= PAYMENT_WINDOW_MAX_S,
    "the default payment window must be allowed",
)
_holds(HOLD_TTL_MIN_S <= HOLD_TTL_S <= HOLD_TTL_MAX_S, "the default hold must be allowed")
_holds(
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
# Encoded documents that one process keeps.
CATALOG_ENTRIES_MAX = 120_000
CATALOG_BYTES_MAX = 96 * 1024 * 1024
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
# says is then taken for more than SEARCH_MATCHES_MAX.
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

_holds(
    WEBHOOK_BODY_MAX_BYTES < PRODUCT_BODY_MAX_BYTES < IMPORT_BODY_MAX_BYTES,
    "what is too large for a product's body is a file",
)
_holds(
    PAGE_MAX < SEARCH_FACETS_MAX <= SEARCH_MATCHES_MAX < SEARCH_WALK_MAX,
    "a page must fit what is read for it",
)
_holds(SEARCH_PROBED_FROM // 10 > SEARCH_MATCHES_MAX, "what a tenth of the catalogue says must be many")
_holds(REVIEW_TEXT_MAX_CHARS * 3 < BODY_MAX_BYTES, "a review of the longest text must fit a body")
_holds(CART_PERSIST_INTERVAL_S < CART_BEHIND_MAX_S, "a cart must be written within its promise")
_holds(CART_TTL_S > HOLD_TTL_MAX_S, "a cart must outlive its hold")
_holds(CART_MEMORY_S > CART_TTL_S, "Postgres must remember a cart longer than the gate does")

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

_holds(
    WEBHOOK_SEND_BACKOFF_MIN_S < WEBHOOK_SEND_BACKOFF_MAX_S < WEBHOOK_ROTATION_S,
    "a message must be tried again while both secrets still sign",
)
_holds(PROVIDER_CONNECT_TIMEOUT_S < PROVIDER_TIMEOUT_S, "connecting is a part of a call")
_holds(
    ACTOR_TIME_LIMIT_S > PROVIDER_TIMEOUT_S * PROVIDER_CALLS_PER_RUN,
    "an actor must outlast its provider calls",
)
_holds(
    OUTBOX_DEADLINE_S > ACTOR_TIME_LIMIT_S, "a row must not be sent again while its actor may still finish it"
)
_holds(
    OUTBOX_DEADLINE_S + RELAY_INTERVAL_S * 2 < RESUME_MAX_S, "lost work must be sent again within the promise"
)
_holds(ACTOR_CONCURRENCY <= RELAY_GROUP_MAX <= RELAY_BATCH, "a group is worked in parts and read whole")
_holds(
    OUTBOX_BACKOFF_MIN_S < OUTBOX_BACKOFF_MAX_S < PAYMENT_WINDOW_S,
    "a retry must come within the payment window",
)

# --- Imports and exports ------------------------------------------------------------------------------

# An upload, or a download, may take this long; the slow-client guard asks for 64 KiB a second meanwhile.
BULK_TRANSFER_S = 1_800.0
# Files lie in Postgres in pieces: small enough that writing one is a moment of the event loop.
BULK_PIECE_BYTES = 256 * 1024
# A row's longest text is a description; twice that in bytes, and room for a list of images.
BULK_RECORD_MAX_BYTES = 512 * 1024
# Rows of one commit: its locks are held for a fraction of a second, and a death costs no more work than that.
BULK_CHUNK_ROWS = 1_000
# Rows of one product: all its variants and images.
BULK_PRODUCT_ROWS_MAX = 2_500
# Products of one page of an export.
BULK_EXPORT_PRODUCTS = 500
# Rows with problems that an import remembers; beyond, they are only counted.
BULK_PROBLEMS_MAX = 10_000
# A worker works on one job for this long, then hands it on, so that jobs take turns and no run is stopped.
BULK_SLICE_S = 10.0
# After each chunk an import rests for this share of the time that the chunk took: the shop's turn.
BULK_REST_SHARE = 0.25
# Tries of a chunk that met a deadlock or a lock held too long.
BULK_CHUNK_TRIES = 5
# A job that nobody has moved for this long is given to the workers again.
BULK_STALLED_S = 120.0
# Files and problems of finished jobs are kept this long.
BULK_FILE_MEMORY_S = 7 * 24 * 3600
BULK_SWEEP_INTERVAL_S = 30.0

_holds(
    BULK_SLICE_S + STATEMENT_TIMEOUT_S < ACTOR_TIME_LIMIT_S,
    "a slice and its last chunk must fit an actor's run",
)
_holds(
    OUTBOX_DEADLINE_S < BULK_STALLED_S < BULK_TRANSFER_S,
    "a job is stalled when no outbox row is left to move it",
)
_holds(BULK_PIECE_BYTES <= BULK_RECORD_MAX_BYTES, "the reader holds whole pieces")

# --- Accounts -----------------------------------------------------------------------------------------

SECRET_KEY_MIN_CHARS = 32
# Length is what makes a password strong (NIST SP 800-63B); common ones are refused whatever their length.
PASSWORD_MIN_CHARS = 10
PASSWORD_MAX_CHARS = 128
# argon2id (OWASP's second profile: 19 MiB, two passes).
ARGON2_MEMORY_KIB = 19 * 1024
ARGON2_TIME_COST = 2
ARGON2_PARALLELISM = 1
# Hashes at once per process: more would starve the event loop's core.
ARGON2_CONCURRENCY = 1
ACCESS_TOKEN_TTL_S = 15 * 60
REFRESH_TOKEN_TTL_S = 30 * 24 * 3600
LOGIN_TRIES_MAX = 10
LOGIN_WINDOW_S = 15 * 60
# Sign-ins that may wait for their turn at the hash in one process; more are refused rather than left waiting.
ARGON2_WAITING_MAX = 32
# A link in a mail works once and this long.
REGISTRATION_TTL_S = 24 * 3600
PASSWORD_RESET_TTL_S = 30 * 60
# Mails that anybody may have sent to one address in MAIL_WINDOW_S.
MAILS_MAX = 6
MAIL_WINDOW_S = 3600
# Addresses in one account's book: a list of them is always one page.
ADDRESSES_MAX = 50
# Invoices, and the orders they are of, are kept ten years; then an erased person's data goes from them too.
ORDER_RETENTION_S = 10 * 366 * 24 * 3600

# API keys that a process knows without asking, and for how long: a change that is not notified is seen after this.
API_KEYS_REMEMBERED_MAX = 1_024
API_KEY_REMEMBERED_S = 10.0
# When a key was last used is noted this often at most.
API_KEY_USE_NOTED_S = 60.0
# Prices of one shipping zone: options by currency and weight.
SHIPPING_RATES_MAX = 1_000
# Permissions that one role or key may name.
PERMISSIONS_MAX = 100

_holds(API_KEY_REMEMBERED_S < API_KEY_USE_NOTED_S, "a key must be read again before its use is noted again")
_holds(ACCESS_TOKEN_TTL_S < REFRESH_TOKEN_TTL_S, "a refresh token must outlive the access token it renews")
_holds(PASSWORD_MIN_CHARS < PASSWORD_MAX_CHARS, "some password must be possible")
_holds(
    PASSWORD_RESET_TTL_S < REGISTRATION_TTL_S < REFRESH_TOKEN_TTL_S,
    "the more a link opens, the shorter it must work",
)
_holds(ADDRESSES_MAX <= PAGE_MAX, "an address book must fit one page")

# --- The embedded stores and the supervisor -----------------------------------------------------------

# A unix socket's path may be 107 bytes; the longest name that we put behind the folder is 14.
SOCKET_PATH_MAX_BYTES = 107
RUN_DIR_MAX_BYTES = 90
# Crash recovery of Postgres replays at most max_wal_size.
STORE_START_TIMEOUT_S = 60.0
STORE_STOP_TIMEOUT_S = 10.0
# A predecessor that is still dying is waited for this long, then killed.
STORE_PREDECESSOR_WAIT_S = 8.0
# A dead child is started again after the first wait; each further death doubles it up to the last.
RESTART_BACKOFF_MIN_S = 0.2
RESTART_BACKOFF_MAX_S = 5.0
# A child that lived this long has recovered: its next death waits the first wait again.
RESTART_SETTLED_S = 10.0

_holds(RUN_DIR_MAX_BYTES + 1 + 14 <= SOCKET_PATH_MAX_BYTES, "every socket's path must fit the kernel's limit")
_holds(
    RESTART_BACKOFF_MIN_S < RESTART_BACKOFF_MAX_S < RESTART_SETTLED_S,
    "the backoff must be able to grow and to end",
)
_holds(
    STORE_PREDECESSOR_WAIT_S < STORE_STOP_TIMEOUT_S < STORE_START_TIMEOUT_S,
    "a start must outlast a predecessor's end",
)

# --- What is forgotten, and the months of orders --------------------------------------------------------

# An Idempotency-Key that placed an order gets that order's answer for this long; then the same key would order anew. Its
# index is random, and small because of this: 30 days of 10 M orders a year are 820,000 rows.
ORDER_CLAIM_MEMORY_S = 30 * 24 * 3600
# The answer to an admin's request with an Idempotency-Key.
ADMIN_REQUEST_MEMORY_S = 30 * 24 * 3600
# A webhook that was handled; a provider repeats one for days, not for months.
WEBHOOK_MEMORY_S = 90 * 24 * 3600
# How often the relay makes months and looks for what may go, how many rows a statement, and the pause between two of them.
RETENTION_INTERVAL_S = 3600
RETENTION_BATCH = 1_000
RETENTION_PAUSE_S = 0.2
# Statistics over all months, which autovacuum does not keep.
MONTHS_ANALYZE_INTERVAL_S = 24 * 3600
# Months of orders that are made before they come.
MONTHS_AHEAD = 3
# Orders younger than this are never archived: disputes, returns and last year's figures need them.
ORDER_LIVE_MONTHS_MIN = 13

_holds(
    ORDER_CLAIM_MEMORY_S >= IDEMPOTENCY_MEMORY_S,
    "Postgres must know an order's key for as long as the gate does",
)
_holds(
    ORDER_CLAIM_MEMORY_S > PAYMENT_WINDOW_MAX_S + PAYMENT_SLACK_S,
    "an order that may still be cancelled must find its claim, to free its cart",
)
_holds(WEBHOOK_MEMORY_S > WEBHOOK_UNKNOWN_ORDER_S, "a webhook must not be forgotten while it waits")
_holds(
    ORDER_LIVE_MONTHS_MIN * 28 * 24 * 3600 > ORDER_CLAIM_MEMORY_S,
    "an order must not be archived while its key is remembered",
)
_holds(MONTHS_AHEAD >= 2, "a relay that is away over a month's end must not be missed")

# --- Personal data under another key --------------------------------------------------------------------

# Rows that `checkout keys rotate` seals at once, and holds locked meanwhile: about 3 µs a seal and a statement.
RESEAL_BATCH = 500
# The pause between two batches: the shop is open and goes first.
RESEAL_PAUSE_S = 0.005
# Walks over a table for rows that somebody was working on.
RESEAL_PASSES_MAX = 8

_holds(
    RESEAL_PAUSE_S * 2**RESEAL_PASSES_MAX < LOCK_WAIT_S,
    "a rotation must not wait longer for a row than others do",
)
