"""The rates that a new shop starts with. A merchant replaces them by those that apply to the shop.

Source: standard and main reduced rates as published by the countries, 2026. US rates are the states' own, without
counties and cities, which add theirs.
"""

from checkout.quoting.model import TaxRule

_EU_STANDARD_BP = {
    "AT": 2000,
    "BE": 2100,
    "BG": 2000,
    "CY": 1900,
    "CZ": 2100,
    "DE": 1900,
    "DK": 2500,
    "EE": 2400,
    "ES": 2100,
    "FI": 2550,
    "FR": 2000,
    "GR": 2400,
    "HR": 2500,
    "HU": 2700,
    "IE": 2300,
    "IT": 2200,
    "LT": 2100,
    "LU": 1700,
    "LV": 2100,
    "MT": 1800,
    "NL": 2100,
    "PL": 2300,
    "PT": 2300,
    "RO": 2100,
    "SE": 2500,
    "SI": 2200,
    "SK": 2300,
}
_EU_REDUCED_BP = {"AT": 1000, "DE": 700, "ES": 1000, "FR": 550, "IT": 1000, "NL": 900, "PL": 800}
_US_STATE_BP = {
    "AZ": 560,
    "CA": 725,
    "CO": 290,
    "FL": 600,
    "GA": 400,
    "IL": 625,
    "MA": 625,
    "MI": 600,
    "NC": 475,
    "NJ": 663,
    "NY": 400,
    "OH": 575,
    "PA": 600,
    "TN": 700,
    "TX": 625,
    "VA": 430,
    "WA": 650,
}
EU_COUNTRIES = tuple(_EU_STANDARD_BP)

DEFAULT_RATES = (
    *(TaxRule(country, "", "standard", "VAT", rate, True) for country, rate in _EU_STANDARD_BP.items()),
    *(TaxRule(country, "", "reduced", "VAT", rate, True) for country, rate in _EU_REDUCED_BP.items()),
    TaxRule("GB", "", "standard", "VAT", 2000, True),
    TaxRule("GB", "", "reduced", "VAT", 500, True),
    TaxRule("GB", "", "zero", "VAT", 0, True),
    TaxRule("IN", "", "standard", "GST", 1800, True),
    TaxRule("IN", "", "reduced", "GST", 500, True),
    TaxRule("CH", "", "standard", "VAT", 810, True),
    TaxRule("CH", "", "reduced", "VAT", 260, True),
    TaxRule("NO", "", "standard", "VAT", 2500, True),
    TaxRule("AU", "", "standard", "GST", 1000, True),
    TaxRule("JP", "", "standard", "JCT", 1000, True),
    TaxRule("JP", "", "reduced", "JCT", 800, True),
    TaxRule("CA", "", "standard", "GST", 500, False),
    *(
        TaxRule("US", state, "standard", f"{state} sales tax", rate, False)
        for state, rate in _US_STATE_BP.items()
    ),
)
