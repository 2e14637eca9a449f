"""The zones that a new shop ships to: two options, by weight, in EUR and USD, free above a limit."""

from checkout.quoting.model import REST_OF_WORLD, Bracket, ShippingRate, ShippingZone
from checkout.tax.seed import EU_COUNTRIES

_LIGHT_G, _PARCEL_G, _FREIGHT_G = 2_000, 31_500, 1_000_000


def _rate(
    code: str, days: tuple[int, int], prices: tuple[int, int, int], *, free_above: int | None = None
) -> ShippingRate:
    light, parcel, freight = prices
    return ShippingRate(
        code,
        code.capitalize(),
        *days,
        (
            Bracket(_LIGHT_G, light, free_above),
            Bracket(_PARCEL_G, parcel, free_above),
            Bracket(_FREIGHT_G, freight),
        ),
    )


def _zone(
    name: str,
    countries: tuple[str, ...],
    *,
    standard: tuple[int, int, int],
    express: tuple[int, int, int],
    standard_days: tuple[int, int],
    express_days: tuple[int, int],
    free_above: int | None,
) -> ShippingZone:
    rates = (
        _rate("standard", standard_days, standard, free_above=free_above),
        _rate("express", express_days, express),
    )
    return ShippingZone(name, countries, {"EUR": rates, "USD": rates})


DEFAULT_ZONES = (
    _zone(
        "Germany",
        ("DE",),
        standard=(490, 690, 4_900),
        express=(1_290, 1_690, 9_900),
        standard_days=(1, 3),
        express_days=(1, 1),
        free_above=7_500,
    ),
    _zone(
        "European Union",
        tuple(country for country in EU_COUNTRIES if country != "DE"),
        standard=(990, 1_490, 8_900),
        express=(1_990, 2_990, 17_900),
        standard_days=(3, 6),
        express_days=(1, 2),
        free_above=15_000,
    ),
    _zone(
        "United Kingdom and Switzerland",
        ("GB", "CH", "NO"),
        standard=(1_290, 1_990, 12_900),
        express=(2_490, 3_990, 24_900),
        standard_days=(4, 7),
        express_days=(2, 3),
        free_above=20_000,
    ),
    _zone(
        "United States and Canada",
        ("US", "CA"),
        standard=(1_490, 2_990, 19_900),
        express=(3_490, 5_990, 39_900),
        standard_days=(5, 9),
        express_days=(2, 4),
        free_above=20_000,
    ),
    _zone(
        "India",
        ("IN",),
        standard=(1_290, 2_690, 18_900),
        express=(2_990, 5_490, 37_900),
        standard_days=(6, 12),
        express_days=(3, 5),
        free_above=20_000,
    ),
    _zone(
        "Rest of the world",
        (REST_OF_WORLD,),
        standard=(1_990, 3_990, 29_900),
        express=(4_490, 7_990, 49_900),
        standard_days=(7, 18),
        express_days=(3, 7),
        free_above=None,
    ),
)
