"""A large file cut between its members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citygml import shares
from citygml.reader import CityGMLSource
from citygml.shares import cut
from zwilling.errors import SourceError
from zwilling.features import FeatureBatch
from zwilling.region import load_region


@pytest.fixture
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "_SHARE_BYTES", 200_000)


@pytest.fixture
def essen(shared_data: Path) -> Path:
    return shared_data / "citygml" / "nrw" / "Essen_EssenExample.gml"


def read(path: Path) -> FeatureBatch:
    region = load_region()
    sources = [CityGMLSource(path, region=region, share=share) for share in cut(path)] or [CityGMLSource(path)]
    return FeatureBatch.concatenate([batch for source in sources for batch in source.batches()])


@pytest.mark.usefixtures("small_shares")
def test_shares_together_hold_what_the_whole_holds(essen: Path) -> None:
    assert len(cut(essen)) > 5
    whole = FeatureBatch.concatenate(list(CityGMLSource(essen, region=load_region()).batches()))
    together = read(essen)
    assert together.feature_ids.tolist() == whole.feature_ids.tolist()
    assert together.crs == whole.crs
    assert np.array_equal(together.positions, whole.positions)
    assert np.array_equal(together.triangles, whole.triangles)
    assert together.table.columns["address"].tolist() == whole.table.columns["address"].tolist()


@pytest.mark.usefixtures("small_shares")
def test_shares_cover_the_file_without_gap_or_overlap(essen: Path) -> None:
    found = cut(essen)
    assert found[0].start == found[0].head
    assert [share.end for share in found[:-1]] == [share.start for share in found[1:]]
    assert found[-1].end == essen.stat().st_size
    content = essen.read_bytes()
    assert all(content[share.start :].startswith(b"<core:cityObjectMember") for share in found)


@pytest.mark.usefixtures("small_shares")
def test_shares_are_alike_so_that_two_or_four_processes_end_together(essen: Path) -> None:
    found = cut(essen)
    sizes = [share.end - share.start for share in found]
    assert len(found) % 4 == 0
    assert max(sizes) - min(sizes) < 200_000 / 4


def test_a_small_file_is_not_cut(essen: Path) -> None:
    assert cut(essen) == []


@pytest.mark.usefixtures("small_shares")
def test_an_encoding_in_which_a_cut_cannot_be_seen_is_read_whole(essen: Path, tmp_path: Path) -> None:
    text = essen.read_text(encoding="utf-8")
    wide = tmp_path / "wide.gml"
    wide.write_text(text.replace("UTF-8", "UTF-16", 1), encoding="utf-16")
    assert cut(wide) == []


@pytest.mark.usefixtures("small_shares")
def test_a_member_in_a_comment_makes_the_share_refuse_itself(essen: Path, tmp_path: Path) -> None:
    text = essen.read_text(encoding="utf-8")
    head, tail = text.rsplit("<core:cityObjectMember", 1)
    trap = tmp_path / "trap.gml"
    comment = f"<!--{' ' * 250_000}<core:cityObjectMember>-->"
    trap.write_text(f"{head}{comment}<core:cityObjectMember{tail}{' ' * 250_000}", encoding="utf-8")
    with pytest.raises(SourceError):
        read(trap)
    assert sum(batch.features_in for batch in CityGMLSource(trap).batches()) == 117


def test_a_file_that_is_not_there_is_left_to_the_reader(tmp_path: Path) -> None:
    assert cut(tmp_path / "absent.gml") == []
