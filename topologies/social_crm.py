"""The product as a picture and forty lines.

    raw.*  ──normalise──►  account:…   acts, sightings, deletions          handle:…  who used it, and when
                           post:…      deletes and replies without author  email:…   records that share it
                           record:…    what a CRM says                     customer:…  (level 2)

    record ──content──► customer ──claim──► account | handle          handle ──bound──► account ──seen──► handle
       └──same e-mail──► email ──cluster──► record                    account ──join──► customer
    post ──reply, deletion──► account

    account   ──► links, unmatched, late              customer ──► enriched, scores, profiles, alerts, links, late

A new kind of stage is one function and one line in `stages`; `group:…` (level 3) will be the next.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import msgspec

from config.inputs import topic_of
from config.settings import InputSettings, Settings
from schemas.cloudevents import headers_of
from schemas.events import Event, encode_envelope
from schemas.state import decode_item, encode_item
from schemas.topics import OUTPUTS, topics
from streams.runtime.topology import Input, Output, Stage, Topology
from topologies.customer.fold import customer
from topologies.identity.account import account
from topologies.identity.email import email
from topologies.identity.handle import handle
from topologies.identity.post import post
from topologies.identity.record import record
from topologies.model import Model
from topologies.normalise import formats

encode_output: Callable[[Any], bytes] = msgspec.json.Encoder(order="deterministic").encode
"""Fields in the order of the schema, maps in order of their keys: the same document is the same bytes."""

_decode_pair = msgspec.msgpack.Decoder(tuple[int, Event]).decode


def stages() -> dict[str, Stage]:
    """The folds by type of address, each with its level."""
    return {
        "account": Stage(account, 1),
        "handle": Stage(handle, 1),
        "record": Stage(record, 1),
        "post": Stage(post, 1),
        "email": Stage(email, 1),
        "customer": Stage(customer, 2),
    }


def encode_event(seen_at: int, event: Any) -> bytes:
    """As an `Envelope`, which is an array of the two."""
    return encode_envelope((seen_at, event))


def decode_event(data: bytes) -> tuple[int, Any]:
    """The other direction. Raises `msgspec.ValidationError` for what this release does not know."""
    return _decode_pair(data)


def topology(settings: Settings, model: Model) -> Topology:
    """Everything the engine needs to know. Raises `Fatal` for an input of an unknown format."""
    app = settings.engine.app
    table = topics(app)
    return Topology(
        app=app,
        partitions=settings.engine.partitions,
        inbox=table["inbox"].name,
        changelog=table["changelog"].name,
        progress=table["progress"].name,
        dlq=table["dlq"].name,
        inputs=[_input(one, model) for one in settings.inputs],
        stages=stages(),
        outputs={
            name: Output(table[name].name, table[name].policy == "compact", headers_of(name, app)) for name in OUTPUTS
        },
        model=model,
        model_hash=model.hash,
        encode_event=encode_event,
        decode_event=decode_event,
        encode_item=encode_item,
        decode_item=decode_item,
        encode_output=encode_output,
        generation=settings.engine.inbox_generation,
        code_version=version("rapport"),
    )


def _input(one: InputSettings, model: Model) -> Input:
    return Input(topic_of(one), formats.build(one, model), formats.silence_of(one))
