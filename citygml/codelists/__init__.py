"""German labels of AdV's codes.

The tables beside this module hold facts of AdV's published lists, one code a line: code, tab, label.
An unknown code has the label `""`: the code itself is kept, nothing is guessed.

Spec: AdV CityGML profile LoD2-DE, code lists BuildingFunctionTypeAdV and RoofTypeTypeAdV
(http://repository.gdi-de.org/schemas/adv/citygml/Codelisten/); ALKIS object catalogue (GeoInfoDok).
"""

from __future__ import annotations

from functools import cache
from importlib import resources


def function_label(codes: str) -> str:
    """Return the label of a building function; several codes are joined by `; `, and so are their labels.

    Example:
        >>> function_label("31001_2463"), function_label("51009_1610"), function_label("4711")
        ('Garage', 'Überdachung', '')
    """
    return _joined("building_function", codes)


def roof_type_label(codes: str) -> str:
    """Return the label of a roof type.

    Example:
        >>> roof_type_label("3100"), roof_type_label("")
        ('Satteldach', '')
    """
    return _joined("roof_type", codes)


def source_label(code: str) -> str:
    """Return the label of where a roof's height comes from (`DatenquelleDachhoehe`).

    Example:
        >>> source_label("1000")
        'Laserscanning'
    """
    return _table("roof_height_source").get(code, "")


def _joined(name: str, codes: str) -> str:
    table = _table(name)
    labels = [table.get(code, "") for code in codes.split("; ")]
    return "; ".join(label for label in labels if label)


@cache
def _table(name: str) -> dict[str, str]:
    text = (resources.files(__package__) / f"{name}.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t") for line in lines)
