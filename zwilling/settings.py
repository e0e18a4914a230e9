"""`zwilling.toml`: the one file that makes the software a county's twin.

Secrets never stand in it: they come from the environment or from files.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from zwilling.errors import SettingsError
from zwilling.layers import LAYER_ID
from zwilling.sensor_checks import check_database, check_sensors
from zwilling.sensor_settings import DatabaseSettings, SensorSettings

DEFAULT_FILE = "zwilling.toml"

Table = TypeVar("Table")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSettings:
    """`[region]`: where the twin is.

    Attributes:
        profile: name of a profile that is shipped, or path of a profile file.
        title: name of the county as the viewer shows it; empty takes the profile's.
    """

    profile: str = "rhein-kreis-neuss"
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSettings:
    """`[[layer]]`: what every kind of layer has.

    Attributes:
        id: part of the layer's URLs: lower-case letters, digits and hyphens.
        title: name of the layer as the viewer shows it.
        crs: coordinate reference system of sources that name none, for example `EPSG:25832+7837`.
        access: who may see the layer: `public`, `staff` or `crisis`.
        licence: licence of the data, as it should be shown.
        attribution: lines that must be shown with the data.
        synthetic: the data shows no real place; the viewer says so.
    """

    id: str
    title: str
    crs: str = ""
    access: Literal["public", "staff", "crisis"] = "public"
    licence: str = ""
    attribution: list[str] = field(default_factory=list)
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingLayerSettings(LayerSettings):
    """`[[layer]]` with `kind = "buildings"`, made from CityGML and CityJSON.

    Attributes:
        sources: file names or globs, relative to the file that states them.
        kind: `buildings`, also where nothing is said.
        skip_empty: leave out buildings without any surface instead of stopping; each is reported.
        lod: level of detail to draw, 0 to 4; without it, the highest that each building has.
        compression: `meshopt`, or `none` for clients that cannot decode it.
        outlines: mark the edges of surfaces, for clients that draw them as lines.
    """

    sources: list[str]
    kind: Literal["buildings"] = "buildings"
    skip_empty: bool = False
    lod: Annotated[int, msgspec.Meta(ge=0, le=4)] | None = None
    compression: Literal["meshopt", "none"] = "meshopt"
    outlines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundLayerSettings(LayerSettings):
    """`[[layer]]` with `kind = "ground"`, made from orthophotos over terrain, or from one of them.

    Attributes:
        kind: `ground`.
        sources: orthophotos: file names or globs; none for shaded ground.
        heights: terrain models: file names or globs; none for a plane.
        plane_height: height of that plane in the vertical system of `crs`, metres.
        picture: `rgb` for true colour, `infrared` for near infrared, red and green as red, green and blue.
        balance: draw the colours of orthophotos of different dates together where they meet.
        globe: make the terrain and pictures that a globe needs, too.
    """

    kind: Literal["ground"]
    sources: list[str] = field(default_factory=list)
    heights: list[str] = field(default_factory=list)
    plane_height: float | None = None
    picture: Literal["rgb", "infrared"] = "rgb"
    balance: bool = True
    globe: bool = True


LasClass = Annotated[int, msgspec.Meta(ge=0, le=255)]
"""A class of LAS: what a point hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLayerSettings(LayerSettings):
    """`[[layer]]` with `kind = "points"`, made from LiDAR.

    Attributes:
        kind: `points`.
        sources: LAS, LAZ or COPC: file names or globs.
        drop_classes: points of these LAS classes are left out.
        colour_from: orthophotos that paint the points of files without colours: file names or globs.
        dimensions: further LAS dimensions that tiles carry, by their names: `gps_time`, `scan_angle`, extra bytes.
        height_above_ground: tiles carry how high each point is above the points that are classified as ground.
        memory: what all processes together may take: `2 GB`, `800 MB`, or bytes.
        skip_unreadable: leave out what cannot be read, each with a finding, instead of stopping.
    """

    kind: Literal["points"]
    sources: list[str]
    drop_classes: list[LasClass] = field(default_factory=list)
    colour_from: list[str] = field(default_factory=list)
    dimensions: list[str] = field(default_factory=list)
    height_above_ground: bool = False
    memory: str | int = "2 GB"
    skip_unreadable: bool = False


AnyLayerSettings = BuildingLayerSettings | GroundLayerSettings | PointLayerSettings
LAYER_KINDS: dict[str, type[AnyLayerSettings]] = {
    "buildings": BuildingLayerSettings,
    "ground": GroundLayerSettings,
    "points": PointLayerSettings,
}

LEAST_MEMORY = 400_000_000
"""Bytes that two processes and the smallest share of the work take."""
_SIZE = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([kMG]?)(i?)B?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """`[server]`: where the twin listens.

    Attributes:
        host: address to listen on; `0.0.0.0` for every network, the default for this machine alone.
        port: TCP port, 0 for any free one.
    """

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that `zwilling.toml` can say.

    Attributes:
        region: see `RegionSettings`.
        layer: the layers, in the order in which the viewer lists them.
        server: see `ServerSettings`.
        sensors: see `SensorSettings`.
        database: see `DatabaseSettings`.
        data: folder for built layers and the database, relative to the file.
    """

    region: RegionSettings = field(default_factory=RegionSettings)
    layer: list[AnyLayerSettings] = field(default_factory=list)
    server: ServerSettings = field(default_factory=ServerSettings)
    sensors: SensorSettings = field(default_factory=SensorSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    data: str = "data"


def load_settings(path: Path) -> Settings:
    """Return the settings that the file at `path` states.

    Raises:
        SettingsError: the file is missing, is not TOML, has an unknown key (the nearest known one is named),
            a value of the wrong type, two layers with one id, or says of sensors what cannot be meant.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            "no such file", source=path, remedy="write one (docs/reference/settings.md) or run 'zwilling demo'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read ({error})", source=path) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"is not valid TOML: {error}", source=path) from error
    _refuse_unknown(path, "", document, Settings, below=False)
    default = Settings()
    settings = Settings(
        region=_table(path, "region", document.get("region", {}), RegionSettings),
        layer=_layers(path, document.get("layer", [])),
        server=_table(path, "server", document.get("server", {}), ServerSettings),
        sensors=_table(path, "sensors", document.get("sensors", {}), SensorSettings),
        database=_table(path, "database", document.get("database", {}), DatabaseSettings),
        data=_value(path, "data", document.get("data", default.data), str),
    )
    _check_layers(path, settings)
    check_sensors(settings.sensors, path)
    check_database(settings.database, path)
    return settings


def _layers(path: Path, documents: object) -> list[AnyLayerSettings]:
    """Return the layers, each by what its kind can say."""
    layers: list[AnyLayerSettings] = []
    for index, document in enumerate(_value(path, "layer", documents, list[dict[str, Any]])):
        place = f"layer[{index}]"
        name = document.get("kind", "buildings")
        kind = LAYER_KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            known = " or ".join(f"'{known}'" for known in LAYER_KINDS)
            raise SettingsError(f"unknown kind '{name}'", source=path, where=place, remedy=f"it can be {known}")
        layers.append(_table(path, place, document, kind))
    return layers


def _table(path: Path, place: str, document: object, kind: type[Table]) -> Table:
    """Return a table of the file as the settings that it is made for.

    Raises:
        SettingsError: it has an unknown key, or a value of the wrong type.
    """
    _refuse_unknown(path, place, document, kind)
    return _value(path, place, document, kind)


def _value(path: Path, place: str, value: object, kind: type[Table]) -> Table:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problem, _, rest = str(error).partition(" - at `$")
        raise SettingsError(problem, source=path, where=place + rest.rstrip("`")) from error


def _refuse_unknown(path: Path, where: str, table: object, kind: type, *, below: bool = True) -> None:
    """Refuse keys of a table that `kind` does not have, and of the tables in it where `below` is true."""
    if not isinstance(table, dict):
        return
    known = get_type_hints(kind)
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            remedy = f"did you mean '{near[0]}'?" if near else f"known keys are {', '.join(known)}"
            raise SettingsError(f"unknown key '{key}'", source=path, where=where or None, remedy=remedy)
        if not below:
            continue
        inner = known[key]
        if isinstance(inner, type) and is_dataclass(inner):
            _refuse_unknown(path, f"{where}.{key}", value, inner)
        elif get_origin(inner) is list and is_dataclass(get_args(inner)[0]) and isinstance(value, list):
            for index, item in enumerate(value):
                _refuse_unknown(path, f"{where}.{key}[{index}]", item, get_args(inner)[0])


def _check_layers(path: Path, settings: Settings) -> None:
    seen: set[str] = set()
    for layer in settings.layer:
        where = f"layer '{layer.id}'"
        if not LAYER_ID.fullmatch(layer.id):
            raise SettingsError(
                "the id may hold lower-case letters, digits and hyphens, and starts with a letter",
                source=path,
                where=where,
            )
        if layer.id in seen:
            raise SettingsError("two layers have this id", source=path, where=where, remedy="rename one of them")
        seen.add(layer.id)
        if isinstance(layer, GroundLayerSettings):
            _check_ground(path, where, layer)
        if isinstance(layer, PointLayerSettings):
            _check_points(path, where, layer)
    if not re.fullmatch(r"\S+", settings.server.host) or not 0 <= settings.server.port <= 65_535:
        raise SettingsError("host or port is out of range", source=path, where="server")


def _check_ground(path: Path, where: str, layer: GroundLayerSettings) -> None:
    if not layer.sources and not layer.heights:
        raise SettingsError("has neither 'sources' nor 'heights'", source=path, where=where, remedy="name its files")
    if (layer.plane_height is None) == (not layer.heights):
        raise SettingsError(
            "needs either 'heights' (terrain files) or 'plane_height' (metres)",
            source=path,
            where=where,
            remedy="orthophotos without terrain lie on a plane whose height you name",
        )


def _check_points(path: Path, where: str, layer: PointLayerSettings) -> None:
    try:
        memory_bytes(layer.memory)
    except ValueError as error:
        raise SettingsError(f"'memory' {error}", source=path, where=where) from None


def memory_bytes(amount: str | int) -> int:
    """Return an amount of memory in bytes; k, M and G are powers of 1000, Ki, Mi and Gi of 1024.

    Raises:
        ValueError: it is no amount, or too little to work with; the message goes on after the name of the setting.

    Example:
        >>> memory_bytes("2 GB"), memory_bytes("1.5 GiB"), memory_bytes(800_000_000)
        (2000000000, 1610612736, 800000000)
    """
    found = _SIZE.fullmatch(str(amount))
    if found is None:
        raise ValueError(f"is '{amount}', which is no amount of memory; write it as 2 GB or 800 MB")
    number, prefix, is_binary = found.groups()
    total = int(float(number.replace(",", ".")) * (1024 if is_binary else 1000) ** _POWERS[prefix.lower()])
    if total < LEAST_MEMORY:
        raise ValueError(f"is '{amount}'; {LEAST_MEMORY // 10**6} MB are the least")
    return total


def region_profile(settings: Settings, base: Path) -> str | Path:
    """Return what `load_region` takes: the name of a shipped profile, or the path of a file relative to `base`."""
    profile = settings.region.profile
    return base / profile if "/" in profile or profile.endswith(".toml") else profile
