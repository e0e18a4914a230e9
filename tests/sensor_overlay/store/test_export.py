"""CSV and Parquet hold what the store holds, of those things that the principal may see."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pyarrow import parquet
from sqlalchemy import update

from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.instants import HOUR, MINUTE
from sensor_overlay.store import export
from sensor_overlay.store.errors import StoreError
from sensor_overlay.store.export import COLUMNS, Selection, csv_export, exported, parquet_export
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import thing
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.stores import using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

EVERYBODY = Principal("test", rights=frozenset({Right.READ}))
ALL = Selection(begin=NOON - HOUR, end=NOON + 24 * HOUR)
OTHER = "a81758fffe0abcdf"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_ROWS_A_STEP", 7)
    monkeypatch.setattr(export, "_ROWS_A_GROUP", 20)


async def fill(store: Store) -> None:
    """Forty values of a public room, and some of one for the staff, among them what cannot be."""
    batch = [arrival(count, at=NOON + count * MINUTE) for count in range(40)]
    batch += [
        arrival(count, at=NOON + count * MINUTE, dev_eui=OTHER, readings={"temperature": 20.5 + count})
        for count in range(3)
    ]
    batch.append(arrival(9, at=NOON + HOUR, dev_eui=OTHER, readings={"temperature": 200.0, "co2": 700.0}))
    await write(store, batch, now=NOON + HOUR)
    async with store.writing(NOON) as commit:
        for eui, values in (
            (ROOM, {"access": "public", "site": "S07", "room": "204", "key": "s07-204", "name": "Raum 204"}),
            (OTHER, {"access": "staff", "site": "S08", "room": "1", "name": "=cmd|' /C calc'!A1"}),
        ):
            await commit.connection.execute(
                update(thing).where(thing.c.dev_eui == eui).values(is_registered=True, **values)
            )


async def joined(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


def test_csv(database_url: str) -> None:
    async def body(store: Store) -> str:
        await fill(store)
        return (await joined(csv_export(store, ALL, EVERYBODY))).decode()

    table = list(csv.DictReader(io.StringIO(using(database_url, body), newline="")))
    assert len(table) == 45
    assert [row["result"] for row in table[:40]] == [str(600 + count) for count in range(40)]
    assert table[1] == {
        "phenomenon_time": "2026-11-20T12:01:00Z",
        "result_time": "2026-11-20T12:01:00Z",
        "thing": "s07-204",
        "name": "Raum 204",
        "site": "S07",
        "room": "204",
        "observed_property": "co2",
        "result": "601",
        "unit": "ppm",
        "quality": "",
    }
    assert [(row["observed_property"], row["result"], row["quality"]) for row in table[40:]] == [
        ("co2", "700", ""),
        ("temperature", "20.5", ""),
        ("temperature", "21.5", ""),
        ("temperature", "22.5", ""),
        ("temperature", "200", "implausible"),
    ]
    assert table[-1]["name"] == "'=cmd|' /C calc'!A1"  # no formula


def test_parquet(database_url: str) -> None:
    async def body(store: Store) -> tuple[bytes, list[export.Row]]:
        await fill(store)
        rows = [row async for part in exported(store, ALL, EVERYBODY) for row in part]
        return await joined(parquet_export(store, ALL, EVERYBODY)), rows

    content, rows = using(database_url, body)
    file = parquet.ParquetFile(io.BytesIO(content))
    assert file.metadata.num_row_groups > 1
    table = file.read()
    assert table.column_names == list(COLUMNS)
    assert table.column("phenomenon_time")[0].as_py() == datetime(2026, 11, 20, 12, tzinfo=UTC)
    columns = [table.column(name).cast("int64" if "time" in name else table.column(name).type) for name in COLUMNS]
    assert list(zip(*(column.to_pylist() for column in columns), strict=True)) == rows


def test_access_site_property_and_span(database_url: str) -> None:
    async def body(store: Store) -> None:
        await fill(store)

        async def count(selection: Selection, principal: Principal) -> int:
            return sum([len(part) async for part in exported(store, selection, principal)])

        assert await count(ALL, PUBLIC) == 40
        assert await count(ALL, Principal("a", frozenset({"public", "staff"}), sites=frozenset({"S07"}))) == 40
        assert await count(ALL, Principal("b", frozenset({"public", "staff"}))) == 45
        some = Selection(begin=NOON + MINUTE, end=NOON + 3 * MINUTE)
        assert await count(some, EVERYBODY) == 4
        assert await count(Selection(begin=ALL.begin, end=ALL.end, site="S08"), EVERYBODY) == 5
        co2 = Selection(begin=ALL.begin, end=ALL.end, site="S08", observed_properties=frozenset({"co2"}))
        assert await count(co2, EVERYBODY) == 1
        assert await joined(csv_export(store, co2, PUBLIC)) == (",".join(COLUMNS) + "\r\n").encode()
        assert parquet.read_table(io.BytesIO(await joined(parquet_export(store, co2, PUBLIC)))).num_rows == 0

    using(database_url, body)


def test_without_the_library_for_parquet(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    async def body(store: Store) -> None:
        with pytest.raises(StoreError, match=r"zwilling\[parquet\]"):
            await joined(parquet_export(store, ALL, PUBLIC))

    using(f"{tmp_path}/zwilling.db", body)
