"""`zwilling sensors run`, `letters` and `replay`: intake without a web server, and what it could not understand."""

from __future__ import annotations

import asyncio
import base64
import logging.config
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sensor_overlay.decode import decode
from sensor_overlay.instants import now, text
from sensor_overlay.intake.replay import replay
from sensor_overlay.service import service_of
from sensor_overlay.store.schema import dead_letter
from sensor_overlay.uplink import Cause
from server.run import logging_config
from zwilling.errors import SettingsError
from zwilling.sensor_keeping import day_or_time
from zwilling.sensor_store import database_of
from zwilling.settings import Settings, load_settings


async def run_alone(settings_file: Path, *, quiet: bool) -> None:
    """Take in until SIGINT or SIGTERM.

    Raises:
        SettingsError: there is no broker in the settings, or something that they name is not there.
        StoreError: the database needs a person.
    """
    settings, base = _settings(settings_file)
    if not settings.sensors.broker:
        raise SettingsError("there is no broker to listen to", source=settings_file, remedy="write [[sensors.broker]]")
    logging.config.dictConfig(logging_config(access_log=False, quiet=quiet))
    service = service_of(settings, base)
    if service is None:
        raise ValueError("a twin with brokers has sensors")
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    await service.start()
    try:
        await asked.wait()
    finally:
        await service.stop()


async def replay_letters(settings_file: Path, causes: Collection[str], since: str | None, *, dry: bool) -> str:
    """Try dead letters again, and return a line that says what became of them.

    Raises:
        SettingsError: a cause or the time is none.
        StoreError, StoreUnavailableError: the database cannot be used.
    """
    settings, base = _settings(settings_file)
    _check_causes(causes)
    begin = 0 if since is None else day_or_time(since)
    async with database_of(settings, base) as store:
        done = await replay(store, decode, causes=causes, since=begin, now=now(), dry=dry)
    would = "would become" if dry else "became"
    line = f"{done.replayed} of {done.looked_at} dead letters {would} readings"
    if not dry:
        line += f" ({done.observations} values)"
    stay = [f"{count} {cause}" for cause, count in sorted(done.still.items())]
    if done.cut:
        stay.append(f"{done.cut} too long to be kept whole")
    return f"{line}; the others stay: {', '.join(stay)}" if stay else line


async def listed_letters(settings_file: Path, causes: Collection[str], limit: int) -> list[dict[str, Any]]:
    """Return dead letters that were not replayed, the newest first, as JSON has them.

    Raises:
        SettingsError: a cause is none.
        StoreError, StoreUnavailableError: the database cannot be used.
    """
    settings, base = _settings(settings_file)
    _check_causes(causes)
    query = select(dead_letter).where(dead_letter.c.replayed.is_(None))
    if causes:
        query = query.where(dead_letter.c.cause.in_(sorted(causes)))
    async with database_of(settings, base) as store, store.reading() as connection:
        rows = await connection.execute(query.order_by(dead_letter.c.received.desc()).limit(limit))
        found = rows.mappings().all()
    keys = ("source", "network", "topic", "dev_eui", "cause", "detail", "times", "size")
    return [
        {
            "received": text(row["received"]),
            **{key: row[key] for key in keys},
            "body": base64.b64encode(row["body"]).decode(),
        }
        for row in found
    ]


def letter_lines(letters: Sequence[dict[str, Any]]) -> list[str]:
    """Return lines for people; what came from outside has no control characters in them."""
    if not letters:
        return ["no dead letters"]
    lines = []
    for one in letters:
        times = f" ({one['times']} times)" if one["times"] > 1 else ""
        device = one["dev_eui"] or "unknown device"
        line = f"{one['received'][:19]}Z  {one['source']}  {device}  {one['cause']}: {one['detail']}{times}"
        lines.append("".join(sign if sign.isprintable() else "?" for sign in line))
    return lines


def _settings(settings_file: Path) -> tuple[Settings, Path]:
    return load_settings(settings_file), settings_file.absolute().parent


def _check_causes(causes: Collection[str]) -> None:
    known = [cause.value for cause in Cause]
    for cause in causes:
        if cause not in known:
            raise SettingsError(f"there is no cause '{cause}'", remedy=f"there are {', '.join(known)}")
