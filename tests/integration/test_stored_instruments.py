"""Instruments in Postgres: what a snapshot of them is found again by."""

from assetmix.domain.instrument import Instrument
from assetmix.persistence import instruments
from assetmix.persistence.instruments import Concerned, State
from tests.integration.conftest import Bench


def made(key: str, name: str = "", currency: str = "USD", tags: tuple[str, ...] = ()) -> Instrument:
    return Instrument(id=key, name=name, currency=currency, tags=tags)


async def test_the_fingerprint_is_another_when_a_document_or_a_price_is_and_only_then(bench: Bench) -> None:
    tenant, other = await bench.tenant("one"), await bench.tenant("two")
    both = [made("A"), made("B", currency="EUR", tags=("x",))]
    for one in (tenant, other):
        await bench.do(instruments.put_instruments, one, [*both, made("C")])

    async def state(*ids: str, tags: tuple[str, ...] = ()) -> State:
        found, digest = await bench.do(instruments.get_state_and_digest, tenant, Concerned(ids, tags), "key")
        assert digest == "digest"  # the snapshot that every tenant of the bench has
        return found

    first = await state("A", "B")
    assert (first.count, first.currencies) == (2, {"USD", "EUR"})
    assert await state("B", "A", "unknown") == first == await state("A", tags=("x",))
    assert (await state("A")).fingerprint != first.fingerprint != (await state("A", "B", "C")).fingerprint
    await bench.do(instruments.put_instruments, tenant, both)
    await bench.do(instruments.put_instruments, other, [made("A", name="of another tenant")])
    assert await state("A", "B") == first

    await bench.do(instruments.put_instruments, tenant, [made("A", name="renamed")])
    renamed = await state("A", "B")
    await bench.do(instruments.touch_prices, tenant, ["B"])
    priced = await state("A", "B")
    assert len({first.fingerprint, renamed.fingerprint, priced.fingerprint}) == 3
    assert await bench.do(instruments.find_ids, tenant, Concerned(("B", "A", "unknown"))) == ("A", "B")


async def test_of_nothing_there_is_no_fingerprint(bench: Bench) -> None:
    tenant = await bench.tenant("one")

    found, digest = await bench.do(instruments.get_state_and_digest, tenant, Concerned(("A",)), "another key")

    assert (found, digest) == (State(0, None, frozenset()), None)
