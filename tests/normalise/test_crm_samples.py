"""Every sample of HubSpot and Salesforce: what each payload becomes, exactly."""

import orjson
import pytest

from tests.normalise.crm import SAMPLES, model, normaliser, outcomes, payloads, read, told

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")

HUBSPOT: dict[str, list[list[str]]] = {
    "community_guide_examples.jsonl": [
        ["irrelevant"],
        ["unknown contact.merge"],
        ["set contact:1246965 @1715100000000 company=record:hubspot:company:7654321"],
        ["unknown conversation.newMessage"],
    ],
    "docs_webhooks_page_example.jsonl": [
        ["set contact:1246978 @1462216307945", "irrelevant"],
    ],
    "generic_object_batches_real.jsonl": [
        ["unknown object.propertyChange 2-143967026"] * 7 + ["unknown object.creation 2-143967026"],
        ["unknown object.deletion 2-143967026"],
    ],
    "signature_vectors.jsonl": [
        *([["refused $.subscriptionType"]] * 8),
    ],
    "snowplow_adapter_spec.jsonl": [
        ["unknown company.change"],
        ["set contact:123 @1539145399845"],
        ["unknown contact"],
    ],
}

SALESFORCE: dict[str, list[list[str]]] = {
    "abrarsheikhsony_readme.jsonl": [
        ["unknown Employee__c CREATE"],
        ["unknown Employee__c CREATE"],
        ["unknown Employee__c UPDATE"],
        ["unknown Employee__c DELETE"],
        ["unknown Employee__c UNDELETE"],
    ],
    "cdc_guide_compound_and_opportunity.jsonl": [
        ["set company:0015f00002JUXA8AAP @1714156685000 name=Acme owner=0055f000005mc66AAA"],
        ["irrelevant"],
        ["unknown Opportunity CREATE"],
    ],
    "cdc_guide_diff_field.jsonl": [
        ["irrelevant"],
    ],
    "cdc_guide_gap_overflow_merged.jsonl": [
        ["irrelevant", "irrelevant", "irrelevant"],
        ["set company:001ZM000001n4n5YAA @1714417112000", "unknown Account GAP_CREATE", "missed Account GAP_CREATE"],
        ["unknown Account GAP_OVERFLOW", "missed Account GAP_OVERFLOW"],
    ],
    "cdc_guide_person_account_txn.jsonl": [
        ["irrelevant"],
        [
            "set contact:003ZL000001EDrPYAW @1714431097000 first_name=Martha last_name=Brown name=Martha Brown owner=005ZL000000M0x1YAC phone=- company=record:salesforce:company:001ZL000001QS6mYAG",
            "left out phone unreadable",
        ],
    ],
    "kafkaconnect_connect-salesforce-cdc-source_1.json": [
        [
            "set contact:0032X00002QU10JQAT @1596116025000 first_name=John_1241 last_name=Doe_19419 name=John_1241 Doe_19419 owner=0052X00000AJGNCQA5"
        ],
    ],
    "kafkaconnect_connect-salesforce-platform-events-sink_1.json": [["unknown MyPlatformEvent__e"]],
    "kafkaconnect_connect-salesforce-platform-events-sink_2.json": [["unknown MyPlatformEvent__e"]],
    "kafkaconnect_connect-salesforce-platform-events-source_1.json": [["unknown MyPlatformEvent__e"]],
    "kafkaconnect_connect-salesforce-platform-events-source_2.json": [["unknown MyPlatformEvent__e"]],
    "kafkaconnect_connect-salesforce-pushtopics-source_1.json": [
        ["unknown Lead created"],
    ],
    "pubsub_node_client_readme.jsonl": [
        ["irrelevant"],
    ],
    "pubsub_node_client_v4_documentation.jsonl": [
        ["irrelevant"],
    ],
}


@pytest.mark.parametrize("name", HUBSPOT)
def test_every_hubspot_sample_becomes_exactly_this(name: str) -> None:
    assert outcomes(normaliser("hubspot.webhook"), SAMPLES / "hubspot" / name) == HUBSPOT[name]


@pytest.mark.parametrize("name", SALESFORCE)
def test_every_salesforce_sample_becomes_exactly_this(name: str) -> None:
    assert outcomes(normaliser("salesforce.cdc"), SAMPLES / "salesforce" / name) == SALESFORCE[name]


def test_no_sample_file_is_left_out() -> None:
    for folder, expected in (("hubspot", HUBSPOT), ("salesforce", SALESFORCE)):
        assert {file.name for file in (SAMPLES / folder).iterdir()} == set(expected)


def test_the_bodies_of_signed_deliveries_are_payloads_themselves() -> None:
    normalise = normaliser("hubspot.webhook")
    found = [
        told(normalise, orjson.loads(vector)["body"].encode())
        for vector in payloads(SAMPLES / "hubspot" / "signature_vectors.jsonl")
    ]
    assert found == [
        ["set contact:138017612137 @1752613920733"],
        ["refused $"],
        ["refused $"],
        ["set contact:903 @1790000002000"],
        [],
        ["set contact:123 @1564113600000"],
        ["refused $"],
        ["refused $.subscriptionType"],
    ]


FIELDS = {
    "industry": "Industry",
    "city": "BillingAddress.City",
    "street": "BillingAddress.Street",
    "about": "Description",
}
MAPPED: dict[str, list[list[str]]] = {
    "cdc_guide_compound_and_opportunity.jsonl": [
        [
            "set company:0015f00002JUXA8AAP @1714156685000 name=Acme owner=0055f000005mc66AAA city=San Francisco street=415 Mission Street"
        ],
        # The bitmap "4-0x01" names the street; the city is null and has not changed.
        ["set company:0015f00002JUXA8AAP @1714156703000 street=415 Mission Street Suite B"],
        ["unknown Opportunity CREATE"],
    ],
    "cdc_guide_gap_overflow_merged.jsonl": [
        [f"set company:0015f00002JUZP{end} @1714170102000 industry=Apparel" for end in ("DAA5", "XAA5", "cAAP")],
        ["set company:001ZM000001n4n5YAA @1714417112000", "unknown Account GAP_CREATE", "missed Account GAP_CREATE"],
        ["unknown Account GAP_OVERFLOW", "missed Account GAP_OVERFLOW"],
    ],
    "cdc_guide_diff_field.jsonl": [
        ["set company:0015f00002JUWMVAA5 @1714149392000 about=-", "refused $.Description"],
    ],
    "pubsub_node_client_readme.jsonl": [["set company:0014H00002LbR7QQAV @1696444513000 city=San Francisco"]],
}


@pytest.mark.parametrize("name", MAPPED)
def test_what_is_mapped_is_read_from_bitmaps_compound_fields_and_merged_changes(name: str) -> None:
    assert outcomes(normaliser("salesforce.cdc", fields=FIELDS), SAMPLES / "salesforce" / name) == MAPPED[name]


def test_a_phone_number_is_read_with_the_country_of_the_configuration() -> None:
    normalise = normaliser("salesforce.cdc", model(default_country="US"))
    contact = [*payloads(SAMPLES / "salesforce" / "cdc_guide_person_account_txn.jsonl")][1]
    (arrival,) = read(normalise, contact).arrivals
    assert arrival.event.fields["phone"] == "phone:+14155551212"
