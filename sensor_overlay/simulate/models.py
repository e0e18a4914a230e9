"""The kinds of device that the invented schools bought, as a network server and a registry call them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One kind of device.

    Attributes:
        key: ours.
        title: as a registry names it; leads to the codec.
        profile: name of the device profile in ChirpStack.
        f_port: the port on which it sends.
        has_object: the profile decodes the payload, so that the message has an `object`.
        share: of the rooms that have this one.
        interval: seconds between two uplinks.
    """

    key: str
    title: str
    profile: str
    f_port: int
    has_object: bool = False
    share: float = 0.0
    interval: int = 600


MODELS = MappingProxyType(
    {
        model.key: model
        for model in (
            Model(key="ers", title="Elsys ERS CO2", profile="ERS-CO2", f_port=5, share=0.40),
            Model(key="iam", title="Decentlab DL-IAM", profile="DL-IAM", f_port=1, share=0.25),
            Model(key="am319", title="Milesight AM319", profile="AM319", f_port=85, has_object=True, share=0.20),
            Model(
                key="em500", title="Milesight EM500-CO2", profile="EM500-CO2", f_port=85, has_object=True, share=0.15
            ),
            Model(key="mbx", title="Decentlab DL-MBX", profile="DL-MBX", f_port=1),
            Model(key="ldds75", title="Dragino LDDS75", profile="LDDS75", f_port=2, interval=1200),
            # No codec of ours: the network server decodes these.
            Model(
                key="parking", title="Parkplatzsensor", profile="Parkplatz", f_port=10, has_object=True, interval=900
            ),
            Model(key="meter", title="Stromzähler", profile="Stromzaehler", f_port=11, has_object=True, interval=900),
        )
    }
)
ROOM_MODELS = tuple(model for model in MODELS.values() if model.share)
