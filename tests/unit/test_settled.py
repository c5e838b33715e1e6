"""What follows from a strategy: worked out once of a stored one, never kept of one that a request brings."""

from dataclasses import replace

from assetmix.codec.documents import STRATEGY, digest
from assetmix.optimization.check import check_strategy
from assetmix.optimization.constraints.cash import Cash
from assetmix.services.settled import settled
from tests.makers import make_strategy

WRONG = Cash(lower_fraction=0.2, upper_fraction=0.1)


def test_it_is_what_the_strategy_says() -> None:
    strategy = replace(make_strategy(), constraints=(WRONG,))

    found = settled(strategy, "wrong")

    assert found.document == STRATEGY.write(strategy)
    assert found.key == digest(STRATEGY.write(strategy))
    assert list(found.faults) == check_strategy(strategy)
    assert [one.pointer for one in found.faults] == ["/constraints/0/lower_fraction"]


def test_a_stored_strategy_is_settled_once_and_another_by_its_name_anew() -> None:
    strategy, read_again = make_strategy(), make_strategy()

    assert settled(strategy, "stored") is settled(strategy, "stored")
    assert settled(read_again, "stored").strategy is read_again
    assert settled(read_again, "stored") is settled(read_again, "stored")


def test_what_a_request_brings_is_not_kept() -> None:
    strategy = make_strategy()

    assert settled(strategy, None) is not settled(strategy, None)
