"""The strict way in: what parsers disagree about is refused before any schema is asked."""

import pytest

from assetmix.api.body import require_plain_json
from assetmix.api.problems import Problem
from assetmix.codec.documents import STRATEGY
from assetmix.errors import InvalidRequest


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b'{"a": 1,}', 400, "malformed-json"),
        (b'{"a": NaN}', 400, "malformed-json"),
        (b'{"a": -Infinity}', 400, "malformed-json"),
        (b'{"a": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
        (b'{"a": "\xff"}', 400, "malformed-json"),
        (b'\xef\xbb\xbf{"a": 1}', 400, "malformed-json"),
        (b'{"a": 1, "a": 2}', 400, "duplicate-key"),
        (b'{"b": [{"a": 1, "a": 1}]}', 400, "duplicate-key"),
        (b"[" * 33 + b"]" * 33, 400, "too-deep"),
        (b"[" * 5000, 400, "too-deep"),
        (b'{"a": "x\\u0000"}', 422, "validation-failed"),
    ],
)
def test_text_that_is_not_plain_json_is_refused(body: bytes, status: int, code: str) -> None:
    with pytest.raises(Problem) as refused:
        require_plain_json(body)

    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize(
    "body",
    [b'{"a": "' + b"[" * 100 + b'"}', b"[" * 32 + b"]" * 32, b'{"a": "\\\\u0000"}', b'{"a": {"b": 1}, "b": {"a": 1}}'],
)
def test_brackets_in_strings_and_escaped_backslashes_are_no_offence(body: bytes) -> None:
    require_plain_json(body)


def test_faults_of_a_schema_carry_pointers_and_never_the_input() -> None:
    body = b'{"objective": {"sense": "SECRET1", "terms": [{"measure": {"kind": "SECRET2"}, "weight": "SECRET3"}]}, "SECRET4": 1}'

    with pytest.raises(InvalidRequest) as refused:
        STRATEGY.read(body)

    found = {fault.pointer: fault.code for fault in refused.value.faults}
    assert found["/objective/sense"] == "literal_error"
    assert found["/objective/terms/0/measure"] == "unknown_kind"
    assert found["/objective/terms/0/weight"] == "float_type"
    assert "SECRET" not in "".join(fault.detail for fault in refused.value.faults)


def test_only_the_nearest_member_of_a_union_complains() -> None:
    body = b'{"objective": {"sense": "minimize", "terms": []}, "constraints": [{"kind": "group_weight", "scope": {"grouping": "sectors", "nam": "x"}}]}'

    with pytest.raises(InvalidRequest) as refused:
        STRATEGY.read(body)

    assert {fault.pointer for fault in refused.value.faults} == {
        "/constraints/0/scope/name",
        "/constraints/0/scope/nam",
    }


@pytest.mark.parametrize("wrong", [b'"1.0"', b"true", b"null"])
def test_numbers_must_be_numbers(wrong: bytes) -> None:
    body = (
        b'{"objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": ' + wrong + b"}]}}"
    )

    with pytest.raises(InvalidRequest) as refused:
        STRATEGY.read(body)

    assert refused.value.faults[0].pointer == "/objective/terms/0/weight"
