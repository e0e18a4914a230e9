"""Postal addresses: xAL 2.0 (CityGML 1.0 and 2.0) and xAL 3 (CityGML 3.0) as one German line.

Spec: OASIS CIQ xAL 2.0 and CIQ 3.0; profile AdV CityGML LoD2-DE, where the number stands before the street.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from citygml.namespaces import local_name

# local name -> part of the line; xAL 3 calls every name NameElement, so there the parent decides.
_PARTS: Final = {
    "ThoroughfareName": "street",
    "ThoroughfareNumber": "number",
    "ThoroughfareNumberSuffix": "suffix",
    "PremiseName": "premise",
    "PremiseNumber": "number",
    "PremiseNumberSuffix": "suffix",
    "LocalityName": "town",
    "PostalCodeNumber": "postcode",
    "Thoroughfare/NameElement": "street",
    "Thoroughfare/Number": "number",
    "Thoroughfare/Identifier": "number",
    "Premises/NameElement": "premise",
    "Premises/Number": "number",
    "Locality/NameElement": "town",
    "PostCode/Identifier": "postcode",
}


def address_line(element: etree._Element) -> str:
    """Return the address under `element` as `Musterstraße 12a, 41460 Neuss`; `""` where it says nothing.

    Args:
        element: a `bldg:address` property.
    """
    parts: dict[str, str] = {}
    for node in element.iter():
        text = (node.text or "").strip()
        if not text:
            continue
        name = local_name(node.tag)
        part = _PARTS.get(name)
        if part is None:
            parent = node.getparent()
            part = None if parent is None else _PARTS.get(f"{local_name(parent.tag)}/{name}")
        if part is not None and part not in parts:
            parts[part] = " ".join(text.split())
    number = parts.get("number", "") + parts.get("suffix", "")
    street = " ".join(word for word in (parts.get("street") or parts.get("premise", ""), number) if word)
    town = " ".join(word for word in (parts.get("postcode", ""), parts.get("town", "")) if word)
    return ", ".join(word for word in (street, town) if word)
