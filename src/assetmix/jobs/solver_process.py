"""The worker child's side of its solver process: start, ask, kill."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from assetmix.jobs.frames import HEAD, Frame
from assetmix.jobs.resident import resident_mb

T = TypeVar("T")

Load = Callable[[str, str], Awaitable[bytes]]
"""Gives the bytes of what is needed (`snapshot`, `risk_model`, what was `walked`), named by its digest or run."""

Keep = Callable[[Frame], Awaitable[None]]
"""Keeps a part of an answer."""

MODULE = "assetmix.jobs.solver_main"
"""What the process runs."""


class SolverLost(Exception):
    """The solver process ended before it had answered."""


class SolverProcess:
    """One persistent process that solves; killed and started anew where a run must end.

    It is started ahead of the first question, so that no run waits for cvxpy to load. It dies
    with the process that started it.
    """

    def __init__(self, memory_mb: int, kept: int) -> None:
        self._arguments = (str(os.getpid()), str(memory_mb), str(kept))
        self._process: Process | None = None
        self._is_ready = False
        self._memory_before = 0.0
        self.progress = 0.0
        """How much of the present question is answered, 0 to 1."""

    @property
    def pid(self) -> int | None:
        """Process id, None when none is running."""
        return None if self._process is None else self._process.pid

    @property
    def grown_mb(self) -> float:
        """Memory that the present question has taken so far."""
        return self.memory_mb - self._memory_before

    @property
    def memory_mb(self) -> float:
        """Memory that the process has in use; 0 where the system does not tell."""
        return 0.0 if self.pid is None else resident_mb(self.pid)

    async def start(self) -> None:
        """Start the process unless one is running."""
        if self._process is not None and self._process.returncode is None:
            return
        self._is_ready = False
        command = (sys.executable, "-m", MODULE, *self._arguments)
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)

    async def ready(self) -> None:
        """Start the process unless one is running, and wait until it takes questions.

        Raises
        ------
        SolverLost
            when the process ends first
        """
        await self.start()
        if not self._is_ready:
            await self._receive()
            self._is_ready = True

    async def ask(self, question: Frame, load: Load, keep: Keep | None = None) -> Frame:
        """Send a question and wait for its answer; snapshot and risk model are loaded only if not known there.

        An answer in parts is handed to `keep` part by part.

        Raises
        ------
        SolverLost
            when the process ends first
        """
        await self.ready()
        self.progress = 0.0
        self._memory_before = self.memory_mb
        await self._send(question)
        answer = await self._receive()
        while {"need", "progress", "kept"} & set(answer.header):
            self.progress = float(answer.header.get("progress", self.progress))
            if "kept" in answer.header and keep is not None:
                await self._or_end(keep(answer))
            elif "need" in answer.header:
                await self._give(answer.header["what"], answer.header["need"], load)
            answer = await self._receive()
        return answer

    async def _or_end(self, step: Awaitable[T]) -> T:
        """Take a step in the middle of a question; if it fails, the process would take the next one for its sequel."""
        try:
            return await step
        except BaseException:
            await self.kill()
            raise

    async def _give(self, what: str, digest: str, load: Load) -> None:
        await self._send(Frame({}, await self._or_end(load(what, digest))))

    async def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _send(self, frame: Frame) -> None:
        pipe = self._running().stdin
        if pipe is None:
            raise SolverLost
        try:
            pipe.write(frame.pack())
            await pipe.drain()
        except (ConnectionError, RuntimeError) as error:
            raise await self._lost() from error

    async def _receive(self) -> Frame:
        pipe = self._running().stdout
        if pipe is None:
            raise SolverLost
        try:
            header_length, body_length = HEAD.unpack(await pipe.readexactly(HEAD.size))
            header = await pipe.readexactly(header_length)
            return Frame(json.loads(header), await pipe.readexactly(body_length))
        except asyncio.IncompleteReadError as error:
            raise await self._lost() from error

    async def _lost(self) -> SolverLost:
        code = None if self._process is None else await self._process.wait()
        self._process = None
        return SolverLost(f"the solver process ended with {code}")

    def _running(self) -> Process:
        if self._process is None:
            raise SolverLost
        return self._process
