"""Two tenants do anything in any order; a plain dictionary says what must be seen.

The short form runs here; `make machine` takes at least ten thousand steps.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ulid import ULID

from tests.makers import make_snapshot
from tests.service import Service, load_market, strategy_document

STEPS = 50
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "6"))
NAMES = st.sampled_from(["ada", "ben"])
CASH = st.integers(1, 5).map(lambda thousands: 1000.0 * thousands)
KEYS = st.sampled_from(["k1", "k2", "k3"])


@dataclass
class Held:
    """A portfolio as it must be seen."""

    cash: float
    tag: str
    old_tags: list[str] = field(default_factory=list)


@dataclass
class World:
    """What one tenant has."""

    client: httpx.Client
    portfolios: dict[str, Held] = field(default_factory=dict)
    keys: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    """Portfolio by run."""

    ended: dict[str, dict[str, Any]] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """What callers do."""

    service: Service

    @initialize()
    def begin(self) -> None:
        self.worlds = [World(self.service.client(f"machine {ULID()}")) for _ in range(2)]
        for world in self.worlds:
            load_market(world.client, SNAPSHOT)
            world.client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
        self.here, self.there = self.worlds

    def teardown(self) -> None:
        for world in getattr(self, "worlds", []):
            world.client.close()

    @rule()
    def change_tenants(self) -> None:
        self.here, self.there = self.there, self.here

    @rule(name=NAMES, cash=CASH)
    def put(self, name: str, cash: float) -> None:
        response = self._put(name, cash, {})
        known = self.here.portfolios.get(name)
        assert response.status_code == (201 if known is None else 200)
        self._note(name, cash, response)

    @rule(name=NAMES, cash=CASH)
    def create_only(self, name: str, cash: float) -> None:
        response = self._put(name, cash, {"If-None-Match": "*"})
        if name in self.here.portfolios:
            assert response.status_code == 412
        else:
            assert response.status_code == 201
            self._note(name, cash, response)

    @rule(name=NAMES, cash=CASH, stale=st.booleans())
    def edit(self, name: str, cash: float, stale: bool) -> None:  # noqa: FBT001 - drawn
        known = self.here.portfolios.get(name)
        tag = known.old_tags[-1] if known and stale and known.old_tags else known.tag if known else '"none"'
        response = self._put(name, cash, {"If-Match": tag})
        if known is None or tag != known.tag:
            assert response.status_code == 412
        else:
            assert response.status_code == 200
            self._note(name, cash, response)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        response = self.here.client.delete(f"/v1/portfolios/{name}")
        assert response.status_code == (204 if name in self.here.portfolios else 404)
        self.here.portfolios.pop(name, None)
        gone = [run for run, portfolio in self.here.runs.items() if portfolio == name]
        for run in gone:
            del self.here.runs[run]
            self.here.ended.pop(run, None)

    @rule(name=NAMES, flow=st.integers(0, 3).map(float), key=KEYS)
    def ask(self, name: str, flow: float, key: str) -> None:
        body = {"portfolio": name, "strategy": "track", "cash_flow": flow}
        response = self.here.client.post("/v1/optimizations", json=body, headers={"Idempotency-Key": key})
        before = self.here.keys.get(key)
        if before is not None:
            assert response.status_code == (202 if before[0] == body else 422)
            assert response.status_code == 422 or response.json()["id"] == before[1]
        elif name in self.here.portfolios:
            assert response.status_code == 202
            self.here.keys[key] = (body, response.json()["id"])
            self.here.runs[response.json()["id"]] = name
        else:
            assert response.status_code == 404

    @precondition(lambda self: self.here.runs)
    @rule(data=st.data())
    def poll(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.here.runs)))
        run = self.here.client.get(f"/v1/optimizations/{run_id}").raise_for_status().json()
        before = self.here.ended.get(run_id)
        assert before is None or run == before
        if run["status"] not in {"queued", "running"}:
            assert run["status"] in {"succeeded", "cancelled"}
            assert (run["result"] is not None) == (run["status"] == "succeeded")
            self.here.ended[run_id] = run

    @precondition(lambda self: self.here.runs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.here.runs)))
        response = self.here.client.post(f"/v1/optimizations/{run_id}/cancel")
        assert response.status_code in {200, 202, 409}
        known = self.here.ended.get(run_id)
        assert known is None or response.status_code == (200 if known["status"] == "cancelled" else 409)

    @precondition(lambda self: self.there.runs)
    @rule(data=st.data())
    def look_over_the_fence(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.there.runs)))
        assert self.here.client.get(f"/v1/optimizations/{run_id}").status_code == 404
        assert self.here.client.post(f"/v1/optimizations/{run_id}/cancel").status_code == 404

    @invariant()
    def portfolios_are_as_they_were_left(self) -> None:
        for world in getattr(self, "worlds", []):
            listed = world.client.get("/v1/portfolios").json()["items"]
            assert {one["client_reference"]: one["holdings"]["$USD"] for one in listed} == {
                name: held.cash for name, held in world.portfolios.items()
            }

    def _put(self, name: str, cash: float, headers: dict[str, str]) -> httpx.Response:
        body = {"base_currency": "USD", "holdings": {"$USD": cash}}
        return self.here.client.put(f"/v1/portfolios/{name}", json=body, headers=headers)

    def _note(self, name: str, cash: float, response: httpx.Response) -> None:
        known, tag = self.here.portfolios.get(name), response.headers["etag"]
        old = [] if known is None else [*known.old_tags, known.tag]
        self.here.portfolios[name] = Held(cash, tag, [one for one in old if one != tag])


SNAPSHOT = make_snapshot()


@pytest.fixture
def machine(service: Service) -> type[Machine]:
    return type("MachineOfThisService", (Machine,), {"service": service})


@pytest.mark.timeout(3600)
def test_anything_in_any_order(machine: type[Machine]) -> None:
    unhurried = {"deadline": None, "suppress_health_check": list(HealthCheck)}
    often = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, **unhurried)
    run_state_machine_as_test(machine, settings=often)
