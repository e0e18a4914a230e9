"""What each kind of finding means, in German, and findings in a few lines for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zwilling.issues import Issue


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a kind of finding means to whoever keeps the data.

    Attributes:
        title: a few words.
        meaning: what was found and what was done about it.
        remedy: what one can do; empty where nothing need be done.
    """

    title: str
    meaning: str
    remedy: str = ""


EXPLANATIONS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "BUILDING_WITHOUT_GEOMETRY": Explanation(
            "Gebäude ohne Geometrie",
            "Das Gebäude hat keine Fläche, die sich zeichnen lässt. Es fehlt im Ergebnis.",
            "Prüfen Sie das Gebäude in der Quelle, oder lassen Sie es dort weg.",
        ),
        "PART_WITHOUT_GEOMETRY": Explanation(
            "Gebäudeteil ohne Geometrie",
            "Der Gebäudeteil hat keine Fläche. Die anderen Teile des Gebäudes sind im Ergebnis.",
            "Prüfen Sie, ob der Gebäudeteil in der Quelle noch gebraucht wird.",
        ),
        "DUPLICATE_ID": Explanation(
            "Kennung kommt mehrfach vor",
            "Mehrere Gebäude haben dieselbe gml:id. Alle bleiben erhalten; die späteren bekommen einen Zusatz (~2).",
            "Prüfen Sie, ob ein Gebäude doppelt geliefert wurde, etwa am Rand zweier Kacheln.",
        ),
        "MISSING_ID": Explanation(
            "Gebäude ohne Kennung",
            "Das Gebäude hat keine gml:id. Es bekam eine, die aus seiner Stelle in der Datei gebildet ist.",
            "Ergänzen Sie die gml:id, damit Verweise auf das Gebäude die nächste Lieferung überdauern.",
        ),
        "NOT_A_BUILDING": Explanation(
            "Andere Objektart",
            "Die Datei enthält Objekte, die keine Gebäude sind. Sie wurden nicht übernommen.",
        ),
        "ENTRIES_PASSED_OVER": Explanation(
            "Nicht gelesene Dateien im Archiv",
            "Im Archiv liegen auch Dateien, die kein CityGML und kein CityJSON sind, etwa Texturen oder Texte. Sie "
            "wurden nicht gelesen.",
        ),
        "ARCHIVE_IN_ARCHIVE": Explanation(
            "Archiv im Archiv",
            "Im Archiv liegen weitere Archive. Sie wurden nicht gelesen; was darin ist, fehlt im Ergebnis.",
            "Packen Sie das äußere Archiv aus, und geben Sie die inneren einzeln an.",
        ),
        "PART_WITHOUT_BUILDING": Explanation(
            "Gebäudeteil ohne Gebäude",
            "Ein Gebäudeteil steht für sich, nicht in einem Gebäude. Er ist als eigenes Gebäude im Ergebnis.",
            "Prüfen Sie in der Quelle, zu welchem Gebäude er gehört.",
        ),
        "COORDINATES_UNREADABLE": Explanation(
            "Koordinaten nicht lesbar",
            "Die Koordinaten einer Fläche sind keine Zahlen, ihre Anzahl passt nicht, oder die Höhen können nicht "
            "stimmen. Die Fläche fehlt.",
            "Prüfen Sie die Stelle in der Quelle; oft steht ein Komma statt eines Punktes, oder −9999 für „unbekannt“.",
        ),
        "COORDINATES_2D": Explanation(
            "Koordinaten ohne Höhe",
            "Die Fläche hat nur Lagekoordinaten. Als Höhe wurde 0 angenommen.",
            "Liefern Sie Koordinaten mit Höhe.",
        ),
        "TOO_FEW_POINTS": Explanation(
            "Zu wenige Punkte",
            "Ein Ring hat weniger als drei verschiedene Punkte und ergibt keine Fläche. Die Fläche fehlt.",
        ),
        "CONSECUTIVE_POINTS_SAME": Explanation(
            "Punkt doppelt hintereinander",
            "Ein Ring nennt denselben Punkt zweimal nacheinander. Der zweite wurde weggelassen; das Bild ändert "
            "sich nicht.",
        ),
        "RING_NOT_CLOSED": Explanation(
            "Ring nicht geschlossen",
            "Der letzte Punkt eines Rings ist nicht der erste. Der Ring wurde geschlossen.",
        ),
        "ZERO_AREA": Explanation(
            "Fläche ohne Inhalt",
            "Alle Punkte liegen auf einer Linie. Die Fläche hat keinen Inhalt und fehlt; zu sehen wäre sie nicht.",
        ),
        "RING_SELF_INTERSECTION": Explanation(
            "Ring kreuzt sich selbst",
            "Der Umriss einer Fläche kreuzt oder berührt sich. Gezeichnet ist eine ausgebesserte Form.",
            "Sehen Sie die Fläche im Betrachter an und bessern Sie die Quelle nach.",
        ),
        "HOLE_LOST": Explanation(
            "Aussparung verloren",
            "Eine Aussparung in einer Fläche hat zu wenige Punkte. Die Fläche ist dort geschlossen.",
        ),
        "NON_PLANAR_POLYGON": Explanation(
            "Fläche nicht eben",
            "Die Punkte einer Fläche liegen nicht in einer Ebene. Die Fläche wurde in Dreiecke zerlegt und ist "
            "leicht geknickt.",
        ),
        "POLYGON_WRONG_ORIENTATION": Explanation(
            "Fläche zeigte nach innen",
            "Eine Fläche war andersherum angegeben, als es ihr Körper verlangt. Sie wurde gewendet.",
        ),
        "XLINK_UNRESOLVED": Explanation(
            "Verweis ohne Ziel",
            "Ein Verweis nennt eine Fläche, die es in der Datei nicht gibt.",
            "Prüfen Sie, ob die Datei vollständig ist.",
        ),
        "XLINK_OTHER_BUILDING": Explanation(
            "Fläche gehört zwei Gebäuden",
            "Ein Gebäude verweist auf eine Fläche, die bei einem anderen Gebäude steht, etwa eine gemeinsame Wand. "
            "Gezeichnet ist sie einmal, bei dem Gebäude, bei dem sie steht.",
        ),
        "XLINK_EXTERNAL": Explanation(
            "Verweis in eine andere Datei",
            "Ein Verweis führt aus der Datei hinaus. Solchen Verweisen wird nicht gefolgt.",
            "Liefern Sie die Fläche in derselben Datei.",
        ),
        "XLINK_LOOP": Explanation(
            "Verweis im Kreis",
            "Ein Verweis führt zu sich selbst zurück. Er wurde nicht weiter verfolgt.",
        ),
        "ATTRIBUTE_UNREADABLE": Explanation(
            "Angabe nicht lesbar",
            "Der Wert eines Merkmals ist keine Zahl, obwohl es eine sein müsste. Die Angabe fehlt.",
        ),
        "TOO_MANY_ATTRIBUTES": Explanation(
            "Zu viele Merkmale",
            "Die Datei hat mehr verschiedene Merkmale, als eine Ebene fassen kann. Die überzähligen fehlen.",
        ),
        "UNSUPPORTED_GEOMETRY": Explanation(
            "Geometrie nicht unterstützt",
            "Die Geometrie ist gekrümmt oder verweist auf eine Vorlage. Sie wurde nicht übernommen.",
            "Liefern Sie die Geometrie als ebene Flächen.",
        ),
        "LEVEL_OF_DETAIL_MISSING": Explanation(
            "Gewählter Detaillierungsgrad fehlt",
            "Das Gebäude liegt nicht im gewählten Detaillierungsgrad (LoD) vor. Gezeichnet ist ein anderer.",
        ),
        "LEVELS_OF_DETAIL": Explanation(
            "Detaillierungsgrade der Datei",
            "Nennt, welche Detaillierungsgrade (LoD) die Datei enthält.",
        ),
        "CODE_LIST_UNREADABLE": Explanation(
            "Schlüsselliste nicht lesbar",
            "Die Datei, in der die Quelle ihre Schlüssel erklärt, ist nicht lesbar. Gezeigt werden die Schlüssel.",
            "Prüfen Sie, ob die Liste neben den Daten liegt.",
        ),
        "OUTSIDE_REGION": Explanation(
            "Außerhalb des Kreises",
            "Gebäude liegen außerhalb des Gebiets, das im Profil des Kreises steht. Sie sind im Ergebnis.",
            "Prüfen Sie das Koordinatensystem, wenn das nicht gewollt ist: Eine falsche Zone fällt sonst nicht auf.",
        ),
        "HEIGHT_SYSTEM_ASSUMED": Explanation(
            "Höhensystem nicht genannt",
            "Die Quelle nennt kein Höhensystem. Die Höhen wurden als Höhen über NHN (DHHN2016) genommen.",
            "Fragen Sie den Lieferanten. Wären es ellipsoidische Höhen, stünde alles rund 45 m zu hoch.",
        ),
        "HEIGHT_SYSTEM_DHHN92": Explanation(
            "Höhen im DHHN92",
            "Die Höhen stehen im älteren System DHHN92 und wurden als DHHN2016 genommen. Der Unterschied beträgt "
            "einige Zentimeter, in Bergsenkungsgebieten mehr.",
        ),
        "HORIZONTAL_ACCURACY": Explanation(
            "Lage nur ungefähr",
            "Die Lage wurde ohne das amtliche Gitter BETA2007 nach ETRS89 gebracht und ist nur auf Meter genau.",
            "Installieren Sie das Gitter BETA2007 für PROJ.",
        ),
        "HEIGHT_GRID_UNKNOWN": Explanation(
            "Andere Ausgabe des Höhengitters",
            "Das installierte Quasigeoid ist eine andere Ausgabe als die geprüfte.",
            "Vergleichen Sie bekannte Höhen, oder installieren Sie die geprüfte Ausgabe mit „zwilling geoid install“.",
        ),
        "HEIGHTS_BY_SURFACE": Explanation(
            "Höhen aus der Näherungsfläche",
            "Das amtliche Quasigeoid ist nicht installiert. Die Höhen kommen aus der Fläche, die dem Profil des "
            "Kreises beiliegt. Wie weit sie höchstens abweicht, steht in der Meldung.",
            "Installieren Sie das Gitter mit „zwilling geoid install“, wenn es auf den Millimeter ankommt.",
        ),
        "HEIGHTS_CRS_ASSUMED": Explanation(
            "Koordinatensystem des Geländes nicht genannt",
            "Geländedateien nennen kein Koordinatensystem. Angenommen ist das des Kreises.",
            "Legen Sie eine .prj-Datei daneben, oder nennen Sie das Koordinatensystem in den Einstellungen.",
        ),
        "HEIGHTS_OUTSIDE_REGION": Explanation(
            "Gelände außerhalb des Kreises",
            "Geländedateien liegen außerhalb des Gebiets, das im Profil des Kreises steht. Sie sind im Ergebnis.",
            "Prüfen Sie das Koordinatensystem, wenn das nicht gewollt ist: Eine falsche Zone fällt sonst nicht auf.",
        ),
        "GROUND_WITHOUT_HEIGHTS": Explanation(
            "Luftbild ohne Gelände",
            "An dieser Stelle gibt es Luftbilder, aber im Umkreis keine Geländehöhen. Das Bild ist dort weggelassen.",
            "Ergänzen Sie die Geländedateien.",
        ),
        "HEIGHTS_MISSING": Explanation(
            "Datei ohne Höhen",
            "In der Geländedatei hat keine Zelle eine Höhe. Sie trägt nichts zum Gelände bei.",
            "Laden Sie die Datei neu, oder fragen Sie den Lieferanten.",
        ),
        "HEIGHTS_INCOMPLETE": Explanation(
            "Gelände mit Lücken",
            "Ein Teil der Zellen hat keine Höhe, und das auf zu großer Fläche, um sie zu schließen. Am Rand des "
            "Gebiets und über Wasser ist das üblich.",
        ),
        "HEIGHTS_NODATA_UNDECLARED": Explanation(
            "Zeichen für „keine Höhe“ nicht genannt",
            "Zellen enthalten eine Zahl wie -9999, die keine Höhe sein kann, ohne dass die Datei das sagt. Sie gelten "
            "als Zellen ohne Höhe.",
            "Tragen Sie den Wert in der Datei ein, etwa mit „gdal_edit.py -a_nodata“.",
        ),
        "HEIGHTS_IMPOSSIBLE": Explanation(
            "Unmögliche Höhen",
            "Zellen enthalten Höhen unter -500 m oder über 9000 m. Sie gelten als Zellen ohne Höhe.",
            "Sehen Sie die Stelle in der Quelle an; oft ist die Einheit falsch oder die Datei beschädigt.",
        ),
        "HEIGHTS_GAPS_FILLED": Explanation(
            "Lücken im Gelände geschlossen",
            "Kleine Lücken, etwa unter einer Halle, sind von ihrem Rand her geschlossen.",
        ),
        "HEIGHTS_BESIDE_GRID": Explanation(
            "Punkte neben dem Raster",
            "Zeilen nennen Orte, die nicht auf dem Raster der anderen liegen. Sie wurden weggelassen.",
            "Laden Sie die Datei neu; meist sind zwei Lieferungen ineinander geraten.",
        ),
        "PICTURE_BANDS_ASSUMED": Explanation(
            "Kanäle nicht benannt",
            "Die Luftbilder haben mehr als drei Kanäle, ohne sie zu nennen. Angenommen ist die übliche Reihenfolge: "
            "Rot, Grün, Blau, nahes Infrarot.",
            "Sehen Sie das Ergebnis an; sind die Farben falsch, benennen Sie die Kanäle mit gdal_edit.py -colorinterp.",
        ),
        "PICTURE_ALPHA_IS_INFRARED": Explanation(
            "Vierter Kanal ist keine Deckkraft",
            "Der vierte Kanal nennt sich Deckkraft (Alpha), enthält aber ein Bild. Er gilt als nahes Infrarot.",
            "Berichtigen Sie die Datei: gdal_edit.py -colorinterp_4 nir.",
        ),
        "PICTURE_GREY": Explanation("Graues Luftbild", "Das Luftbild hat nur einen Kanal und ist grau gezeigt."),
        "PICTURE_DEPTH_REDUCED": Explanation(
            "16 Bit auf 8 Bit verringert",
            "Die Luftbilder haben 16 Bit je Kanal. Gezeigt sind die oberen 8 der benutzten Bits, nach einer Regel für "
            "die ganze Ebene.",
            "Ist das Bild zu dunkel, rechnen Sie die Dateien vorher um: gdal_translate -ot Byte -scale.",
        ),
        "PICTURE_CLIPPED": Explanation(
            "Zu helle Werte",
            "Werte sind größer als in den Stichproben, nach denen sich die Helligkeit der Ebene richtet. Sie sind weiß "
            "gezeigt.",
            "Rechnen Sie die Dateien vorher um: gdal_translate -ot Byte -scale.",
        ),
        "PICTURE_WITHOUT_CONTENT": Explanation(
            "Leeres Stück Luftbild",
            "Das Stück ist überall durchsichtig. Am Rand des Gebiets ist das üblich; ist es die ganze Datei, stimmt "
            "etwas nicht.",
            "Prüfen Sie, ob die Datei vollständig ist und welchen Wert sie als „nodata“ nennt.",
        ),
        "PICTURE_WARPED": Explanation(
            "Luftbild umgerechnet",
            "Luftbilder liegen in einem anderen Koordinatensystem als die Ebene oder sind gedreht. Sie wurden "
            "umgerechnet und sind dadurch etwas weicher.",
        ),
        "PICTURE_GRID_DIFFERS": Explanation(
            "Luftbild in anderem Raster",
            "Die Bildpunkte liegen nicht auf dem Raster der Ebene. Das Luftbild wurde umgerechnet und ist dadurch "
            "etwas weicher.",
        ),
        "PICTURE_NAMED_TWICE": Explanation(
            "Datei doppelt genannt",
            "Dieselbe Datei steht mehrfach in den Quellen. Sie wurde einmal gelesen.",
        ),
        "PICTURES_BALANCED": Explanation(
            "Farben verschiedener Befliegungen angeglichen",
            "Wo Luftbilder verschiedenen Datums aneinanderstoßen, sind ihre Farben zur Naht hin einander angeglichen, "
            "jedes zur Hälfte; 4096 Bildpunkte davon entfernt sind sie unverändert.",
            "Sollen die Farben überall bleiben, wie sie sind: balance = false.",
        ),
        "POINTS_NONE": Explanation(
            "Punktwolke ohne Punkte",
            "Die Datei ist in Ordnung, enthält aber keinen Punkt. Sie trägt nichts zum Ergebnis bei.",
        ),
        "POINTS_UNCOUNTED": Explanation(
            "Mehr Daten als angegeben",
            "Hinter den gezählten Punkten folgen weitere Daten. Gelesen wurde, was der Kopf der Datei zählt.",
            "Prüfen Sie, ob die Datei zu Ende geschrieben wurde.",
        ),
        "POINTS_LOST": Explanation(
            "Punkte nicht lesbar",
            "Ein Stück der Datei ist beschädigt. Seine Punkte fehlen im Ergebnis, alle anderen sind da.",
            "Laden Sie die Datei neu.",
        ),
        "POINTS_WITHHELD": Explanation(
            "Als gelöscht gekennzeichnete Punkte",
            "Die Punkte tragen die LAS-Kennzeichnung „withheld“, die gelöscht bedeutet. Sie sind nicht im Ergebnis.",
        ),
        "POINTS_OUT_OF_BOUNDS": Explanation(
            "Punkte außerhalb der angegebenen Grenzen",
            "Einige Punkte liegen außerhalb der Grenzen, die der Kopf der Datei nennt.",
            "Prüfen Sie die Datei; oft wurde der Kopf nach einer Bearbeitung nicht erneuert.",
        ),
        "POINT_BOUNDS_MEASURED": Explanation(
            "Grenzen neu bestimmt",
            "Die Grenzen im Kopf der Datei können nicht stimmen. Sie wurden aus allen Punkten bestimmt.",
            "Lassen Sie den Kopf der Datei erneuern, etwa mit lasinfo -repair.",
        ),
        "POINT_CRS_ASSUMED": Explanation(
            "Bezugssystem angenommen",
            "Die Punktwolke nennt kein Bezugssystem. Angenommen wurde das der Region, in der sie damit auch liegt.",
            "Geben Sie das Bezugssystem mit --crs an.",
        ),
        "POINT_HEIGHTS_ASSUMED": Explanation(
            "Höhensystem angenommen",
            "Die Punktwolke nennt nur ein Bezugssystem der Lage. Angenommen wurde das Höhensystem der Region.",
            "Geben Sie beides mit --crs an, etwa --crs EPSG:25832+7837.",
        ),
        "POINT_CRS_AMBIGUOUS": Explanation(
            "Bezugssystem widersprüchlich",
            "Die Datei nennt ihr Bezugssystem zweimal verschieden oder mit einer Einheit, die nicht dazu passt.",
            "Prüfen Sie die Lage im Ergebnis, und geben Sie sonst das Bezugssystem mit --crs an.",
        ),
        "POINT_HEAD_ODD": Explanation(
            "Kopf der Datei ungewöhnlich",
            "Der Kopf der Datei weicht von der LAS-Spezifikation ab, ohne dass es dem Lesen schadet.",
        ),
        "POINT_TAIL_LOST": Explanation(
            "Ende der Datei fehlt",
            "Was hinter den Punkten stehen sollte, fehlt. Die Punkte selbst sind vollständig.",
            "Laden Sie die Datei neu.",
        ),
        "POINT_COLUMN_MISSING": Explanation(
            "Gewünschte Angabe fehlt",
            "Die Datei hat eine der gewünschten Angaben je Punkt nicht.",
            "Prüfen Sie den Namen; die Meldung nennt die vorhandenen.",
        ),
        "POINT_COLUMN_NAN": Explanation(
            "Werte, die keine Zahl sind",
            "Eine zusätzliche Angabe je Punkt enthält Werte, die keine Zahl sind (NaN). Die Punkte bleiben erhalten.",
        ),
        "POINT_COLOURS_EMPTY": Explanation(
            "Punkte ohne Farbe",
            "Die Datei hat Platz für Farben, aber alle sind schwarz. Die Punkte gelten als farblos.",
        ),
        "POINT_COLOURS_MIXED": Explanation(
            "Farben uneinheitlich",
            "Die meisten Farben der Datei sind mit 8 Bit angegeben, einige sind heller, als das erlaubt.",
            "Lassen Sie die Farben einheitlich mit 16 Bit schreiben.",
        ),
        "COPC_UNUSABLE": Explanation(
            "Octree der Datei nicht benutzbar",
            "Der Octree, den die COPC-Datei mitbringt, widerspricht sich. Die Punkte wurden ohne ihn gelesen.",
            "Erzeugen Sie die Datei neu, etwa mit untwine oder pdal translate.",
        ),
        "POINTS_FILE_LOST": Explanation(
            "Punktwolke nicht lesbar",
            "Die Datei ist beschädigt oder nicht brauchbar. Wie gewünscht, wurde ohne sie weitergemacht; alle ihre "
            "Punkte fehlen im Ergebnis.",
            "Laden Sie die Datei neu, und rechnen Sie die Ebene dann noch einmal.",
        ),
        "POINTS_OUTSIDE_AREA": Explanation(
            "Punkte außerhalb des Koordinatensystems",
            "Die Koordinaten liegen, wo das Koordinatensystem der Datei nicht gilt; meist sind es verirrte Messungen. "
            "Diese Punkte fehlen im Ergebnis.",
        ),
        "POINTS_OTHER_CRS": Explanation(
            "Anderes Koordinatensystem",
            "Die Datei ist in einem anderen Koordinatensystem als die meisten Punkte der Ebene. Ihre Punkte wurden in "
            "dieses umgerechnet.",
        ),
        "POINTS_GRID_DIFFERS": Explanation(
            "Anderes Koordinatenraster",
            "Die Datei speichert Koordinaten in anderen Schritten als die übrigen. Ihre Punkte wurden auf das Raster "
            "der Ebene gerundet; die Meldung sagt, um wie viel höchstens.",
        ),
        "POINTS_COLUMN_MISSING": Explanation(
            "Angabe fehlt in manchen Dateien",
            "Manche Dateien der Ebene haben eine Angabe je Punkt, andere nicht. Wo sie fehlt, steht der Wert, den die "
            "Meldung nennt.",
        ),
        "POINTS_NO_GROUND": Explanation(
            "Höhe über Gelände unbekannt",
            "Die Höhe über Gelände wird von den Punkten aus gemessen, die als Boden gekennzeichnet sind. Hier gibt es "
            "keine, oder keine in der Nähe.",
            "Nennen Sie klassifizierte Dateien, oder verzichten Sie auf die Höhe über Gelände.",
        ),
        "POINTS_UNPAINTED": Explanation(
            "Punkte ohne Luftbild",
            "Für diese Punkte gibt es kein Luftbild, aus dem sie ihre Farbe nehmen könnten. Sie sind hellgrau.",
            "Nennen Sie auch die Luftbilder der Nachbarkacheln.",
        ),
    }
)


def summary_lines(issues: Sequence[Issue]) -> list[str]:
    """Return one line for each kind of finding: how often, and the first one in full."""
    first: dict[str, Issue] = {}
    for issue in issues:
        first.setdefault(issue.code, issue)
    times = Counter(issue.code for issue in issues)
    return [
        f"{issue.severity.value}: {code} ({times[code]}x), first: "
        + ": ".join(part for part in (issue.source, issue.where, issue.message) if part)
        for code, issue in first.items()
    ]
