"""`zwilling sensors import` and `list`: files, layers and the store brought together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sensor_overlay.codecs import by_profile, codecs
from sensor_overlay.instants import now, text
from sensor_overlay.registry.entries import Models, read_entries
from sensor_overlay.registry.importing import Plan, carry_out, plan_import
from sensor_overlay.registry.places import Placing
from sensor_overlay.registry.tables import Fault, read_table
from sensor_overlay.rules.states import state_of
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import thing
from zwilling.region import load_region
from zwilling.sensor_store import database_of
from zwilling.settings import load_settings, region_profile
from zwilling.surroundings import PublishedSurroundings


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would have done.

    Attributes:
        plan: what happens to the store; None where the files are wrong.
        faults: everything that was found, errors first.
        is_refused: nothing was written, since something is wrong.
        is_dry: nothing was written, since nobody wanted it.
        lines: sound lines.
    """

    plan: Plan | None
    faults: tuple[Fault, ...]
    is_refused: bool
    is_dry: bool
    lines: int

    @property
    def line(self) -> str:
        """The result in one line."""
        errors = sum(fault.is_error for fault in self.faults)
        if self.plan is None or self.is_refused:
            return f"nothing was imported: {errors} of the lines have errors, {self.lines} are sound"
        plan = self.plan
        parts = {
            "new": plan.new,
            "heard before and now known": plan.adopted,
            "changed": plan.changed,
            "moved": plan.moved,
            "unchanged": plan.unchanged,
            "retired": plan.retired,
        }
        said = ", ".join(f"{len(keys)} {word}" for word, keys in parts.items() if keys) or "nothing to do"
        left_out = f"; {errors} errors, whose lines were left out" if errors else ""
        return f"{'would be imported' if self.is_dry else 'imported'}: {said}{left_out}"

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        plan = self.plan
        names = ("new", "adopted", "changed", "moved", "unchanged", "retired")
        return {
            "written": not (self.is_refused or self.is_dry),
            **{name: [] if plan is None else getattr(plan, name) for name in names},
            "faults": [
                {
                    "source": fault.source,
                    fault.unit: fault.line,
                    "column": fault.column,
                    "problem": fault.problem,
                    "is_error": fault.is_error,
                }
                for fault in self.faults
            ],
        }


async def import_files(
    settings_file: Path,
    files: Sequence[Path],
    crs: str | None = None,
    *,
    dry_run: bool = False,
    skip_bad: bool = False,
    retire: bool = False,
) -> Imported:
    """Import a registry from files; see `zwilling sensors import --help`.

    Raises:
        ZwillingError: a file or the settings cannot be read, or the database cannot be used.
    """
    settings = load_settings(settings_file)
    base = settings_file.absolute().parent
    region = load_region(region_profile(settings, base))
    tables = [read_table(file) for file in files]
    placing = Placing(region, PublishedSurroundings(base / settings.data), crs)
    models = Models(codecs().keys(), _codec_of)
    entries, faults = read_entries(tables, placing, models, frozenset(region.municipalities.values()))
    is_bad = any(fault.is_error for fault in faults)
    async with database_of(settings, base) as store:
        if dry_run or (is_bad and not skip_bad):
            async with store.reading() as connection:
                plan = await plan_import(connection, entries, retire=retire)
            is_bad = is_bad or any(fault.is_error for fault in plan.faults)
            return Imported(plan, _sorted([*faults, *plan.faults]), is_bad and not skip_bad, dry_run, len(entries))
        async with store.writing() as commit:
            plan = await plan_import(commit.connection, entries, retire=retire)
            refused = any(fault.is_error for fault in plan.faults) and not skip_bad
            if not refused:
                await carry_out(commit, plan)
        return Imported(plan, _sorted([*faults, *plan.faults]), refused, False, len(entries))


def _codec_of(model: str) -> str | None:
    codec = codecs().get(model.lower()) or by_profile(model)
    return None if codec is None else codec.key


def _sorted(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (not fault.is_error, fault.source, fault.line)))


_LISTED = (
    thing.c.key,
    thing.c.dev_eui,
    thing.c.name,
    thing.c.site,
    thing.c.site_name,
    thing.c.storey,
    thing.c.room,
    thing.c.municipality,
    thing.c.access,
    thing.c.model,
    thing.c.is_registered,
    thing.c.is_test,
    thing.c.expected_interval,
    thing.c.first_seen,
    thing.c.last_seen,
    thing.c.uplinks,
    thing.c.source,
    thing.c.rssi,
    thing.c.snr,
    thing.c.data_rate,
    thing.c.margin,
    thing.c.battery,
    thing.c.is_externally_powered,
    thing.c.properties,
)


async def listed(settings_file: Path, *, unknown: bool = False) -> list[dict[str, Any]]:
    """Return every registered thing, or every device that nobody registered, as `zwilling sensors list` shows it."""
    settings = load_settings(settings_file)
    base = settings_file.absolute().parent
    async with database_of(settings, base) as store:
        return await _rows(store, unknown=unknown)


async def _rows(store: Store, *, unknown: bool) -> list[dict[str, Any]]:
    query = select(*_LISTED).where(thing.c.is_registered.is_(not unknown))
    async with store.reading() as connection:
        rows = (
            await connection.execute(query.order_by(thing.c.site, thing.c.room, thing.c.name, thing.c.id))
        ).mappings()
        found = [dict(row) for row in rows]
    present = now()
    for row in found:
        seen, first = row["last_seen"], row["first_seen"]
        row["state"] = str(state_of(seen, row["expected_interval"], present, is_test=row["is_test"]))
        row["last_seen"] = None if seen is None else text(seen)
        row["first_seen"] = None if first is None else text(first)
    return found


def listed_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the list for people, one line a thing below a head."""
    titles = ("KEY", "DEVEUI", "NAME", "SITE", "STATE", "LAST HEARD", "UPLINKS", "BATTERY", "SIGNAL")
    table = [titles] + [
        (
            row["key"] or "-",
            row["dev_eui"] or "-",
            row["name"],
            row["site"] or "-",
            row["state"],
            row["last_seen"] or "never",
            str(row["uplinks"]),
            _battery(row),
            _signal(row),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in table) for column in range(len(titles))]
    for line in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _battery(row: Mapping[str, Any]) -> str:
    if row["is_externally_powered"]:
        return "mains"
    return "-" if row["battery"] is None else f"{row['battery']:.0f} %"


def _signal(row: Mapping[str, Any]) -> str:
    """Return how well a gateway hears a thing, and, after a stroke, how well the thing hears the gateway."""
    told = [f"{row[name]:.0f} {unit}" for name, unit in (("rssi", "dBm"), ("snr", "dB")) if row[name] is not None]
    told += [row["data_rate"]] if row["data_rate"] else []
    told += [f"/ {row['margin']:.0f} dB"] if row["margin"] is not None else []
    return " ".join(told) or "-"
