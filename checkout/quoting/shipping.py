"""Which shipping options a destination has for these goods, and at which price."""

from checkout.quoting.model import Rulebook, ShippingOption, ShippingRate


def price_of(
    rate: ShippingRate, *, weight_g: int, goods_minor: int, free_shipping: bool
) -> ShippingOption | None:
    """The option at its price for this weight and these (discounted) goods, or None when too heavy for it."""
    for bracket in rate.brackets:
        if weight_g <= bracket.up_to_weight_g:
            limit = bracket.free_above_minor
            free = free_shipping or (limit is not None and goods_minor >= limit)
            amount = 0 if free else bracket.amount_minor
            return ShippingOption(rate.code, rate.title, amount, rate.days_min, rate.days_max)
    return None


def shipping_options(
    rulebook: Rulebook, *, country: str, currency: str, weight_g: int, goods_minor: int, free_shipping: bool
) -> tuple[ShippingOption, ...]:
    """All options for these goods, cheapest first; none: not shipped there, so paid or so heavy."""
    zone = rulebook.zone(country)
    if zone is None:
        return ()
    priced = (
        price_of(rate, weight_g=weight_g, goods_minor=goods_minor, free_shipping=free_shipping)
        for rate in zone.rates.get(currency, ())
    )
    options = [option for option in priced if option is not None]
    options.sort(key=lambda option: (option.amount_minor, option.days_max, option.code))
    return tuple(options)
