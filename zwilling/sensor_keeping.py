"""`zwilling sensors export` and `keep`: taking observations out, and removing those that are old."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import BinaryIO

from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.instants import now, parse
from sensor_overlay.store.export import Selection, csv_export, parquet_export
from sensor_overlay.store.retention import Kept, keep
from zwilling.errors import SettingsError
from zwilling.sensor_store import database_of
from zwilling.settings import load_settings

EVERYTHING = Principal("command line", rights=frozenset({Right.READ}))
"""Who may start the command on the server may read the database anyway."""


async def export_file(
    settings_file: Path,
    output: Path,
    *,
    begin: str,
    end: str | None,
    site: str | None,
    observed_properties: Collection[str],
    parquet: bool,
    public: bool,
) -> int:
    """Write observations to a file, which is there only when it is whole; return its size in bytes.

    Args:
        settings_file: `zwilling.toml`.
        output: the file; `-` is standard output.
        begin: first day or time.
        end: first day or time that is no longer part of it; None for now.
        site: short id of a school or plant; None for all.
        observed_properties: keys; empty for all.
        parquet: Parquet; else CSV.
        public: only what everybody may see.

    Raises:
        SettingsError: a time is none, or the file cannot be written.
        StoreError, StoreUnavailableError: the database cannot be used.
    """
    selection = Selection(
        begin=day_or_time(begin),
        end=now() if end is None else day_or_time(end),
        site=site,
        observed_properties=frozenset(observed_properties),
    )
    principal = PUBLIC if public else EVERYTHING
    settings, base = load_settings(settings_file), settings_file.absolute().parent
    async with database_of(settings, base) as store:
        parts = (parquet_export if parquet else csv_export)(store, selection, principal)
        try:
            return await _written(parts, output)
        except OSError as error:
            raise SettingsError(f"cannot be written ({error.strerror})", source=output) from error


async def keep_now(settings_file: Path) -> Kept:
    """Remove what is older than the settings say, at once.

    Raises:
        StoreError, StoreUnavailableError: the database cannot be used.
    """
    settings, base = load_settings(settings_file), settings_file.absolute().parent
    days, letter_days = settings.sensors.keep_days, settings.sensors.keep_letters_days
    async with database_of(settings, base) as store:
        return await keep(store, now(), days=days, letter_days=letter_days)


def keep_line(kept: Kept) -> str:
    """Return what was removed, for people."""
    months = f" ({', '.join('{:04d}-{:02d}'.format(*month) for month in kept.months)})" if kept.months else ""
    return (
        f"removed: {kept.observations} observations{months}, the means of their hours stay;"
        f" {kept.uplinks} uplinks, {kept.letters} dead letters, {kept.devices} unknown devices"
    )


def day_or_time(written: str) -> int:
    """Return the instant of a time, or of the first moment of a day in UTC.

    Raises:
        SettingsError: it is neither.
    """
    try:
        return parse(f"{written}T00:00:00Z" if len(written) == 10 else written)
    except ValueError as error:
        raise SettingsError(f"{error}", remedy="write 2026-11-20 or 2026-11-20T08:00:00Z") from None


async def _written(parts: AsyncIterator[bytes], output: Path) -> int:
    if f"{output}" == "-":
        return await _copied(parts, sys.stdout.buffer)
    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with partial.open("xb") as file:
            size = await _copied(parts, file)
            os.fsync(file.fileno())
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return size


async def _copied(parts: AsyncIterator[bytes], file: BinaryIO) -> int:
    size = 0
    async for part in parts:
        file.write(part)
        size += len(part)
    file.flush()
    return size
