"""What the edge counts; docs/metrics.md is generated from CATALOGUE and from the lists of the other folders."""

from checkout.edge.metrics import CPU, RESIDENT, Described

REQUESTS = Described(
    "checkout_http_requests_total", "counter", "Answers by route and status", ("route", "status")
)
SECONDS = Described(
    "checkout_http_request_seconds", "histogram", "Time from the parsed head to the answer", ("route",)
)
IN_FLIGHT = Described("checkout_http_in_flight", "gauge", "Requests being worked on")
ROOM = Described("checkout_http_room", "gauge", "Requests that may be worked on at once (adapts)")
STREAMS = Described("checkout_http_streams", "gauge", "Open event streams")
SHED = Described("checkout_http_shed_total", "counter", "Refused under overload, by priority", ("priority",))
LIMITED = Described("checkout_http_limited_total", "counter", "Refused by a rate limit", ("policy",))
FELL_BACK = Described(
    "checkout_limit_fell_back_total", "counter", "Requests counted in the process because Redis was away"
)
PROBLEMS = Described("checkout_http_problems_total", "counter", "Problem documents by code", ("code",))
SLOW_CLOSED = Described(
    "checkout_http_slow_closed_total", "counter", "Connections closed for dribbling, by part", ("part",)
)
CONNECTIONS = Described("checkout_http_connections", "gauge", "Open connections")
OFFERS = Described(
    "checkout_offers_known", "gauge", "Prices that serve processes know: of a SKU in a currency, in each"
)
LOOP_LAG = Described("checkout_loop_lag_seconds", "gauge", "How late the event loop ran, last look")

CATALOGUE = (
    REQUESTS, SECONDS, IN_FLIGHT, ROOM, STREAMS, SHED, LIMITED, FELL_BACK, PROBLEMS, SLOW_CLOSED, CONNECTIONS,
    OFFERS, LOOP_LAG, RESIDENT, CPU,
)  # fmt: skip
