"""Deliveries from a broker, acknowledged when they are stored. The only MQTT of the room.

`FastReceiver` speaks MQTT 5 and is the one for production; `AiomqttReceiver` is for brokers that
speak 3.1.1 alone, such as the demo's.
"""

from collections.abc import Sequence
from typing import Literal

from ingest.mqtt.aiomqtt_receiver import AiomqttReceiver, AiomqttUnsupported
from ingest.mqtt.fast import FastReceiver
from ingest.mqtt.inbox import ReceiverClosed
from ingest.mqtt.receiver import (
    Broker,
    PublishFailed,
    Receiver,
    SessionTakenOver,
    Unpublishable,
)

__all__ = [
    "AiomqttReceiver",
    "AiomqttUnsupported",
    "Broker",
    "FastReceiver",
    "PublishFailed",
    "Receiver",
    "ReceiverClosed",
    "SessionTakenOver",
    "Unpublishable",
    "receiver",
]

Protocol = Literal["5", "3.1.1"]


def receiver(broker: Broker, filters: Sequence[str], *, protocol: Protocol = "5") -> Receiver:
    """Return the receiver for what a broker speaks, not started.

    Parameters
    ----------
    broker : Broker
        Where it is, who we are, and the limits.
    filters : sequence of str
        What to subscribe to.
    protocol : {"5", "3.1.1"}
        Version of MQTT.
    """
    return (FastReceiver if protocol == "5" else AiomqttReceiver)(broker, filters)
