"""Bounds of files, of accounts, and of what is kept and for how long."""

from config.limits.clients import PAGE_MAX
from config.limits.holds import holds
from config.limits.selling import (
    ACTOR_TIME_LIMIT_S,
    IDEMPOTENCY_MEMORY_S,
    OUTBOX_DEADLINE_S,
    PAYMENT_SLACK_S,
    PAYMENT_WINDOW_MAX_S,
    WEBHOOK_UNKNOWN_ORDER_S,
)
from config.limits.stores import LOCK_WAIT_S, STATEMENT_TIMEOUT_S

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
# After each chunk an import leaves Postgres alone for this share of the time that the chunk took there: the shop's turn.
# Its process reads the next chunk all the while, behind all others (BACKGROUND_NICE).
BULK_REST_SHARE = 0.25
# Tries of a chunk that met a deadlock or a lock held too long.
BULK_CHUNK_TRIES = 5
# A job that nobody has moved for this long is given to the workers again.
BULK_STALLED_S = 120.0
# Files and problems of finished jobs are kept this long.
BULK_FILE_MEMORY_S = 7 * 24 * 3600
BULK_SWEEP_INTERVAL_S = 30.0

holds(
    BULK_SLICE_S + STATEMENT_TIMEOUT_S < ACTOR_TIME_LIMIT_S,
    "a slice and its last chunk must fit an actor's run",
)
holds(
    OUTBOX_DEADLINE_S < BULK_STALLED_S < BULK_TRANSFER_S,
    "a job is stalled when no outbox row is left to move it",
)
holds(BULK_PIECE_BYTES <= BULK_RECORD_MAX_BYTES, "the reader holds whole pieces")

# --- Accounts -----------------------------------------------------------------------------------------

SECRET_KEY_MIN_CHARS = 32
# Length is what makes a password strong (NIST SP 800-63B); common ones are refused whatever their length.
PASSWORD_MIN_CHARS = 10
PASSWORD_MAX_CHARS = 128
# Hashing gives way to the event loop's thread: the scheduling priority of the threads that do it.
PASSWORD_HASHING_NICE = 10
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

holds(API_KEY_REMEMBERED_S < API_KEY_USE_NOTED_S, "a key must be read again before its use is noted again")
holds(ACCESS_TOKEN_TTL_S < REFRESH_TOKEN_TTL_S, "a refresh token must outlive the access token it renews")
holds(PASSWORD_MIN_CHARS < PASSWORD_MAX_CHARS, "some password must be possible")
holds(
    PASSWORD_RESET_TTL_S < REGISTRATION_TTL_S < REFRESH_TOKEN_TTL_S,
    "the more a link opens, the shorter it must work",
)
holds(ADDRESSES_MAX <= PAGE_MAX, "an address book must fit one page")

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

holds(
    ORDER_CLAIM_MEMORY_S >= IDEMPOTENCY_MEMORY_S,
    "Postgres must know an order's key for as long as the gate does",
)
holds(
    ORDER_CLAIM_MEMORY_S > PAYMENT_WINDOW_MAX_S + PAYMENT_SLACK_S,
    "an order that may still be cancelled must find its claim, to free its cart",
)
holds(WEBHOOK_MEMORY_S > WEBHOOK_UNKNOWN_ORDER_S, "a webhook must not be forgotten while it waits")
holds(
    ORDER_LIVE_MONTHS_MIN * 28 * 24 * 3600 > ORDER_CLAIM_MEMORY_S,
    "an order must not be archived while its key is remembered",
)
holds(MONTHS_AHEAD >= 2, "a relay that is away over a month's end must not be missed")

# --- Personal data under another key --------------------------------------------------------------------

# Rows that `checkout keys rotate` seals at once, and holds locked meanwhile: about 3 µs a seal and a statement.
RESEAL_BATCH = 500
# The pause between two batches: the shop is open and goes first.
RESEAL_PAUSE_S = 0.005
# Walks over a table for rows that somebody was working on.
RESEAL_PASSES_MAX = 8

holds(
    RESEAL_PAUSE_S * 2**RESEAL_PASSES_MAX < LOCK_WAIT_S,
    "a rotation must not wait longer for a row than others do",
)
