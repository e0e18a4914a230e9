"""CityGML -> 3D Tiles against the parser's limit and against `citygml-to-3dtiles`, the one peer on the registries.

    python -m benchmarks.citygml [--runs 5] [--large] [--no-peer]

Inputs are made by the sample generator (2,000 and 20,000 buildings, each merged into one file; 200,000 with
`--large`).  Yardsticks run in the same session, in turn with ours (A B A B, order turned round every other time):
a bare `lxml.etree.iterparse` of the same file, and the peer, installed from npm into the work folder.  The peer
knows no `urn:adv:crs:` name and no EPSG:25832, so it gets a copy that says EPSG:25833, which is the same work; what it
loses and gets wrong is not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Median, Run, alternate, machine, run

PEER = "citygml-to-3dtiles@0.1.6"
BARE = """
import sys
from lxml import etree
for _, element in etree.iterparse(sys.argv[1], tag="{http://www.opengis.net/citygml/1.0}cityObjectMember"):
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command")
    parser.add_argument("--jobs", type=int, default=2, help="processes of ours")
    parser.add_argument("--large", action="store_true", help="200,000 buildings as well (2.5 GB of CityGML)")
    parser.add_argument("--no-peer", action="store_true", help="leave the npm peer out (it takes minutes)")
    parser.add_argument("--work", type=Path, help="folder for inputs and outputs; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        print(machine())
        peer = None if options.no_peer else install_peer(work)
        sizes = [2_000, 20_000, *([200_000] if options.large else [])]
        found = {size: measure(work, size, options.runs, options.jobs, peer) for size in sizes}
        linear = found[sizes[-1]].wall / sizes[-1] / (found[sizes[0]].wall / sizes[0])
        print(f"wall per building, {sizes[-1]:,} against {sizes[0]:,}: {linear:.2f}")
        print(f"peak, {sizes[-1]:,} against {sizes[0]:,}: {found[sizes[-1]].peak / found[sizes[0]].peak:.2f}")
        start = alternate({"help": [sys.executable, "-m", "zwilling", "--help"]}, options.runs)["help"]
        print(f"zwilling --help: {start.wall:.2f} s")
        print(machine())


def measure(work: Path, buildings: int, runs: int, jobs: int, peer: Path | None) -> Median:
    """Print the figures for one size and return ours."""
    source = make_input(work, buildings)
    output = work / f"tiles-{buildings}"
    report = work / f"report-{buildings}.json"
    ours_command = [sys.executable, "-m", "zwilling", "tile", str(source), "-o", str(output), "--quiet"]
    found = alternate(
        {
            "bare iterparse": [sys.executable, "-c", BARE, str(source)],
            "zwilling": [*ours_command, "--jobs", str(jobs), "--report", str(report)],
        },
        runs,
    )
    bare, ours = found["bare iterparse"], found["zwilling"]
    counts = json.loads(report.read_text(encoding="utf-8"))
    per_building = counts["bytes"] / counts["features_out"]
    print(f"\n{buildings:,} buildings, {source.stat().st_size / 1e6:.1f} MB, {runs} runs, medians")
    print(row("bare iterparse", bare))
    print(row(f"zwilling, {jobs} jobs", ours))
    print(f"  in = out: {counts['features_in']} = {counts['features_out']}; {counts['tiles']} tiles")
    print(f"  wall {ours.wall / bare.wall:.2f} x, CPU {ours.cpu / bare.cpu:.2f} x bare iterparse")
    print(f"  {per_building:.0f} bytes a building")
    if peer is not None:
        measure_peer(work, peer, source, ours, per_building, counts["features_out"])
    return ours


def measure_peer(work: Path, peer: Path, source: Path, ours: Median, per_building: float, buildings: int) -> None:
    """Print how ours compares with one run of the peer."""
    known = work / f"epsg-{source.name}"
    text = source.read_bytes()
    known.write_bytes(text.replace(b"urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016", b"EPSG:25833"))
    output = work / f"peer-{source.stem}"
    its: Run = run(["node", "--max-old-space-size=8192", str(peer), str(known), str(output)])
    known.unlink()
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(row("citygml-to-3dtiles", Median.of([its])))
    print(
        f"  wall 1/{its.wall / ours.wall:.1f}, peak 1/{its.peak / ours.peak:.1f}, "
        f"bytes {per_building / (size / buildings):.2f} of its {size / buildings:.0f} a building"
    )


def row(name: str, figures: Median) -> str:
    """Return one line of a table."""
    return (
        f"  {name:22} wall {figures.wall:7.2f} s   CPU {figures.cpu:7.2f} s   "
        f"peak {figures.peak / 1e6:7.0f} MB   n={figures.runs}"
    )


def make_input(work: Path, buildings: int) -> Path:
    """Return one CityGML file with so many buildings of the sample town."""
    merged = work / f"sample-{buildings}.gml"
    if merged.is_file():
        return merged
    with tempfile.TemporaryDirectory(dir=work) as folder:
        subprocess.run(
            [sys.executable, "-m", "zwilling", "sample", folder, "--buildings", str(buildings)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        part = merged.with_suffix(".part")
        with part.open("wb") as target:
            for number, path in enumerate(sorted(Path(folder).glob("*.gml"))):
                content = path.read_bytes()
                first = content.index(b"<core:cityObjectMember")
                target.write(content[0 if number == 0 else first : content.rindex(b"</core:CityModel>")])
            target.write(b"</core:CityModel>\n")
        part.rename(merged)
    return merged


def install_peer(work: Path) -> Path:
    """Return the peer's program, installed from npm."""
    folder = work / "peer"
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules").is_dir():
        subprocess.run(
            ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), PEER],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    package = folder / "node_modules" / "citygml-to-3dtiles"
    program = json.loads((package / "package.json").read_text(encoding="utf-8"))["bin"]
    return package / (program if isinstance(program, str) else next(iter(program.values())))


if __name__ == "__main__":
    main()
