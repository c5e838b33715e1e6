"""Groups of the documented groupings: names that are no misspelling even where nothing belongs to them.

Source: InvestSuite's documents of the policy and of the optimization.
"""

from collections.abc import Mapping

ASSET_CLASSES = ("alternatives", "bonds", "commodities", "stocks", "cash")
MORE_ASSET_CLASSES = ("corporate", "eurobond", "equity", "government", "money_market")
REGIONS = ("asia_pacific_developed", "emerging", "europe_developed", "north_america")
REGION_CLASSES = ("bonds", "stocks")
BOND_TYPES = ("convertible", "corporate", "government")
SECTORS = (
    "basic_materials",
    "consumer_cyclical",
    "consumer_defensive",
    "communication_services",
    "energy",
    "financial_services",
    "healthcare",
    "industrials",
    "real_estate",
    "technology",
    "utilities",
)

DOCUMENTED: Mapping[str, frozenset[str]] = {
    "asset_classes": frozenset((*ASSET_CLASSES, *MORE_ASSET_CLASSES)),
    "regions": frozenset(REGIONS),
    "bond_types": frozenset(BOND_TYPES),
    "sectors": frozenset(SECTORS),
}
