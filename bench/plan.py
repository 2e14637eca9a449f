"""What a load process is told to do."""

from msgspec import Struct


class Plan(Struct, frozen=True):
    """Units: seconds. `ramp_s` is not judged; `number` tells load processes apart."""

    url: str
    users: int
    ramp_s: float
    steady_s: float
    skus: list[str]
    slugs: list[str]
    number: int = 0
    seed: int = 1
    listings: tuple[str, ...] = (
        "/v1/products?limit=20",
        "/v1/products?limit=20&sort=price&currency=EUR",
        "/v1/products?limit=40",
    )
