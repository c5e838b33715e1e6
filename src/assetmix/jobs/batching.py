"""A chunk of a batch in the solver process: one strategy, account after account, each with an answer of its own.

All accounts share the snapshot, the risk model and the compiled problem. What goes wrong with one
account is its own.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from assetmix.codec.documents import PORTFOLIO, RESULT, known_strategy
from assetmix.codec.packing import packed
from assetmix.domain.given_model import GivenModel
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import InvalidRequest
from assetmix.jobs.frames import Frame
from assetmix.jobs.problems import problem_of
from assetmix.optimization.answer import answer
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question
from assetmix.optimization.result import Result
from assetmix.optimization.strategy import Strategy

JSON = dict[str, Any]

STATUSES = {"optimal": "succeeded", "feasible": "succeeded", "infeasible": "infeasible"}
"""Status of an item by that of its result; anything else has failed."""


class Batch:
    """What the accounts of a chunk have in common."""

    def __init__(self, header: JSON, snapshot: Snapshot, model: GivenModel | None, memory: Memory) -> None:
        self._header = header
        self._inputs = header["inputs"]
        self._snapshot = snapshot
        self._model = model
        self._memory = memory
        self._strategy: Strategy = known_strategy(self._inputs["strategy_key"], self._inputs["strategy"])

    def answered(self, accounts: bytes, share: float) -> Frame:
        """Answer the accounts of a chunk, or those of them that are asked for.

        The header tells of each item and how long its packed result is; those follow one after the other.
        """
        told, texts = [], []
        only = self._header.get("only")
        for place, account in enumerate(json.loads(accounts)):
            if only is None or place in only:
                item, text = self._item(account, share)
                told.append(item | {"length": len(text)})
                texts.append(text)
        return Frame({"items": told}, b"".join(texts))

    def _item(self, account: JSON, share: float) -> tuple[JSON, bytes]:
        named = {name: account[name] for name in ("number", "portfolio_id", "client_reference")}
        deadline = time.monotonic() + share * self._header["seconds"]
        try:
            question = self._question(account["portfolio"])
            result = answer(question, self._memory, lambda: deadline - time.monotonic(), lambda _: None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other accounts are not concerned
            status = "refused" if isinstance(error, InvalidRequest) else "failed"
            return named | {"status": status, "summary": {}, "error": problem_of(error)}, b""
        return named | _told(result), packed(RESULT.text(result))

    def _question(self, portfolio: JSON) -> Question:
        return Question(
            strategy=self._strategy,
            portfolio=PORTFOLIO.read_value(portfolio),
            snapshot=self._snapshot,
            strategy_key=self._inputs["strategy_key"],
            snapshot_key=self._header["snapshot_digest"],
            cash_flow=self._inputs["cash_flow"],
            model=self._model,
            model_key=self._header.get("model_digest") or "",
            gap=self._inputs["gap"],
        )


def _told(result: Result) -> JSON:
    """Status and summary of a result."""
    status = STATUSES.get(result.status, "failed")
    error = None
    if status == "failed":
        code = {"unbounded": "unbounded", "timed_out": "solver-timeout"}.get(result.status, "internal-error")
        error = {"code": code, "detail": result.sentence, "errors": []}
    summary = {
        "sentence": result.sentence,
        "objective_value": result.objective_value,
        "current_objective_value": result.current_objective_value,
        "proven_gap": result.proven_gap,
        "orders": len(result.orders),
        "is_recommended": result.recommendation is not None and result.recommendation.is_recommended,
    }
    return {"status": status, "summary": summary, "error": error}


Ask = Callable[[str, str], bytes]
"""Asks the worker for what is named."""


def answer_chunk(batch: Batch, header: JSON, ask: Ask, share: float) -> Frame:
    """Ask for the accounts of a chunk and answer them."""
    return batch.answered(ask("chunk", f"{header['run']}/{header['chunk']}"), share)
