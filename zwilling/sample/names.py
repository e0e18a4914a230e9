"""Street names as German towns give them: by trade in the old town, by theme in each newer quarter."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

LANES = (
    "Krämergasse", "Töpfergasse", "Färbergasse", "Gerbergasse", "Seilergasse", "Küfergasse", "Zunftgasse",
    "Engegasse", "Brunnengasse", "Klostergasse", "Pfarrgasse", "Torgasse", "Mauergasse", "Kornmarkt",
    "Fischmarkt", "Buttermarkt", "Hafengasse", "Weingasse", "Spitalgasse", "Glockengasse", "Schmiedegasse",
    "Webergasse", "Badergasse", "Sattlergasse",
)  # fmt: skip

TOWN = (
    "Gartenstraße", "Blumenstraße", "Poststraße", "Wasserstraße", "Feldstraße", "Hügelstraße", "Kanalstraße",
    "Wilhelmstraße", "Friedrichstraße", "Augustastraße", "Luisenstraße", "Adlerstraße", "Sternstraße",
    "Kreuzstraße", "Hofstraße", "Königstraße", "Turmstraße", "Sternplatz", "Bleichstraße", "Salzstraße",
    "Jägerstraße", "Martinstraße", "Nikolausstraße", "Josefstraße", "Annastraße", "Florastraße", "Ziegelstraße",
    "Spinnereistraße", "Gasstraße", "Lagerstraße", "Fabrikstraße", "Parkstraße", "Schulstraße", "Teichstraße",
    "Steinstraße", "Rosenstraße",
)  # fmt: skip

THEMES = (
    (
        "Amsel", "Drossel", "Finken", "Lerchen", "Meisen", "Star", "Zeisig", "Schwalben", "Kiebitz", "Reiher",
        "Specht", "Sperber", "Falken", "Habicht", "Bussard", "Eulen", "Storchen", "Kranich", "Pirol",
        "Rotkehlchen", "Wachtel", "Rebhuhn", "Dohlen", "Elster",
    ),
    (
        "Ahorn", "Buchen", "Eichen", "Eschen", "Erlen", "Ulmen", "Linden", "Birken", "Kastanien", "Pappel",
        "Weiden", "Kiefern", "Fichten", "Tannen", "Lärchen", "Eiben", "Holunder", "Haselnuss", "Weißdorn",
        "Schlehen", "Platanen", "Robinien", "Akazien", "Ginster",
    ),
    (
        "Rosen", "Tulpen", "Nelken", "Dahlien", "Astern", "Veilchen", "Lilien", "Narzissen", "Krokus",
        "Primel", "Malven", "Anemonen", "Lavendel", "Mohn", "Kornblumen", "Margeriten", "Enzian", "Heide",
        "Efeu", "Klee", "Flieder", "Jasmin", "Hyazinthen", "Iris",
    ),
    (
        "Weizen", "Roggen", "Gersten", "Hafer", "Dinkel", "Flachs", "Hopfen", "Rüben", "Raps", "Acker",
        "Wiesen", "Garten", "Ernte", "Garben", "Schnitter", "Pflug", "Sämann", "Imker", "Schäfer", "Hirten",
        "Müller", "Meier", "Winzer", "Gärtner",
    ),
    (
        "Apfel", "Birnen", "Kirsch", "Pflaumen", "Quitten", "Mirabellen", "Pfirsich", "Walnuss", "Brombeer",
        "Himbeer", "Johannisbeer", "Erdbeer", "Holunderbeer", "Schlehdorn", "Reneklode", "Mispel",
        "Stachelbeer", "Preiselbeer", "Trauben", "Hagebutten",
    ),
    (
        "Hirsch", "Reh", "Fuchs", "Dachs", "Hasen", "Igel", "Biber", "Otter", "Marder", "Luchs", "Iltis",
        "Eichhorn", "Wiesel", "Hamster", "Maulwurf", "Frettchen", "Hermelin", "Wildgans", "Fasanen",
        "Birkhahn", "Auerhahn", "Damwild",
    ),
)  # fmt: skip
"""Birds, trees, flowers, fields, fruit, game."""

_COMMON = ("weg", "weg", "weg", "straße")
_RARE = ("ring", "gasse", "allee", "pfad", "hof", "winkel", "kamp", "busch", "grund")
_BYNAMES = ("Kleine", "Neue", "Alte", "Untere", "Obere", "Hintere")


def lanes(rng: random.Random) -> Iterator[str]:
    """Yield names for the old town."""
    return _endless(rng, LANES)


def town(rng: random.Random) -> Iterator[str]:
    """Yield names for the streets of the nineteenth century."""
    return _endless(rng, TOWN)


def themed(rng: random.Random, theme: int) -> Iterator[str]:
    """Yield names for one newer quarter."""
    stems = rng.sample(THEMES[theme % len(THEMES)], k=len(THEMES[theme % len(THEMES)]))
    return _endless(rng, [stem + rng.choice(_COMMON) for stem in stems], [s + end for end in _RARE for s in stems])


def _endless(rng: random.Random, first: Sequence[str], second: Sequence[str] = ()) -> Iterator[str]:
    yield from rng.sample(first, k=len(first))
    yield from second
    yield from (f"{byname} {name}" for byname in _BYNAMES for name in first)
    # What German plans call a street before the council has named it.
    yield from (f"Planstraße {number}" for number in itertools.count(1))
