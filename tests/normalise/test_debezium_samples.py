"""Every sample of Debezium, with its rows read as contacts: what each payload becomes, exactly.

A creation and a deletion are told twice: at the database's time and at the log's.
"""

import pytest

from tests.normalise.crm import SAMPLES, normaliser, outcomes, payloads, told

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")

EXPECTED: dict[str, list[list[str]]] = {
    "docs_cassandra.jsonl": [
        ["refused $.id"],
        [
            "restore contact:1001 @1562202942666 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1001 @received",
        ],
        ["set contact:1001 @1562202942666 email=email:annek_new@noanswer.org"],
        ["delete contact:1001 @1562202942666", "delete contact:1001 @received"],
    ],
    "docs_cleaned_event-flattening.jsonl": [
        ["refused $.after.id"],
        ["refused $.id"],
        ["refused $.id"],
    ],
    "docs_cleaned_mongodb.jsonl": [
        ["unknown transaction BEGIN"],
        ["unknown transaction END"],
        [
            "restore contact:1004 @1580390884335 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1004 @received",
        ],
        ["restore contact:1004 @received first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org"],
        ["set contact:1004 @1558965508000 first_name=Anne Marie last_name=Kretchmar email=email:annek@noanswer.org"],
        ["delete contact:1004 @1558965508000", "delete contact:1004 @received"],
    ],
    "docs_cleaned_postgresql.jsonl": [
        ["unknown transaction BEGIN"],
        ["unknown transaction END"],
        ["refused $.after.id"],
        ["restore contact:1 @received"],
        ["set contact:1 @1559033904863 first_name=Anne Marie last_name=Kretchmar email=email:annek@noanswer.org"],
        ["delete contact:1 @1559033904863", "delete contact:1 @received"],
        ["unknown truncate", "missed truncate postgres.public.customers"],
        ["unknown message"],
    ],
    "docs_cleaned_shared-mariadb-mysql.jsonl": [
        ["unknown transaction BEGIN"],
        ["unknown transaction END"],
        ["refused $.after.id"],
        ["set contact:1004 @1465581029100 first_name=Anne Marie last_name=Kretchmar email=email:annek@noanswer.org"],
        ["delete contact:1004 @1465581902300", "delete contact:1004 @received"],
        ["unknown truncate", "missed truncate inventory.customers"],
    ],
    "docs_cleaned_sqlserver.jsonl": [
        ["unknown schema change"],
        ["set contact:1005 @1559729995937 first_name=john last_name=doe email=-", "left out email blocked"],
        ["unknown transaction BEGIN"],
        ["unknown transaction END"],
        ["refused $.after.id"],
    ],
    "docs_cleaned_vitess.jsonl": [
        ["unknown transaction BEGIN"],
        ["unknown transaction END"],
        ["refused $.after.id"],
        ["refused $.after.id"],
        ["restore contact:1 @received"],
        ["set contact:1 @1559033904000 first_name=Anne Marie last_name=Kretchmar email=email:annek@noanswer.org"],
        ["delete contact:1 @1559033904000", "delete contact:1 @received"],
    ],
    "docs_cloudevents.jsonl": [
        ["refused $.data.after.id"],
        ["refused $.data"],
    ],
    "docs_decode-logical-decoding-message-content.jsonl": [
        ["unknown message"],
        ["restore contact:1 @1723115415640", "restore contact:1 @received"],
    ],
    "docs_informix.jsonl": [
        [
            "restore contact:1005 @1559729468470 first_name=john last_name=doe email=email:john.doe@example.org",
            "restore contact:1005 @received",
        ],
    ],
    "docs_mongodb.jsonl": [
        ["restore contact:1004 @received"],
    ],
    "docs_notification.jsonl": [
        ["unknown notification"],
        ["unknown notification"],
        ["unknown notification"],
        ["unknown notification"],
        ["unknown notification"],
    ],
    "docs_oracle.jsonl": [
        [
            "restore contact:1004 @1520085154000 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1004 @received",
        ],
        ["refused $.id"],
    ],
    "docs_postgresql.jsonl": [
        [
            "restore contact:1 @1559033904863 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1 @received",
        ],
    ],
    "docs_proc-viewing-create-event.jsonl": [
        ["restore contact:1004 @1486500577691 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org"],
    ],
    "docs_schema-change-event-filter.jsonl": [
        ["unknown schema change"],
    ],
    "docs_shared-mariadb-mysql.jsonl": [
        ["unknown schema change"],
        [
            "restore contact:1004 @1465491411815 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1004 @received",
        ],
    ],
    "docs_sqlserver.jsonl": [
        [
            "restore contact:1005 @1559729468470 first_name=john last_name=doe email=email:john.doe@example.org",
            "restore contact:1005 @received",
        ],
    ],
    "docs_timezone-converter.jsonl": [
        [
            "restore contact:1 @1559033904863 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1 @received",
        ],
        [
            "restore contact:1 @1559033904863 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1 @received",
        ],
    ],
    "docs_vitess.jsonl": [
        [
            "restore contact:1 @1559033904000 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org",
            "restore contact:1 @received",
        ],
    ],
    "docs_yashandb.jsonl": [
        ["restore contact:1001 @1780017300692 name=Test Record", "restore contact:1001 @received"],
    ],
    "examples_camel-kafka-connect.jsonl": [
        ["restore contact:1001 @1582540780807 first_name=Sally last_name=Thomas email=email:sally.thomas@acme.com"],
        ["restore contact:1002 @1582540780810 first_name=George last_name=Bailey email=email:gbailey@foobar.com"],
        ["restore contact:1003 @1582540780812 first_name=Edward last_name=Walker email=email:ed@walker.com"],
        ["restore contact:1004 @1582540780812 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org"],
    ],
    "examples_engine-wasm.jsonl": [
        ["restore contact:1004 @1731327511000 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org"],
        ["set contact:1001 @1731327659000 first_name=Sarah last_name=Thomas email=email:sally.thomas@acme.com"],
    ],
    "examples_kafka-ssl.jsonl": [
        [
            "restore contact:1005 @1733906311010 first_name=Bob last_name=Marley email=email:bob@marley.com",
            "restore contact:1005 @received",
        ],
    ],
    "examples_kinesis.jsonl": [
        [
            "restore contact:1001 @1520513267424 first_name=Sally last_name=Thomas email=email:sally.thomas@acme.com",
            "restore contact:1001 @received",
        ],
        [
            "restore contact:1002 @1520513267424 first_name=George last_name=Bailey email=email:gbailey@foobar.com",
            "restore contact:1002 @received",
        ],
    ],
    "kafkaconnect_connect-debezium-mongodb-source_1.json": [
        ["restore contact:1006 @1570207101000 first_name=Bob last_name=Hopper email=email:thebob@example.com"],
    ],
    "kafkaconnect_connect-debezium-mysql-source_1.json": [
        ["restore contact:1 @1570207619721 name=kafka email=email:kafka@apache.org", "restore contact:1 @received"],
    ],
    "kafkaconnect_connect-debezium-postgresql-source_1.json": [
        ["restore contact:5 @1570208093526 first_name=Hansiain last_name=Coda email=email:hcoda4@senate.gov"],
    ],
    "kafkaconnect_connect-debezium-sqlserver-source_1.json": [
        ["restore contact:1001 @1571914675218 first_name=Sally last_name=Thomas email=email:sally.thomas@acme.com"],
    ],
    "kafkaconnect_connect-debezium-sqlserver-source_2.json": [
        ["restore contact:1002 @1571914675226 first_name=George last_name=Bailey email=email:gbailey@foobar.com"],
    ],
    "kafkaconnect_connect-debezium-sqlserver-source_3.json": [
        ["restore contact:1003 @1571914675231 first_name=Edward last_name=Walker email=email:ed@walker.com"],
    ],
    "kafkaconnect_connect-debezium-sqlserver-source_4.json": [
        ["restore contact:1004 @1571914675231 first_name=Anne last_name=Kretchmar email=email:annek@noanswer.org"],
    ],
    "kafkaconnect_connect-debezium-sqlserver-source_5.json": [
        [
            "restore contact:1005 @1571914677337 first_name=Pam last_name=Thomas email=email:pam@office.com",
            "restore contact:1005 @received",
        ],
    ],
    "paimon_alltype.jsonl": [
        ["restore contact:1 @1706167086275"],
    ],
    "paimon_bson_delete.jsonl": [
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        ["refused $.before._id"],
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        ["refused $.before._id"],
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        ["delete contact:67ab25755c0d5ac87eb8c632 @1739321992000", "delete contact:67ab25755c0d5ac87eb8c632 @received"],
    ],
    "paimon_bson_insert.jsonl": [
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        [
            "restore contact:67ab25755c0d5ac87eb8c632 @1739321992000",
            "restore contact:67ab25755c0d5ac87eb8c632 @received",
        ],
    ],
    "paimon_bson_update.jsonl": [
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        ["irrelevant"],
        ["restore contact:67ab25755c0d5ac87eb8c632 @received"],
        ["irrelevant"],
    ],
    "paimon_database_include.jsonl": [
        ["restore contact:101 @1596684883000 name=scooter", "restore contact:101 @received"],
        ["restore contact:102 @1596684883000 name=car battery", "restore contact:102 @received"],
        ["restore contact:103 @1596684883000 name=12-pack drill bits", "restore contact:103 @received"],
        ["restore contact:104 @1596684883000 name=hammer", "restore contact:104 @received"],
    ],
    "paimon_nestedtype.jsonl": [
        ["restore contact:101 @1596684883000 name=hammer", "restore contact:101 @received"],
    ],
    "paimon_nullvalue.jsonl": [
        ["restore contact:1 @1596684883000", "restore contact:1 @received"],
    ],
    "paimon_schema_schemaevolution.jsonl": [
        ["restore contact:101 @1596684883000 name=scooter", "restore contact:101 @received"],
        ["restore contact:103 @1596684883000 name=12-pack drill bits", "restore contact:103 @received"],
        ["restore contact:104 @1596684883000 name=hammer", "restore contact:104 @received"],
        ["restore contact:105 @1596684883000 name=hammer", "restore contact:105 @received"],
        ["restore contact:105 @1596684883000 name=hammer", "restore contact:105 @received"],
    ],
    "paimon_schemaevolution.jsonl": [
        ["restore contact:101 @1596684883000 name=scooter", "restore contact:101 @received"],
        ["restore contact:102 @1596684883000 name=car battery", "restore contact:102 @received"],
        ["restore contact:103 @1596684883000 name=12-pack drill bits", "restore contact:103 @received"],
        ["restore contact:104 @1596684883000 name=hammer", "restore contact:104 @received"],
        ["restore contact:105 @1596684883000 name=hammer", "restore contact:105 @received"],
        ["delete contact:101 @1596684883000", "delete contact:101 @received"],
        ["set contact:105 @1596684906000 name=hammer"],
        ["restore contact:107 @1596684883000 name=rocks", "restore contact:107 @received"],
    ],
    "paimon_with_delete.jsonl": [
        ["delete contact:101 @1596684883000", "delete contact:101 @received"],
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_debezium_sample_becomes_exactly_this(name: str) -> None:
    assert outcomes(normaliser("debezium", object="contact"), SAMPLES / "debezium" / name) == EXPECTED[name]


def test_no_sample_file_is_left_out() -> None:
    assert {file.name for file in (SAMPLES / "debezium").iterdir()} == set(EXPECTED)


def test_of_several_tables_in_one_topic_those_count_that_are_mapped() -> None:
    normalise = normaliser("debezium", tables={"paimon_1": "contact", "test.flink": "company"})
    assert outcomes(normalise, SAMPLES / "debezium" / "paimon_database_include.jsonl") == [
        ["restore contact:101 @1596684883000 name=scooter", "restore contact:101 @received"],
        ["unknown table test.paimon_2"],
        ["unknown table test.ignore"],
        ["restore company:104 @1596684883000 name=hammer", "restore company:104 @received"],
    ]


def test_the_key_names_the_row_where_the_payload_does_not() -> None:
    lines = [*payloads(SAMPLES / "debezium" / "paimon_bson_delete.jsonl")]
    found = [
        told(normaliser("debezium", object="contact"), payload, key)
        for key, payload in zip(lines[::2], lines[1::2], strict=True)
    ]
    document = "contact:67ab25755c0d5ac87eb8c632"
    assert found == [[f"delete {document} @1739321992000", f"delete {document} @received"]] * 3


def test_columns_become_text_by_their_schema() -> None:
    columns = {
        "day": "_date", "moment": "_datetime3", "exact": "_datetime6", "sum": "_numeric", "large": "_fixed",
        "serial": "_serial", "document": "_json", "flag": "_bit1",
    }  # fmt: skip
    (payload,) = payloads(SAMPLES / "debezium" / "paimon_alltype.jsonl")
    (line,) = told(normaliser("debezium", object="contact", fields=columns), payload)
    assert line == (
        "restore contact:1 @1706167086275 day=2023-03-23 moment=2023-03-23T14:30:05.123Z"
        " exact=2023-03-23T14:30:05.123Z sum=12345.11 large=1.2345678987654322e+32 serial=40000000000"
        ' document={"a": "b"} flag=true'
    )


def test_a_flattened_row_needs_to_be_told_its_key() -> None:
    lines = [*payloads(SAMPLES / "debezium" / "docs_cleaned_event-flattening.jsonl")]
    assert told(normaliser("debezium", object="contact", key="pk"), lines[1]) == ["delete contact:2 @received"]
