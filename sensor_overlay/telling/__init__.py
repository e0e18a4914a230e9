"""Telling people: what stands in the table `message` is sent by e-mail and to webhooks, each once.

A message is claimed in the store before it is sent, and marked there when the other side has taken it. What stops
before the sending leaves a claim that ends after two minutes; then it is sent. What stops in the moment between the
other side's answer and the mark makes it sent a second time, with the same Message-ID or delivery id, by which the
other side can know it: an alert that comes twice is better than one that never comes.
"""

from sensor_overlay.telling.outbox import Trouble, trouble
from sensor_overlay.telling.sending import Sender, senders_of

__all__ = ["Sender", "Trouble", "senders_of", "trouble"]
