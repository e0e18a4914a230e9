"""What tells whether a layer of ground must be built anew."""

from __future__ import annotations

from pathlib import Path

from zwilling.recipes.ground import GroundRecipe, RasterFiles
from zwilling.recipes.sources import beside
from zwilling.region import load_region
from zwilling.report import Subject


def test_files_beside_rasters_are_known_by_their_names(tmp_path: Path) -> None:
    rasters = ("a.tif", "b.png", "c.xyz.gz", "d.jp2")
    having_a_say = ("a.tfw", "a.TIF.msk", "a.tif.msk", "a.tif.ovr", "a.tif.msk.ovr", "b.PGW", "b.png.aux.xml", "c.prj")
    others = ("b.txt", "e.tfw", "a.tif.bak", "d.xml", "readme.prj")
    for name in (*rasters, *having_a_say, *others):
        (tmp_path / name).touch()
    found = [path.name for path in beside([tmp_path / name for name in rasters])]
    assert found == sorted(set(having_a_say) - {"a.TIF.msk"})
    assert beside([tmp_path / "gone" / "a.tif"]) == ()


def test_another_world_file_makes_another_layer(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"not read here")
    world = tmp_path / "a.pgw"
    world.write_text("0.1\n0\n0\n-0.1\n344000\n5674000\n")
    recipe = GroundRecipe(RasterFiles((picture,), (), load_region(), plane_height=40.0), Subject("", ""))
    before = recipe.made_from
    assert recipe.made_from == before
    world.write_text("0.1\n0\n0\n-0.1\n344001\n5674000\n")
    assert recipe.made_from != before
