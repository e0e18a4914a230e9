"""A terrain for globes and nothing else, as a program to measure: quantized mesh with normals, all levels.

    python -m benchmarks.globe_terrain --jobs 2 -o OUT DGM1.tif …

The product itself always makes 3D Tiles of the same heights, too (`zwilling tile`).
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

# As the command `zwilling` does, before numpy is loaded: processes are forked only where there are no threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from orthophotos.heights import open_heights
from tiler.terrain.ground import Ground
from tiler.terrain.quantized_terrain import GlobeTerrain
from tiler.terrain.work import work
from tiler.workers import Workers
from zwilling.region import load_region


def main() -> None:
    """Make the terrain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="terrain models")
    parser.add_argument("-o", "--output", required=True, type=Path, help="folder; what is in it is removed")
    parser.add_argument("--jobs", type=int, default=2, help="processes that share the work")
    options = parser.parse_args()
    region = load_region()
    heights = open_heights(options.files, crs=None, region=region)
    ground = Ground(None, heights, 0.0, heights.full_crs, region)
    shutil.rmtree(options.output, ignore_errors=True)
    scratch = options.output / ".scratch"
    scratch.mkdir(parents=True)
    with Workers(options.jobs) as workers:
        work([GlobeTerrain.of(ground)], ground, options.output, scratch, workers, code="")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
