"""The demo's prices, read from the skfolio wheel where it lies; never copied.

skfolio carries daily adjusted closes of 20 US stocks and of the S&P 500 (1990-01-02 to
2022-12-28) and of five factor ETFs (from 2014-01-02). Only its files are read: importing the
package would take seconds.
"""

import csv
import gzip
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

from assetmix.errors import Unavailable

FILES = ("sp500_dataset.csv.gz", "sp500_index.csv.gz", "factors_dataset.csv.gz")


def demo_tables(ids: Mapping[str, str]) -> Iterator[str]:
    """Give wide CSV tables of prices whose columns are named by our ids.

    Parameters
    ----------
    ids : our id by skfolio's ticker

    Raises
    ------
    Unavailable
        when the wheel does not hold the files it is known to hold
    """
    for name in FILES:
        with gzip.open(_folder() / name, "rt", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines)
            columns = ",".join(ids[ticker] for ticker in header[1:])
            rows = (",".join([line[0][:10], *line[1:]]) for line in lines)
            yield "\n".join([f"date,{columns}", *rows])


def _folder() -> Path:
    spec = importlib.util.find_spec("skfolio")
    places = spec.submodule_search_locations if spec is not None else None
    folder = Path(places[0]) / "datasets" / "data" if places else Path()
    if not all((folder / name).is_file() for name in FILES):
        raise Unavailable("the installed skfolio has no demo prices where version 1.12 keeps them; install that one")
    return folder
