"""Bounds of the stores, of connections to them, and of the embedded ones."""

from config.limits.clients import BROWSE_DEADLINE_S, PROCESSES_MAX, REQUEST_DEADLINE_S, WORK_PROCESSES_MAX
from config.limits.holds import holds

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
EMBEDDED_SHARED_BUFFERS_MB = 512
EMBEDDED_MAX_WAL_MB = 4096

holds(LOCK_WAIT_S < STATEMENT_TIMEOUT_S, "a lock wait must end before its statement does")
holds(STATEMENT_TIMEOUT_S + DATABASE_POOL_WAIT_S < REQUEST_DEADLINE_S, "one statement must fit a request")
holds(
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

holds(GATE_TIMEOUT_S < BROWSE_DEADLINE_S, "a gate that is away must be noticed within any request")

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

holds(RUN_DIR_MAX_BYTES + 1 + 14 <= SOCKET_PATH_MAX_BYTES, "every socket's path must fit the kernel's limit")
holds(
    RESTART_BACKOFF_MIN_S < RESTART_BACKOFF_MAX_S < RESTART_SETTLED_S,
    "the backoff must be able to grow and to end",
)
holds(
    STORE_PREDECESSOR_WAIT_S < STORE_STOP_TIMEOUT_S < STORE_START_TIMEOUT_S,
    "a start must outlast a predecessor's end",
)
