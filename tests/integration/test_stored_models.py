"""Risk models in Postgres: one default, figures shared, kept while something refers to them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from assetmix.errors import Conflict
from assetmix.persistence import risk_models
from assetmix.persistence.risk_models import NewModel
from tests.integration.conftest import Bench


def new(name: str, digest: str = "d1", *, default: bool = False) -> NewModel:
    return NewModel(name=name, digest=digest, is_default=default, document={"instruments": []}, payload=digest.encode())


async def put(bench: Bench, tenant: str, given: NewModel) -> Any:
    async with bench.open() as connection:
        await risk_models.lock_models(connection, tenant)
        return await risk_models.put_model(connection, tenant, given)


async def digests(bench: Bench) -> list[str]:
    async with bench.open() as connection:
        return list((await connection.execute(text("select digest from model_payloads order by digest"))).scalars())


async def test_versions_grow_with_changes_only(bench: Bench) -> None:
    tenant = await bench.tenant("one")

    first = await put(bench, tenant, new("m"))
    same = await put(bench, tenant, new("m"))
    other = await put(bench, tenant, new("m", "d2"))
    default = await put(bench, tenant, new("m", "d2", default=True))

    assert [one.version for one in (first, same, other, default)] == [1, 1, 2, 3]
    assert len({one.tag for one in (first, other, default)}) == 3
    assert same.updated_at == first.updated_at
    assert await bench.do(risk_models.get_payload, tenant, "d2") == b"d2"


async def test_a_new_default_takes_the_place_of_the_old_one_also_at_the_same_moment(bench: Bench) -> None:
    tenant, other = await bench.tenant("one"), await bench.tenant("two")
    await put(bench, other, new("elsewhere", default=True))

    await asyncio.gather(*(put(bench, tenant, new(f"m{i}", default=True)) for i in range(6)))

    stored = await bench.do(risk_models.list_models, tenant, "", 10)
    assert [one.name for one in stored] == [f"m{i}" for i in range(6)]
    (default,) = [one for one in stored if one.is_default]
    assert (await bench.do(risk_models.find_default, tenant)).name == default.name
    assert (await bench.do(risk_models.find_default, other)).name == "elsewhere"


async def test_the_database_itself_refuses_a_second_default(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await put(bench, tenant, new("a", default=True))
    await put(bench, tenant, new("b"))

    with pytest.raises(Conflict):
        async with bench.open() as connection:
            await connection.execute(text("update risk_models set is_default = true"))


async def test_figures_are_shared_and_kept_while_a_model_or_a_run_refers_to_them(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    for name in ("a", "b"):
        await put(bench, tenant, new(name))
    await bench.run(tenant, model_digest="d1")
    await put(bench, tenant, new("c", "d2"))
    await put(bench, tenant, new("d", "d3"))

    for name in ("a", "b", "c"):
        assert await bench.do(risk_models.delete_model, tenant, name) is True
    await put(bench, tenant, new("d", "d4"))

    assert await digests(bench) == ["d1", "d4"]  # d1 for the run, d4 for the model
    assert await bench.do(risk_models.delete_model, tenant, "a") is False


async def test_a_model_that_a_run_is_about_to_use_waits_for_it(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await put(bench, tenant, new("m"))

    async with bench.open() as connection:
        await risk_models.find_model(connection, tenant, "m", share=True)
        deletion = asyncio.create_task(bench.do(risk_models.delete_model, tenant, "m"))
        await asyncio.sleep(0.2)
        assert not deletion.done()
        await bench.run(tenant, model_digest="d1")

    assert await deletion is True
    assert await digests(bench) == ["d1"]
