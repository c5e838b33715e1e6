"""IBM's errors for what is nobody's mistake but ours, and its moments."""

import json
from typing import Any

import pytest

from assetmix.api.dialects.ibm.writing import Times, write_run, write_time
from tests.golden.test_investsuite import finished

TIMES = Times(1_502_482_801_786_983_655, 1_502_482_802_000_000_001)


def body(result: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    response = write_run(finished(result, "failed"), TIMES, "documented")
    return response.status_code, json.loads(bytes(response.body))


def test_a_moment_reads_as_ibms_own_sample_does() -> None:
    # 2017-08-11 20:20:01 UTC, the moment of IBM's published answer
    assert write_time(TIMES.start) == "2017-08-11T20-20-01.786983655-UTC"
    assert write_time(TIMES.end) == "2017-08-11T20-20-02.000000001-UTC"


def test_a_failed_solver_is_500_though_ibms_sample_repeats_400() -> None:
    status, said = body(None)

    assert status == 500
    assert said["description"] == "Error occurred in the optimizer"
    assert said["httpcode"] == 500.0
    assert said["transactionid"] == "O01FGNGNS3R3836WB3JHD22J748"


@pytest.mark.parametrize(("status", "description"), [("infeasible", "Infeasible"), ("unbounded", "Unbounded")])
def test_what_cannot_be_is_400(status: str, description: str) -> None:
    code, said = body({"status": status, "sentence": "because", "conflict": [{"sentence": "of this"}]})

    assert (code, said["description"], said["conflict"]) == (400, description, ["because", "of this"])
