"""Who is speaking: identifiers, records and what they tell each other.

    raw ─► account ──Seen──► handle ──Bound──► account          raw ─► record ──Content──► record ──Content──► customer
              ▲ ──Join──► customer ──Claim, Purge──► account, handle      ▲ ──SameEmail──► email ──Cluster──┘
    raw ─► post ─► account

What a customer is told, and by whom: always by the record that leads its cluster, `customer:<id>` by `record:<id>`,
as `Content` with `subject` = the record it is about:

    a contact    that record itself and every record that names it, or one that leads to it, as its own (external_id)
    a case       every case of one of these contacts

The `company` of a contact's content is a name already, or absent: companies lend theirs to their contacts. Content of
null: the record is not this customer's any more, or was purged. `values` has the newest of every field, claim-bearing
ones too; `gone` the stretches in which the record was deleted (it is deleted now iff the last one ends at FOREVER).
"""
