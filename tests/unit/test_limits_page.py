"""docs/limits.md says what the code does: the figures are compared with the constants themselves."""

import re
from pathlib import Path

import pytest

from assetmix.api import body, gate
from assetmix.api.dialects.investsuite.reading import query
from assetmix.estimation import given_check, spec_check
from assetmix.marketdata import csv_source, rows
from assetmix.optimization import check, frontier
from assetmix.services import market_data, portfolios, preparation, price_upload, webhooks
from assetmix.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "limits.md").read_text("utf-8")


def default(name: str) -> float:
    return float(Settings.model_fields[name].default)


@pytest.mark.parametrize(
    ("what", "figure"),
    [
        ("body of prices", default("most_data_mb")),
        ("any other body", default("most_body_mb")),
        ("depth of a JSON document", body.DEEPEST),
        ("headers of a request", gate.MOST_HEADERS),
        ("bytes of all headers", gate.HEADER_BYTES),
        ("seconds until the headers", default("patience_seconds")),
        ("instruments that a run concerns", check.MOST_ASSETS),
        ("columns of a table of prices", rows.MOST_COLUMNS),
        ("characters of a line of CSV", csv_source.LONGEST_LINE),
        ("uploads of prices that are read at a time", price_upload.AT_ONCE),
        ("constraints of a strategy", check.MOST_CONSTRAINTS),
        ("holdings of a portfolio", portfolios.MOST_HOLDINGS),
        ("instruments of one upload", market_data.MOST_INSTRUMENTS),
        ("groups that an instrument belongs to", market_data.MOST_MARKS),
        ("rows of prices", rows.MOST_ROWS),
        ("exchange rates of one upload", price_upload.MOST_RATES),
        ("instruments of an uploaded risk model", given_check.MOST_INSTRUMENTS),
        ("views of a forecast", spec_check.MOST_VIEWS),
        ("points of a frontier", frontier.MOST_POINTS),
        ("seconds that a run may take", preparation.MOST_SECONDS),
        ("money of a portfolio", check.MOST_MONEY),
        ("requests of a tenant in a minute", default("requests_per_minute")),
        ("runs of a tenant that wait or run", default("active_runs")),
        ("endpoints of a tenant", webhooks.MOST),
        ("attempts to send a message", len(Settings.model_fields["webhook_pauses"].default)),
        ("characters of a query", query.LONGEST),
        ("items on a page of an InvestSuite", query.MOST),
        ("faults named in one answer", check.MOST_FAULTS),
    ],
)
def test_a_published_limit_is_the_one_that_holds(what: str, figure: float) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {what}"))
    published = row.split("|")[2]

    assert float(re.sub(r"[^\d.e]", "", published.replace("MB", "").replace("each", ""))) == figure
