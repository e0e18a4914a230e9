"""`zwilling.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from zwilling.errors import SettingsError
from zwilling.settings import PointLayerSettings, load_settings, memory_bytes, region_profile

LAYER = '[[layer]]\nid = "gebaeude"\ntitle = "Gebäude"\nsources = ["*.gml"]\n'


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "zwilling.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.toml"
    path.write_text(LAYER, encoding="utf-8")
    settings = load_settings(path)
    assert (settings.server.host, settings.server.port, settings.data) == ("127.0.0.1", 8080, "data")
    assert settings.layer[0].title == "Gebäude"
    assert settings.layer[0].access == "public"
    assert region_profile(settings, tmp_path) == "rhein-kreis-neuss"


def test_a_profile_that_is_a_path_is_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.toml"
    path.write_text('[region]\nprofile = "profile/kreis.toml"\n', encoding="utf-8")
    assert region_profile(load_settings(path), tmp_path) == tmp_path / "profile" / "kreis.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sever]\nport = 1\n", r"unknown key 'sever'; did you mean 'server'\?"),
        ("[server]\nprot = 1\n", r"server: unknown key 'prot'; did you mean 'port'\?"),
        (LAYER + 'licens = "x"\n', r"layer\[0\]: unknown key 'licens'; did you mean 'licence'\?"),
        ('[server]\nport = "8080"\n', r"server\.port: Expected `int`, got `str`"),
        ("[server]\nport = 70000\n", r"server: host or port is out of range"),
        ('[[layer]]\nid = "a"\ntitle = "A"\n', r"layer\[0\]: Object missing required field `sources`"),
        (LAYER.replace("gebaeude", "Gebäude"), r"layer 'Gebäude': the id may hold lower-case letters"),
        (LAYER + LAYER, r"layer 'gebaeude': two layers have this id"),
        (LAYER + 'access = "all"\n', r"layer\[0\]\.access: Invalid enum value 'all'"),
        ("[server\n", "is not valid TOML"),
        ("region = 3\n", "Expected `object`, got `int`"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "zwilling.toml") in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no such file; write one .* or run 'zwilling demo'"):
        load_settings(tmp_path / "zwilling.toml")


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.toml"
    path.write_bytes('data = "Gebäude"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(path)


POINTS = '[[layer]]\nid = "p"\ntitle = "P"\nkind = "points"\nsources = ["a.laz"]\n'


def test_a_layer_of_points(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.toml"
    path.write_text(POINTS + 'drop_classes = [7, 18]\nmemory = "1.5 GB"\ncolour_from = ["dop.tif"]\n', encoding="utf-8")
    (layer,) = load_settings(path).layer
    assert isinstance(layer, PointLayerSettings)
    assert (layer.drop_classes, layer.colour_from, memory_bytes(layer.memory)) == ([7, 18], ["dop.tif"], 1_500_000_000)
    assert memory_bytes(PointLayerSettings(id="p", title="P", kind="points", sources=[]).memory) == 2_000_000_000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('memory = "much"', "'memory' is 'much', which is no amount of memory; write it as 2 GB or 800 MB"),
        ('memory = "1 MB"', "'memory' is '1 MB'; 400 MB are the least"),
        ("memory = 7", "'memory' is '7'; 400 MB are the least"),
        ("drop_classes = [256]", "Expected `int` <= 255"),
        ("drop_class = [7]", "unknown key 'drop_class'; did you mean 'drop_classes'"),
    ],
)
def test_what_a_layer_of_points_cannot_say(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "zwilling.toml"
    path.write_text(POINTS + line, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "count"), [("800MB", 800_000_000), ("1 GiB", 2**30), ("1,5 GB", 1_500_000_000), ("500000 kB", 500_000_000)]
)
def test_amounts_of_memory(text: str, count: int) -> None:
    assert memory_bytes(text) == count
