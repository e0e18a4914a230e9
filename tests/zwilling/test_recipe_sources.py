"""What a layer of ground is made from, whether it must be built anew, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import Affine

from tests.orthophotos.picture_files import NORTH, WEST, noise, write
from zwilling.errors import SourceError
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


@pytest.mark.parametrize("height", [-9999.0, 1e30, float("nan")])
def test_no_plane_lies_where_no_land_does(height: float, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no picture can lie at .* m: heights of land go from -500 to 9000 m"):
        RasterFiles((tmp_path / "a.tif",), (), load_region(), plane_height=height).opened()


def test_few_fine_pictures_do_not_cut_a_large_terrain_into_tiny_tiles(tmp_path: Path) -> None:
    picture = write(tmp_path / "a.tif", noise(8, 8), transform=Affine(0.002, 0, WEST, 0, -0.002, NORTH))
    heights = np.full((30, 30), 40, np.float32)
    coarse = write(tmp_path / "d.tif", heights[None], transform=Affine(100, 0, WEST, 0, -100, NORTH + 1000))
    with pytest.raises(SourceError, match=r"need tiles of 2\.048 m, of which the terrain would have 2,145,767 and 0 "):
        RasterFiles((picture,), (coarse,), load_region()).opened()
