"""Orthophotos and terrain -> 3D Tiles, terrain and pictures for a globe, against two programs of GDAL.

    python -m benchmarks.orthophotos [--runs 5] [--jobs 2] [--pixels 10000] [--large] [--no-gdal2tiles]

Inputs are made up: a picture of 10,000 x 10,000 pixels at 10 cm, 1,000 x 1,000 heights at 1 m, and the same for several
square kilometres side by side.  No peer makes 3D Tiles of them, so the yardsticks are programs that read and encode the
same pixels, run in turn with ours (A B A B, order turned round every other time), medians compared:

  gdal_translate -of COG (JPEG, 2 threads)   overviews, no projection: beside our 3D Tiles alone
  gdal2tiles.py --processes=2 -z 12-20       a pyramid for globes: beside all that we make of the same files

Both are in Debian's packages gdal-bin and python3-gdal; what is not installed is left out, and said.  After that: the
terrain alone and how its time grows with the area; peak memory of the process tree (proportional set sizes: what
processes share counts once) as the number of inputs grows; bytes and likeness of the textures (`textures.py` says how)
beside a plain WebP pyramid; real files, where there are some.  Wall times mean something on a machine with nothing else
to do; CPU seconds stand beside them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import rasterio

from benchmarks import ground_inputs, textures
from benchmarks.measure import Median, alternate, machine, run

COG, TILES = "gdal_translate", "gdal2tiles.py"
PARTS = ("peers", "terrain", "memory", "textures", "real")
LAMBERT_93 = 2154  # of the French ones, which describe it without its number
SMALL = 256  # pixels along a side of the files that most pyramids are made of


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command (at most 3 of gdal2tiles)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of ours")
    parser.add_argument("--pixels", type=int, default=10_000, help="side of the picture; fewer for a quick look")
    parser.add_argument("--large", action="store_true", help="9 km² of pictures and 100 km² of terrain as well")
    parser.add_argument("--no-gdal2tiles", action="store_true", help="leave that peer out (a minute a run)")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts to run")
    parser.add_argument("--work", type=Path, help="folder for inputs and outputs; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        print(machine())
        bench = Bench(work, options.runs, options.jobs, options.pixels, large=options.large)
        if "peers" in options.only:
            bench.against_peers(with_pyramid=not options.no_gdal2tiles)
        if "terrain" in options.only:
            bench.terrain_alone()
        if "memory" in options.only:
            bench.memory()
        if "textures" in options.only:
            bench.pictures()
        if "real" in options.only:
            bench.real_files()
        print(machine())


class Bench:
    """What is measured, part by part; each makes the inputs that it needs."""

    def __init__(self, work: Path, runs: int, jobs: int, pixels: int, *, large: bool) -> None:
        self._work, self._runs, self._jobs, self._pixels, self._large = work, runs, jobs, pixels, large

    def against_peers(self, *, with_pyramid: bool) -> None:
        """Print 3D Tiles, and everything, beside the two programs of GDAL."""
        picture, heights = self._inputs()
        megapixels = self._pixels**2 / 1e6
        print(
            f"\n{megapixels:.0f} MP of pictures ({picture.stat().st_size / 1e6:.1f} MB of JPEG in TIFF), "
            f"{(self._pixels // 10) ** 2 / 1e6:.2f} M heights"
        )
        tiles, everything = self._ours([picture, heights], "tiles", "--no-globe"), self._ours([picture, heights], "all")
        if shutil.which(COG):
            cog = self._work / "cog.tif"
            peer = [COG, "-q", "-of", "COG", "-co", "COMPRESS=JPEG", "-co", "NUM_THREADS=2", str(picture), str(cog)]
            found = alternate({COG: peer, "3D Tiles": tiles}, self._runs)
            print(row(f"{COG} COG", found[COG]) + f"   {weight(cog)}")
            print(row("zwilling, 3D Tiles", found["3D Tiles"]) + f"   {weight(self._work / 'tiles')}")
            print(verdict("3D Tiles, wall against COG", found["3D Tiles"].wall / found[COG].wall, 1.5, 1.0))
            print(f"  CPU {found['3D Tiles'].cpu / found[COG].cpu:.2f} x COG")
        else:
            print(missing(COG))
        if with_pyramid and shutil.which(TILES):
            pyramid = self._work / "pyramid"
            peer = [TILES, "-q", "--processes=2", "-z", "12-20", "-w", "none", str(picture), str(pyramid)]
            found = alternate({TILES: peer, "all": everything}, min(self._runs, 3))
            print(row(f"{TILES} z12-20", found[TILES]) + f"   {weight(pyramid)}")
            print(row("zwilling, all three", found["all"]) + f"   {weight(self._work / 'all')}")
            print(verdict("all three, wall against gdal2tiles", found["all"].wall / found[TILES].wall, 1 / 4, 1 / 8))
            print(f"  CPU 1/{found[TILES].cpu / found['all'].cpu:.1f} of gdal2tiles")
        else:
            print("  gdal2tiles.py left out" if shutil.which(TILES) else missing(TILES))
            print(row("zwilling, all three", alternate({"all": everything}, self._runs)["all"]))

    def terrain_alone(self) -> None:
        """Print what heights without pictures cost, for one square kilometre and for many."""
        print("\nterrain alone, 1 m, with shaded 3D Tiles and quantized mesh for a globe")
        found = {}
        for side in (1, 3, *((10,) if self._large else (5,))):
            folder = self._folder("heights")
            files = [ground_inputs.terrain(folder, x, y) for y in range(side) for x in range(side)]
            command = self._ours(files, f"terrain-{side}")
            runs = self._runs if side == 1 else min(self._runs, 2 if side < 10 else 1)
            found[side] = alternate({"ours": command}, runs)["ours"] if side < 10 else Median.of([run(command)])
            print(row(f"{side * side} km²", found[side]) + f"   {weight(self._work / f'terrain-{side}')}")
        globe = [
            sys.executable,
            "-m",
            "benchmarks.globe_terrain",
            "--jobs",
            str(self._jobs),
            "-o",
            str(self._work / "globe"),
        ]
        only = alternate({"ours": [*globe, str(ground_inputs.terrain(self._folder("heights")))]}, self._runs)["ours"]
        print(row("1 km², quantized mesh", only))
        print(verdict("1 km², quantized mesh, wall in seconds", only.wall, 2.0, 1.5))
        print(verdict("1 km², with 3D Tiles, wall in seconds", found[1].wall, 2.0, 2.0))
        sides = sorted(found)
        first, last = sides[1], sides[-1]
        growth = (found[last].cpu / last**2) / (found[first].cpu / first**2)
        print(f"  CPU for each km², {last**2} against {first**2}: {growth:.2f}; against 1 (with process start): "
              f"{(found[last].cpu / last**2) / found[1].cpu:.2f}")  # fmt: skip
        alone = [*self._ours([ground_inputs.terrain(self._folder("heights"))], "terrain-tiles"), "--no-globe"]
        print(row("1 km², 3D Tiles alone", alternate({"ours": alone}, self._runs)["ours"]))

    def memory(self) -> None:
        """Print the peak of the process tree while the number of inputs grows."""
        print(f"\npeak memory, {self._jobs} jobs, everything made, pictures and heights of so many km²")
        peaks = {}
        for side in (1, 2, *((3,) if self._large else ())):
            files = [self._inputs(x, y) for y in range(side) for x in range(side)]
            command = self._ours([file for pair in files for file in pair], f"many-{side}")
            its = Median.of([run(command)])
            peaks[side] = its.peak
            print(row(f"{side * side} km²", its) + f"   {weight(self._work / f'many-{side}')}")
            shutil.rmtree(self._work / f"many-{side}")
        print(verdict("largest peak, GB", max(peaks.values()) / 1e9, 1.5, 1.5))

    def pictures(self) -> None:
        """Print bytes and likeness of the textures beside a plain WebP pyramid, and the number of files."""
        picture, heights = self._inputs()
        tiles = self._work / "tiles"
        run(self._ours([picture, heights], "tiles", "--no-globe"))
        some = textures.pairs(tiles, picture, 16)
        ours, size = textures.likeness(some), sum(len(pair.stored) for pair in some)
        megapixels = len(some) * 1.048576
        print(f"\ntextures against the source, {len(some)} tiles of full detail")
        print(f"  zwilling             SSIM {ours:.4f}   {size / megapixels / 1e3:.1f} kB/MP")
        for side in (1024, SMALL):
            plain = textures.plain_alike(some, ours, side)
            print(
                f"  plain WebP, {side:4} px  SSIM {plain.likeness:.4f}   {plain.size / megapixels / 1e3:.1f} kB/MP   "
                f"method 4, quality {plain.quality:.1f}"
            )
            print(verdict(f"bytes against plain, {side} px", size / plain.size, 1.2, 1.2))
        own = textures.texture_bytes(tiles)
        pyramid, count = textures.plain_pyramid(picture, plain.quality, SMALL)
        files = [path for path in tiles.rglob("*") if path.is_file() and not path.name.startswith(".")]
        meshes = sum(path.stat().st_size for path in files) - own
        print(f"  all levels: {own / 1e6:.2f} MB of textures, {meshes / 1e6:.2f} MB of meshes and JSON; "
              f"plain pyramid {pyramid / 1e6:.2f} MB: {own / pyramid:.2f} x")  # fmt: skip
        print(f"  {len(files)} files; {count} of {SMALL} pixels: 1/{count / len(files):.1f} (wanted: 1/10)")

    def real_files(self) -> None:
        """Print what becomes of real pictures; they are small, so it is mostly the start of the process."""
        place = os.environ.get("ZWILLING_TEST_DATA")
        data = Path(place) if place else Path(__file__).parents[2] / "shared" / "data"
        found = sorted(path for suffix in ("*.tif", "*.jp2") for path in (data / "orthophotos").rglob(suffix))
        print(f"\nreal files, one run each, 3D Tiles and globe{'' if found else ': there are none here'}")
        for path in found:
            with rasterio.open(path) as dataset:
                megapixels = dataset.width * dataset.height / 1e6
                code = (dataset.crs.to_epsg() if dataset.crs else None) or LAMBERT_93
            # They come from all over the world; their plane is taken as ellipsoidal, so none needs a geoid.
            command = [*self._ours([path], "real"), "--plane-height", "50", "--crs", f"EPSG:{code}+ellipsoidal"]
            try:
                its = Median.of([run(command)])
            except RuntimeError as error:
                print(f"  {path.name:34} {str(error).splitlines()[-1]}")
                continue
            print(row(path.name, its, 34) + f"   {megapixels:.2f} MP   {weight(self._work / 'real')}")

    def _inputs(self, column: int = 0, row: int = 0) -> tuple[Path, Path]:
        folder = self._folder("inputs")
        return (
            ground_inputs.orthophoto(folder, column, row, self._pixels),
            ground_inputs.terrain(folder, column, row, self._pixels // 10),
        )

    def _ours(self, sources: Sequence[Path], name: str, *more: str) -> list[str]:
        command = [sys.executable, "-m", "zwilling", "tile", *map(str, sources), "-o", str(self._work / name)]
        return [*command, "--quiet", "--jobs", str(self._jobs), *more]

    def _folder(self, name: str) -> Path:
        folder = self._work / name
        folder.mkdir(exist_ok=True)
        return folder


def row(name: str, figures: Median, width: int = 22) -> str:
    """Return one line of a table."""
    return (
        f"  {name:{width}} wall {figures.wall:6.2f} s   CPU {figures.cpu:6.2f} s   "
        f"peak {figures.peak / 1e6:5.0f} MB   n={figures.runs}"
    )


def weight(place: Path) -> str:
    """Return bytes and number of the files that were left."""
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB in {len(files)} files"


def verdict(what: str, value: float, accept: float, aim: float) -> str:
    """Return one line that sets a value beside what is accepted and aimed at; smaller is better."""
    word = "aim met" if value <= aim else "accepted" if value <= accept else "TOO MUCH"
    goals = f"accept {accept:.3g}" + ("" if accept == aim else f", aim {aim:.3g}")
    return f"  {what}: {value:.2f} ({goals}): {word}"


def missing(program: str) -> str:
    """Return why a peer is not there."""
    return f"  {program} is not installed, left out; on Debian: apt-get install gdal-bin python3-gdal"


if __name__ == "__main__":
    main()
