"""The observed properties that the twin knows by name: words, units, and what is believable."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedProperty:
    """A quantity that sensors measure (OGC SensorThings 1.1, 8.2.5).

    Attributes:
        key: our short name, as rules and links use it.
        name: German name for people.
        name_en: English name.
        definition: URI of its definition.
        unit: symbol as it is printed, empty where a number alone is meant.
        unit_name: German name of the unit.
        unit_definition: its code in UCUM, as a URI.
        low: least value that can be true.
        high: greatest value that can be true.
        digits: decimals worth showing.
        aliases: names that decoders of network servers give it, in lower case.
    """

    key: str
    name: str
    name_en: str
    definition: str
    unit: str
    unit_name: str
    unit_definition: str
    low: float
    high: float
    digits: int = 0
    aliases: tuple[str, ...] = ()


_CF = "https://vocab.nerc.ac.uk/standard_name/"
_QUDT = "https://qudt.org/vocab/quantitykind/"
_UCUM = "https://ucum.org/ucum#"


def _property(
    key: str,
    names: tuple[str, str],
    definition: str,
    unit: tuple[str, str, str],
    believable: tuple[float, float],
    digits: int,
    *aliases: str,
) -> tuple[str, ObservedProperty]:
    symbol, unit_name, code = unit
    return key, ObservedProperty(
        key=key,
        name=names[0],
        name_en=names[1],
        definition=definition,
        unit=symbol,
        unit_name=unit_name,
        unit_definition=_UCUM + code,
        low=believable[0],
        high=believable[1],
        digits=digits,
        aliases=(key, *aliases),
    )


_PERCENT = ("%", "Prozent", "%25")
_PPB = ("ppb", "Teile je Milliarde", "%5Bppb%5D")
_DUST = ("µg/m³", "Mikrogramm je Kubikmeter", "ug/m3")
_NUMBER = ("", "Anzahl", "1")

PROPERTIES = MappingProxyType(
    dict(
        [
            _property(
                "co2",
                ("CO2", "CO2"),
                _CF + "mole_fraction_of_carbon_dioxide_in_air/",
                ("ppm", "Teile je Million", "%5Bppm%5D"),
                (350, 10_000),  # outdoor air has 420: less means a sensor that has drifted
                0,
                "co2_concentration",
                "co₂",
                "co2_ppm",
                "carbon_dioxide",
            ),
            _property(
                "temperature",
                ("Temperatur", "Temperature"),
                _CF + "air_temperature/",
                ("°C", "Grad Celsius", "Cel"),
                (-40, 85),
                1,
                "temp",
                "air_temperature",
                "tempc_sht",
                "temperature_1",
            ),
            _property(
                "humidity",
                ("Luftfeuchte", "Relative humidity"),
                _CF + "relative_humidity/",
                _PERCENT,
                (0, 100),
                0,
                "hum",
                "relative_humidity",
                "air_humidity",
                "hum_sht",
            ),
            _property(
                "pressure",
                ("Luftdruck", "Air pressure"),
                _CF + "air_pressure/",
                ("hPa", "Hektopascal", "hPa"),
                (300, 1_100),
                1,
                "barometric_pressure",
                "air_pressure",
            ),
            _property(
                "illuminance",
                ("Helligkeit", "Illuminance"),
                _QUDT + "Illuminance",
                ("lx", "Lux", "lx"),
                (0, 200_000),
                0,
                "light",
                "illumination",
                "lux",
            ),
            _property("tvoc", ("TVOC", "TVOC"), _QUDT + "MoleFraction", _PPB, (0, 60_000), 0, "voc"),
            _property(
                "motion", ("Bewegungen", "Motion count"), _QUDT + "Count", _NUMBER, (0, 65_535), 0, "activity", "pir"
            ),
            _property("occupancy", ("Belegung", "Occupancy"), _QUDT + "Count", _NUMBER, (0, 255), 0, "occupied"),
            _property(
                "sound",
                ("Schallpegel", "Sound level"),
                _QUDT + "SoundPressureLevel",
                ("dB", "Dezibel", "dB"),
                (0, 140),
                0,
                "sound_mean",
                "soundavg",
            ),
            _property(
                "pm2_5",
                ("Feinstaub PM2,5", "Particulate matter PM2.5"),
                _CF + "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air/",
                _DUST,
                (0, 1_000),
                0,
                "pm25",
                "pm2.5",
            ),
            _property(
                "pm10",
                ("Feinstaub PM10", "Particulate matter PM10"),
                _CF + "mass_concentration_of_pm10_ambient_aerosol_particles_in_air/",
                _DUST,
                (0, 1_000),
                0,
            ),
            _property(
                "water_level",
                ("Wasserstand", "Water level"),
                _CF + "water_surface_height_above_reference_datum/",
                ("m", "Meter", "m"),
                (-50, 200),
                2,
                "level",
                "water_depth",
                "depth",
            ),
            _property(
                "distance",
                ("Abstand", "Distance"),
                _QUDT + "Distance",
                ("m", "Meter", "m"),
                (0, 100),
                3,
            ),
            _property(
                "energy",
                ("Energie", "Energy"),
                _QUDT + "Energy",
                ("kWh", "Kilowattstunden", "kW.h"),
                (0, 1e9),
                1,
                "active_energy",
                "total_energy",
            ),
            _property(
                "power",
                ("Leistung", "Power"),
                _QUDT + "Power",
                ("kW", "Kilowatt", "kW"),
                (-100_000, 100_000),
                2,
                "active_power",
            ),
            _property(
                "battery",
                ("Batterie", "Battery"),
                _QUDT + "StateOfCharge",
                _PERCENT,
                (0, 100),
                0,
                "battery_level",
                "bat_percent",
            ),
            _property(
                "battery_voltage",
                ("Batteriespannung", "Battery voltage"),
                _QUDT + "Voltage",
                ("V", "Volt", "V"),
                (0, 60),
                2,
                "batv",
                "bat_v",
                "vdd_v",
            ),
        ]
    )
)
"""By key, in the order in which people want to read them."""

BY_ALIAS = MappingProxyType({alias: known.key for known in PROPERTIES.values() for alias in known.aliases})
"""Key of a property by every name that it goes by, in lower case."""
