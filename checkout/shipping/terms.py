"""Whether a zone's rates make sense together: a pure function of them."""

from checkout.errors import Invalid
from checkout.shipping.shape import ZoneTerms


def refuse_nonsense(terms: ZoneTerms) -> None:
    """Raises: Invalid, naming what does not go with the rest."""
    errors: list[tuple[str, str]] = []
    if len(set(terms.countries)) < len(terms.countries):
        errors.append(("countries", "each country once"))
    seen: set[tuple[str, str, int]] = set()
    told: dict[tuple[str, str], tuple[str, int, int]] = {}
    for number, rate in enumerate(terms.rates):
        if (key := (rate.option, rate.currency, rate.up_to_weight_g)) in seen:
            errors.append((f"rates[{number}]", "an option has one price for a currency and weight"))
        seen.add(key)
        if rate.days_max < rate.days_min:
            errors.append((f"rates[{number}].days_max", "no fewer than days_min"))
        words = rate.title, rate.days_min, rate.days_max
        if told.setdefault((rate.option, rate.currency), words) != words:
            errors.append(
                (f"rates[{number}]", "an option has one title and one number of days for a currency")
            )
    if errors:
        raise Invalid(f"{errors[0][0]}: {errors[0][1]}", errors=errors)
