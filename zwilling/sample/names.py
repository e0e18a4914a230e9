"""Street names as German towns give them: by trade in the old town, by theme in each newer quarter."""

from __future__ import annotations

import random
from collections.abc import Iterator

LANES = (
    "Krämergasse Töpfergasse Färbergasse Gerbergasse Seilergasse Küfergasse Zunftgasse Engegasse Brunnengasse"
    " Klostergasse Pfarrgasse Torgasse Mauergasse Kornmarkt Fischmarkt Buttermarkt Hafengasse Weingasse Spitalgasse"
    " Glockengasse Schmiedegasse Webergasse Badergasse Sattlergasse"
).split()

TOWN = (
    "Gartenstraße Blumenstraße Poststraße Wasserstraße Feldstraße Bergstraße Kanalstraße Victoriastraße Wilhelmstraße"
    " Friedrichstraße Augustastraße Luisenstraße Adlerstraße Sternstraße Kreuzstraße Hofstraße Kaiserstraße"
    " Königstraße Drususstraße Kapellstraße Schillerplatz Turmstraße Sternplatz Bleichstraße Salzstraße Jägerstraße"
    " Hubertusstraße Martinstraße Nikolausstraße Quirinstraße Josefstraße Annastraße Florastraße Körnerstraße"
).split()

THEMES: tuple[tuple[str, ...], ...] = (
    tuple("Amsel Drossel Finken Lerchen Meisen Star Zeisig Schwalben Kiebitz Reiher Specht Sperber Falken Habicht"
          " Bussard Eulen Storchen Kranich Pirol Rotkehlchen Wachtel Rebhuhn Dohlen Elster".split()),
    tuple("Ahorn Buchen Eichen Eschen Erlen Ulmen Linden Birken Kastanien Pappel Weiden Kiefern Fichten Tannen Lärchen"
          " Eiben Holunder Haselnuss Weißdorn Schlehen Platanen Robinien Akazien Ginster".split()),
    tuple("Rosen Tulpen Nelken Dahlien Astern Veilchen Lilien Narzissen Krokus Primel Malven Anemonen Lavendel Mohn"
          " Kornblumen Margeriten Enzian Heide Efeu Klee Flieder Jasmin Hyazinthen Iris".split()),
    tuple("Weizen Roggen Gersten Hafer Dinkel Flachs Hopfen Rüben Raps Acker Wiesen Garten Ernte Garben Schnitter Pflug"
          " Sämann Imker Schäfer Hirten Müller Meier Winzer Gärtner".split()),
    tuple("Apfel Birnen Kirsch Pflaumen Quitten Mirabellen Pfirsich Walnuss Brombeer Himbeer Johannisbeer Erdbeer"
          " Holunderbeer Schlehdorn Reneklode Mispel Stachelbeer Preiselbeer Trauben Hagebutten".split()),
    tuple("Hirsch Reh Fuchs Dachs Hasen Igel Biber Otter Marder Luchs Iltis Eichhorn Wiesel Hamster Maulwurf Frettchen"
          " Hermelin Wildgans Fasanen Birkhahn Auerhahn Damwild".split()),
)  # fmt: skip

ENDINGS = ("weg", "straße", "weg", "weg", "ring", "gasse", "allee", "pfad", "hof", "winkel", "kamp", "busch", "grund")


def lanes(rng: random.Random) -> Iterator[str]:
    """Yield names for the old town, then for the streets around it."""
    return _endless(rng, [*LANES], [*TOWN])


def town(rng: random.Random) -> Iterator[str]:
    """Yield names for the streets of the nineteenth century."""
    return _endless(rng, [*TOWN], [])


def themed(rng: random.Random, theme: int) -> Iterator[str]:
    """Yield names for one newer quarter: birds, trees, flowers, fields, fruit or game."""
    stems = THEMES[theme % len(THEMES)]
    order = list(stems)
    rng.shuffle(order)
    firsts = [stem + rng.choice(ENDINGS[:4]) for stem in order]
    return _endless(rng, firsts, [stem + end for end in ENDINGS[4:] for stem in order], is_shuffled=True)


def _endless(rng: random.Random, first: list[str], second: list[str], *, is_shuffled: bool = False) -> Iterator[str]:
    if not is_shuffled:
        rng.shuffle(first)
        rng.shuffle(second)
    yield from first
    yield from second
    number = 1
    while True:  # new quarters do number their streets before the council names them
        for name in first:
            yield f"{name} {number}. Abzweig" if number > 1 else f"An der {name}" if name.endswith("straße") else f"Am {name}"
        number += 1
