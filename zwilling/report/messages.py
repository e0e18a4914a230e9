"""Messages of findings in German, for the page; `report.json` keeps them as the program says them.

The program's own sentence is the key, as in a gettext catalogue: what is filled in stands as `{}` in it and, in the
same order, as `{0}`, `{1}` in the German one.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import Final

_LEFT_OUT: Final = "weggelassen"

GERMAN: Final = MappingProxyType(
    {
        # Places
        "all buildings": "alle Gebäude",
        "class {}": "Objektart {0}",
        "{} of {} entries": "{0} von {1} Einträgen",
        # Archives
        "archives in the archive are not read: {} and {} more": "Archive im Archiv: {0} und {1} weitere",
        "archives in the archive are not read: {}": "Archive im Archiv: {0}",
        "neither CityGML nor CityJSON, so not read: {} and {} more": "nicht gelesen: {0} und {1} weitere",
        "neither CityGML nor CityJSON, so not read: {}": "nicht gelesen: {0}",
        # Objects
        "building has no geometry that can be drawn; it was left out": f"nichts, was sich zeichnen lässt; {_LEFT_OUT}",
        "building part has no geometry that can be drawn; its building is drawn without it": (
            "nichts, was sich zeichnen lässt; das Gebäude ist ohne diesen Teil gezeichnet"
        ),
        "this building part is in no building; it is drawn as a building of its own": "als eigenes Gebäude gezeichnet",
        "building number {} of the file (line {}) has no gml:id": "Gebäude Nummer {0} der Datei (Zeile {1})",
        "building number {} of the file has no gml:id": "Gebäude Nummer {0} der Datei",
        "the id stands in the file before; this building is kept as {}": "dieses Gebäude heißt nun {0}",
        "the id stands in another source, or before in a large one; this building is kept as {}": (
            "steht auch in einer anderen Quelle oder weiter vorn in einer großen; dieses Gebäude heißt nun {0}"
        ),
        "{} {} not read: only buildings are drawn": "{0} × {1} nicht gelesen; gezeichnet werden nur Gebäude",
        "buildings and parts there are: none": "keine Gebäude und Gebäudeteile",
        "buildings and parts there are: {}": "Gebäude und Gebäudeteile: {0}",
        "it has no LoD{}; LoD{} is drawn": "LoD{0} fehlt, gezeichnet ist LoD{1}",
        # Coordinates
        "its coordinates are not finite numbers in threes, or its heights not between -1000 and 10000 m; it was left "
        "out": (
            "die Koordinaten sind keine endlichen Zahlen, je drei für einen Punkt, oder die Höhen liegen nicht "
            f"zwischen −1.000 und 10.000 m; {_LEFT_OUT}"
        ),
        "its geometry is no CityJSON ({}); left out": f"die Geometrie ist kein CityJSON ({{0}}); {_LEFT_OUT}",
        "the boundaries of its {} are no CityJSON ({}); left out": (
            f"die „boundaries“ von {{0}} sind kein CityJSON ({{1}}); {_LEFT_OUT}"
        ),
        "its coordinates have no heights; 0 was taken": "Koordinaten ohne Höhe; angenommen ist 0",
        # Rings and polygons
        "fewer than three different points (101); it was left out": (
            f"weniger als drei verschiedene Punkte (101); {_LEFT_OUT}"
        ),
        "points repeat the one before (102); left out": f"Punkte wiederholen den vorigen (102); {_LEFT_OUT}",
        "its ring is not closed (103); it was closed": "der Ring ist offen (103); er wurde geschlossen",
        "its ring has collapsed to a line (104); it was left out": (
            f"der Ring ist zu einer Linie zusammengefallen (104); {_LEFT_OUT}"
        ),
        "its rings cross (104, 201); a repaired form is drawn": (
            "die Ringe kreuzen sich (104, 201); gezeichnet ist eine ausgebesserte Form"
        ),
        "an inner ring has no area (101); drawn without that hole": (
            "ein innerer Ring hat keine Fläche (101); ohne diese Aussparung gezeichnet"
        ),
        "its points lie up to {} m from their plane (203)": "Punkte liegen bis zu {0} m neben ihrer Ebene (203)",
        "{} surfaces faced inwards (307); they were turned": "{0} Flächen zeigten nach innen (307) und sind gewendet",
        # References
        "reference to '{}' is never followed": "dem Verweis auf „{0}“ wird nicht gefolgt",
        "reference to '{}' leads to nothing": "der Verweis auf „{0}“ führt ins Leere",
        "reference to '{}' comes back to itself; it was followed once": (
            "der Verweis auf „{0}“ führt zu sich selbst zurück; er wurde einmal verfolgt"
        ),
        "its part '{}' stands elsewhere and is not drawn with it": (
            "sein Teil „{0}“ steht an anderer Stelle und ist nicht mit ihm gezeichnet"
        ),
        "its surface '{}' is not in the building and is not drawn": (
            "seine Fläche „{0}“ steht nicht im Gebäude und ist nicht gezeichnet"
        ),
        "its surface '{}' stands in '{}' and is drawn there": (
            "seine Fläche „{0}“ steht in „{1}“ und ist dort gezeichnet"
        ),
        # Attributes
        "{} is '{}', which is no number that can be stored": "{0} ist „{1}“; das ist keine brauchbare Zahl",
        "its attributes are no JSON object; it has none": "die Merkmale sind kein JSON-Objekt; es hat keine",
        "the file names so many attributes that {} is left out": "zu viele Merkmale in der Datei; {0} fehlt",
        "the code list '{}' cannot be read ({}); its codes have no labels": (
            "die Schlüsselliste „{0}“ ist nicht lesbar ({1}); gezeigt werden die Schlüssel"
        ),
        "{} is no surface and was passed over": "{0} ist keine Fläche und wurde übergangen",
        # Place and height
        "{} buildings lie outside {}, the first at {} E, {} N; check the CRS if that is not meant": (
            "{0} Gebäude liegen außerhalb von {1}, das erste bei {2}° Ost, {3}° Nord"
        ),
        "{} names no height system; heights are taken as DHHN2016 (NHN). If they are ellipsoidal, everything stands "
        "some 45 m too high.": "{0} nennt kein Höhensystem; die Höhen sind als DHHN2016 (NHN) genommen",
        "Heights are DHHN92 and are taken as DHHN2016, which differs by some centimetres in Nordrhein-Westfalen (more "
        "where mining lowers the ground).": "Höhen im DHHN92, als DHHN2016 genommen",
        "{} is brought to ETRS89 within {} m only, because PROJ's grid BETA2007 is not installed.": (
            "{0} ist nur auf {1} m genau nach ETRS89 gebracht, weil PROJ das Gitter BETA2007 fehlt"
        ),
        "{} is another edition of {} than the one that was tested; check known heights.": (
            "{0} ist eine andere Ausgabe von {1} als die geprüfte; vergleichen Sie bekannte Höhen"
        ),
        "The official grid {} is not installed; heights come from the surface of {}, which follows it within {} mm.": (
            "Das amtliche Gitter {0} ist nicht installiert; die Höhen kommen aus der Fläche für {1}, die es auf {2} mm "
            "trifft"
        ),
        # Terrain
        "{} files name no coordinate system; taken as {} ({})": (
            "{0} Dateien nennen kein Koordinatensystem; angenommen ist {1} ({2})"
        ),
        "no heights are near the pictures; they were left out here": (
            "keine Geländehöhen in der Nähe der Luftbilder; sie sind hier weggelassen"
        ),
        "{} files name no height system; their heights are taken as {}": (
            "{0} Dateien nennen kein Höhensystem; die Höhen sind als {1} genommen"
        ),
        "{} files of heights lie outside {}; check the CRS if that is not meant": (
            "{0} Geländedateien liegen außerhalb von {1}"
        ),
        "no cell has a height; check whether the file was written whole, and what it declares as nodata": (
            "keine Zelle hat eine Höhe"
        ),
        "{} of {} cells ({} m²) have no height": "{0} von {1} Zellen ({2} m²) haben keine Höhe",
        "{} cells hold {}, which the file does not declare as nodata; taken as no height": (
            "{0} Zellen enthalten {1}; sie gelten als Zellen ohne Höhe"
        ),
        "{} cells hold heights that land cannot have, such as {} m; left out": (
            f"{{0}} Zellen enthalten unmögliche Höhen wie {{1}} m; {_LEFT_OUT}"
        ),
        "{} gaps of {} m² together were closed from their rims": (
            "{0} Lücken, zusammen {1} m², sind von ihrem Rand her geschlossen"
        ),
        "{} rows name places beside the grid of all others; left out": (
            f"{{0}} Zeilen nennen Orte neben dem Raster der anderen; {_LEFT_OUT}"
        ),
        # Pictures
        "rows {} to {}": "Zeilen {0} bis {1}",
        "{} bands without names: taken as red, green, blue and near infrared ({} files alike)": (
            "{0} Kanäle ohne Namen, genommen als Rot, Grün, Blau und nahes Infrarot ({1} gleichartige Dateien)"
        ),
        "band 4 says that it is alpha and is not; it is taken as near infrared ({} files alike)": (
            "der vierte Kanal ist keine Deckkraft, sondern wohl nahes Infrarot ({0} gleichartige Dateien)"
        ),
        "one band: shown in grey ({} files alike)": "ein Kanal, grau gezeigt ({0} gleichartige Dateien)",
        "{} files have 16 bits; {} are used, of which the upper 8 are shown": (
            "{0} Dateien mit 16 Bit; benutzt sind {1}, gezeigt die oberen 8 davon"
        ),
        "{} values need more than the {} bits that the layer has; they show as white": (
            "{0} Werte brauchen mehr als die {1} Bit der Ebene; sie sind weiß"
        ),
        "nodata or transparent everywhere": "überall durchsichtig",
        "is the same file as {}": "dieselbe Datei wie {0}",
        "the colours of {} of {} files were drawn together where flights meet ({}): along their seams they differ "
        "by {} grey values (median), before by {}": (
            "die Farben von {0} der {1} Dateien sind angeglichen, wo Befliegungen aneinanderstoßen ({2}): entlang der "
            "Nähte unterscheiden sie sich um {3} Grauwerte (Median), vorher um {4}"
        ),
        "{} of {} files are resampled to {} at {} m; {} has {} m, to which the others cannot follow: make a layer of "
        "its own of it to see all": (
            "{0} von {1} Dateien sind auf {2} mit {3} m umgerechnet; {4} hat {5} m, und so fein kann nicht alles sein: "
            "machen Sie daraus eine eigene Ebene, um alles zu sehen"
        ),
        "{} of {} files are resampled to {} at {} m": ("{0} von {1} Dateien sind auf {2} mit {3} m umgerechnet"),
        # Point clouds; what begins alike stands from the longest to the shortest
        "points reach from {} to {} E and from {} to {} N, beyond {}; check the CRS if that is not meant": (
            "die Punkte reichen von {0}° bis {1}° Ost und von {2}° bis {3}° Nord, über {4} hinaus"
        ),
        "header": "Kopf der Datei",
        "points {} to {}": "Punkte {0} bis {1}",
        "octree node {} and {} more": "Knoten {0} des Octrees und {1} weitere",
        "octree node {}": "Knoten {0} des Octrees",
        "piece {}": "Stück {0}",
        "has no points": "keine Punkte",
        "counts {} points, and {} for readers of old": "zählt {0} Punkte, und {1} für ältere Leseprogramme",
        "is LAS 1.{} with points of format {}, which came later": "LAS 1.{0} mit Punkten des jüngeren Formats {1}",
        "claims {} extended records from byte {} on, which the file's {} bytes do not hold; they are not read": (
            "nennt {0} Zusatzsätze ab Byte {1}, die in die {2} Byte der Datei nicht passen; sie sind nicht gelesen"
        ),
        "extended record {} of {} at byte {} is cut off and is not read": (
            "Zusatzsatz {0} von {1} bei Byte {2} ist abgeschnitten und nicht gelesen"
        ),
        "counts {} points, and {} more bytes follow them, which are not read": (
            "zählt {0} Punkte; dahinter folgen {1} Byte, die nicht gelesen sind"
        ),
        "{}; its {} points are missing in the result": "{0}; es fehlen {1} Punkte",
        "{} points are marked as withheld (deleted) and are left out": (
            f"{{0}} Punkte sind als gelöscht gekennzeichnet (withheld); {_LEFT_OUT}"
        ),
        "{} points lie outside of the bounds that the file's head states": (
            "{0} Punkte liegen außerhalb der Grenzen, die der Kopf der Datei nennt"
        ),
        "{} values of '{}' are no number": "{0} Werte von „{1}“ sind keine Zahl",
        "colours were taken as 0 to 255, as most of the file has them, but reach {}": (
            "Farben sind als 0 bis 255 genommen, reichen aber bis {0}"
        ),
        "has no dimension '{}'; it has {}": "es gibt keine Angabe „{0}“; es gibt {1}",
        "the bounds in the head cannot be true; they were found by reading all points": (
            "die Grenzen im Kopf können nicht stimmen; sie sind aus allen Punkten ermittelt"
        ),
        "has room for colours, but none": "Platz für Farben, aber keine",
        "its octree (COPC) is not used: {}": "der Octree (COPC) ist nicht benutzt: {0}",
        "names no CRS; taken as {}": "nennt kein Koordinatensystem; angenommen ist {0}",
        "names no height system; taken as {}": "nennt kein Höhensystem; angenommen ist {0}",
        "WKT says {}, GeoTIFF keys say {}; WKT counts, as its head says": (
            "WKT nennt {0}, GeoTIFF-Schlüssel nennen {1}; nach dem Kopf der Datei gilt das WKT"
        ),
        "GeoTIFF keys say {}, WKT says {}; the keys count, as its head says": (
            "GeoTIFF-Schlüssel nennen {0}, WKT nennt {1}; nach dem Kopf der Datei gelten die Schlüssel"
        ),
        "the file could not be read and was left out: {}": f"die Datei war nicht lesbar und ist {_LEFT_OUT}: {{0}}",
        "{} of {} points lie where {} does not reach, the first at ({}); they were left out": (
            f"{{0}} von {{1}} Punkten liegen, wo {{2}} nicht gilt, der erste bei ({{3}}); {_LEFT_OUT}"
        ),
        "its points are in {}; they were brought to {}, that of the layer": (
            "die Punkte sind in {0} und auf {1}, das System der Ebene, umgerechnet"
        ),
        "its grid of coordinates does not fit that of the layer; places were rounded by up to {} mm": (
            "das Raster der Koordinaten passt nicht zu dem der Ebene; Orte sind um bis zu {0} mm gerundet"
        ),
        "no point is classified as ground, so heights above it are not known": (
            "kein Punkt ist als Boden gekennzeichnet; die Höhe über Gelände ist nicht bekannt"
        ),
        "{} points are too far from any ground for their height above it to be known": (
            "{0} Punkte sind zu weit von jedem Boden, als dass ihre Höhe darüber bekannt wäre"
        ),
        "{} of {} files have no {}; their points are given {}": (
            "{0} von {1} Dateien haben keine Angabe „{2}“; ihre Punkte haben {3}"
        ),
        "{} of {} points lie where no picture shows anything; they are light grey": (
            "{0} von {1} Punkten liegen, wo kein Luftbild etwas zeigt; sie sind hellgrau"
        ),
    }
)
_DECIMAL: Final = re.compile(r"-?\d+\.\d+")
_GROUPED: Final = re.compile(r"-?\d{1,3}(,\d{3})+")


def in_german(message: str) -> str | None:
    """Return what a finding says, in German; None where there is no German for it.

    Example:
        >>> in_german("its points lie up to 0.31 m from their plane (203)")
        'Punkte liegen bis zu 0,31 m neben ihrer Ebene (203)'
    """
    for form, german in _forms():
        if found := form.fullmatch(message):
            return german.format(*map(_german_number, found.groups()))
    return None


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile("(.*)".join(map(re.escape, english.split("{}"))), re.DOTALL), german)
        for english, german in GERMAN.items()
    )


def _german_number(text: str) -> str:
    if _GROUPED.fullmatch(text):
        return text.replace(",", ".")
    return text.replace(".", ",") if _DECIMAL.fullmatch(text) else text
