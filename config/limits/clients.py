"""Bounds of what clients send and ask."""

from config.limits.holds import holds

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

holds(
    BODY_MAX_BYTES < CHECKOUT_BODY_MAX_BYTES < WEBHOOK_BODY_MAX_BYTES < IMPORT_BODY_MAX_BYTES,
    "body sizes must rise",
)
holds(
    CHECKOUT_LINES_MAX * 100 + 4096 <= CHECKOUT_BODY_MAX_BYTES,
    "a checkout of the most lines must fit its body limit",
)
holds(CART_LINES_MAX == CHECKOUT_LINES_MAX, "every full cart must be able to check out")
holds(
    CART_LINES_MAX * LINE_QUANTITY_MAX * UNIT_PRICE_MAX_MINOR <= JSON_INTEGER_MAX,
    "the dearest total must be exact for every JSON reader",
)
holds(
    PAGE_DEFAULT <= PAGE_MAX < ORDERS_LOOKED_AT_MAX,
    "the default page must be allowed, and a search must fill one",
)

holds(STOCK_LINES_MAX * 140 <= BODY_MAX_BYTES, "a receipt of the most lines must fit the usual body limit")
holds(
    STOCK_FEED_ROWS_MAX * 512 <= STOCK_FEED_BODY_MAX_BYTES <= IMPORT_BODY_MAX_BYTES,
    "a feed of the most rows must fit its body limit",
)
holds(STOCK_FEED_CHUNK <= STOCK_FEED_ROWS_MAX, "a feed is taken in parts")

# --- How long a client may take, and how much it may ask at once --------------------------------------

# From the first byte of a request to its last: who dribbles is cut off. A shorter time would not make them fewer, only
# let them come again more often, and a new connection costs more than a waiting one.
ARRIVAL_TIMEOUT_S = 8.0
# How often the server looks for them; it closes those that it found until it looks again.
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
# Connections that a process takes in one turn of its loop.
ACCEPTS_A_TURN = 16
# serve's garbage collector looks after so many more objects than it left. What orders under way keep comes and goes by tens
# of thousands, all of it freed by its own count: a look found nothing, and stopped the process for 5 to 100 ms.
COLLECTED_AFTER = 200_000
# How long a turn of the loop may go on before its steps let those be heard who are refused.
BREATH_S = 0.001
# How many of them at once.
HEARD_AT_ONCE_MAX = 64
# serve processes of one node; the embedded Postgres must have a place for all their connections.
PROCESSES_MAX = 24
WORK_PROCESSES_MAX = 8
WORK_THREADS_MAX = 32
# Retry-After is spread so that the refused do not come back together.
RETRY_AFTER_MIN_S = 1
RETRY_AFTER_MAX_S = 5

holds(ARRIVAL_TIMEOUT_S + 2 * SLOW_SWEEP_S < 10, "a slow client must be closed within 10 s")
holds(
    BROWSE_DEADLINE_S < REQUEST_DEADLINE_S < DRAIN_TIMEOUT_S < STOP_GRACE_S,
    "a drain must outlast a request, a kill a drain",
)
holds(AUDIT_WAIT_S < REQUEST_DEADLINE_S, "who waits for a report must be answered within the deadline")
holds(RETRY_AFTER_MIN_S <= RETRY_AFTER_MAX_S, "Retry-After must be a range")
