"""Mistakes in a configuration, each with the one line it must cost: (what is written, what is said)."""

from config.settings import DAY_MS

FORMATS = ("bluesky.jetstream", "mastodon.stream", "x.stream", "hubspot.webhook", "debezium", "contacts")
"""Those the mistakes are made about."""

LINES: dict[str, tuple[str, str]] = {
    "a name nobody knows": (
        "[engine]\npartitons = 3",
        "c.toml:2: engine.partitons: want a known name, got an unknown one; did you mean partitions?",
    ),
    "a section nobody knows": (
        "[engin]\npartitions = 3",
        "c.toml:1: engin: want a known name, got an unknown one; did you mean engine?",
    ),
    "a name far from all others": (
        "[profile]\nzzz = 3",
        "c.toml:2: profile.zzz: want a known name, got an unknown one; known names: fields",
    ),
    "text for a number": (
        '[engine]\npartitions = "8"',
        "c.toml:2: engine.partitions: want a whole number, got '8'; write digits without quotes",
    ),
    "a fraction for a whole number": (
        "[engine]\npartitions = 8.5",
        "c.toml:2: engine.partitions: want a whole number, got 8.5; write digits without quotes",
    ),
    "true for a number": (
        "[engine]\npartitions = true",
        "c.toml:2: engine.partitions: want a whole number, got true; write digits without quotes",
    ),
    "a number for text": (
        "[engine]\napp = 8",
        "c.toml:2: engine.app: want text, got 8; put it in quotes",
    ),
    "text for true": (
        '[identity]\nsame_email = "yes"',
        "c.toml:2: identity.same_email: want true or false, got 'yes'; write it without quotes, in small letters",
    ),
    "infinity": (
        "[score]\nrisk_kappa = inf",
        "c.toml:2: score.risk_kappa: want a finite number, got inf; choose a number",
    ),
    "more than 64 bits": (
        f"[identity]\nhold_ms = {1 << 70}",
        f"c.toml:2: identity.hold_ms: want a number of at most 64 bits, got {1 << 70}; choose a smaller one",
    ),
    "a word that is no choice": (
        '[observe]\nlog_format = "jsn"',
        "c.toml:2: observe.log_format: want one of 'console', 'json', got 'jsn'; did you mean json?",
    ),
    "text for a list": (
        '[relevance]\nterms = "acme"',
        "c.toml:2: relevance.terms: want a list, got 'acme'; put it in [brackets]",
    ),
    "one wrong entry of a list": (
        '[relevance]\nterms = [\n "acme",\n 5]',
        "c.toml:2: relevance.terms[1]: want text, got 5; put it in quotes",
    ),
    "a value for a section": (
        "score = 5",
        "c.toml:1: score: want a table, got 5; write it as `[score]` with a line for each value",
    ),
    "a value for a map": (
        "[score]\ncaps = 5",
        "c.toml:2: score.caps: want a table, got 5; write it as `caps = {name = value}`",
    ),
    "an input without a format": (
        '[[inputs]]\nname = "a"',
        "c.toml:1: inputs[0].format: want a value, got nothing; add `format = …`",
    ),
    "a format nobody knows": (
        '[[inputs]]\nname = "a"\nformat = "hubspot.webhok"',
        f"c.toml:3: inputs[0].format: want one of {', '.join(FORMATS)}, got 'hubspot.webhok'; did you mean hubspot.webhook?",
    ),
    "two inputs of one name": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\n[[inputs]]\nformat = "contacts"\nname = "a"',
        "c.toml:6: inputs[1].name: want a name of its own, got 'a' again; rename one of them",
    ),
    "two inputs of one topic": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\n[[inputs]]\nname = "b"\nformat = "contacts"\ntopic = "raw.a"',
        "c.toml:7: inputs[1].topic: want a topic of its own, got 'raw.a' again; one input reads one topic: remove one of them",
    ),
    "an input from our own output": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\ntopic = "social.enriched"',
        "c.toml:4: inputs[0].topic: want a raw topic, got 'social.enriched'; Rapport writes that one itself: name the topic of the raw payloads",
    ),
    "a topic no broker takes": (
        '[[inputs]]\nname = "a"\nformat = "contacts"\ntopic = "raw/a"',
        "c.toml:4: inputs[0].topic: want a topic: letters, digits, '.', '_' and '-', at most 249, got 'raw/a'; correct it, or remove the line for `raw.<name>`",
    ),
    "Mastodon without its server": (
        '[relevance]\nterms = ["acme"]\n[[inputs]]\nname = "a"\nformat = "mastodon.stream"',
        "c.toml:3: inputs[0].server: want a host name, got nothing; add the host whose stream this is: accounts and ids are only unique there",
    ),
    "an option of another format": (
        '[[inputs]]\nname = "a"\nformat = "hubspot.webhook"\nserver = "example.social"',
        "c.toml:4: inputs[0].server: want only for mastodon.stream, got for hubspot.webhook; remove it",
    ),
    "rows of nobody knows what": (
        '[[inputs]]\nname = "a"\nformat = "debezium"',
        "c.toml:1: inputs[0].object: want an object, got nothing; say what a row is: one of contact, company, case, or map tables to them in `tables`",
    ),
    "a table of no object of ours": (
        '[[inputs]]\nname = "a"\nformat = "debezium"\ntables = {people = "contacts"}',
        "c.toml:4: inputs[0].tables.people: want one of contact, company, case, got 'contacts'; did you mean contact?",
    ),
    "an app that is no topic": (
        '[engine]\napp = "Rap port"',
        "c.toml:2: engine.app: want small letters, digits, '.', '_' and '-', at most 63, a letter or digit first, got 'Rap port'; it begins the names of topics and groups: choose another",
    ),
    "no partitions": (
        "[engine]\npartitions = 0",
        "c.toml:2: engine.partitions: want 1 to 1,024, got 0; choose one in between: a worker can own them all, and each costs it a transaction's share",
    ),
    "commit times the wrong way round": (
        "[engine]\ncommit_ms_min = 200",
        "c.toml:2: engine.commit_ms_min: want at most engine.commit_ms_max (100), got 200; lower it, or raise engine.commit_ms_max",
    ),
    "a session shorter than its commits": (
        "[engine]\nsession_timeout_ms = 150",
        "c.toml:1: engine.commit_ms_max: want at most half of engine.session_timeout_ms (150), got 100; lower it: a worker in a commit must not be taken for dead",
    ),
    "a password in an address": (
        '[state]\nredis_url = "redis://:secret@cache:6379"',
        "c.toml:2: state.redis_url: want an address without a password, got one with a password; put the password into a file and name it in state.redis_password_file: addresses are logged",
    ),
    "an address that is none": (
        '[state]\nredis_url = "cache:6379"',
        "c.toml:2: state.redis_url: want redis://host:port, rediss://host:port or unix:///path, got 'cache:6379'; correct it, or leave it empty for an embedded server",
    ),
    "a port that is none": (
        '[state]\nredis_url = "redis://cache:99999999"',
        "c.toml:2: state.redis_url: want redis://host:port, rediss://host:port or unix:///path, got 'redis://cache:99999999'; correct it, or leave it empty for an embedded server",
    ),
    "nothing that could ever match": (
        '[[inputs]]\nname = "a"\nformat = "x.stream"',
        'c.toml: relevance: want terms, accounts or domains, got none: nothing would ever match; name your brand in relevance.terms, or set relevance.relevance = "all"',
    ),
    "a term of one letter": (
        '[relevance]\nterms = ["a"]',
        "c.toml:2: relevance.terms[0]: want 2 to 100 letters, got 'a'; a single letter is in every text; a long phrase in none",
    ),
    "a handle for an account": (
        '[relevance]\naccounts = ["bluesky:acme.example"]',
        "c.toml:2: relevance.accounts[0]: want bluesky:did:plc:…, got 'bluesky:acme.example'; handles change: look the DID up",
    ),
    "a platform nobody knows": (
        '[relevance]\naccounts = ["blusky:did:plc:a"]',
        "c.toml:2: relevance.accounts[0]: want bluesky:did:plc:… or x:<number> or mastodon:us@example.social, got 'blusky:did:plc:a'; did you mean bluesky?",
    ),
    "an account without its server": (
        '[relevance]\naccounts = ["mastodon:acme"]',
        "c.toml:2: relevance.accounts[0]: want mastodon:us@example.social, got 'mastodon:acme'; add the account's server",
    ),
    "an address for a domain": (
        '[relevance]\ndomains = ["https://acme.example/"]',
        "c.toml:2: relevance.domains[0]: want a host name like acme.example, got 'https://acme.example/'; write the host only: no https://, no path, no port",
    ),
    "a hold shorter than the look-back": (
        "[identity]\nhold_ms = 1000\nhold_unclaimed_ms = 1000",
        "c.toml:2: identity.hold_ms: want at least identity.look_back_ms (86400000), got 1000; raise it: a claim can only hold for acts that are still kept",
    ),
    "a hold longer than the inbox": (
        f"[identity]\nhold_ms = {8 * DAY_MS}\nerase_keep_ms = {30 * DAY_MS}",
        "c.toml:2: identity.hold_ms: want 1 to 604,800,000, got 691200000; choose one in between: the inbox keeps 7 days: beyond, nothing could be replayed",
    ),
    "strangers kept longer than customers": (
        f"[identity]\nhold_unclaimed_ms = {4 * DAY_MS}",
        "c.toml:2: identity.hold_unclaimed_ms: want at most identity.hold_ms (259200000), got 345600000; lower it: nobody's acts are not kept longer than a customer's",
    ),
    "an erased person who could come back": (
        f"[identity]\nhold_ms = {5 * DAY_MS}",
        "c.toml:1: identity.erase_keep_ms: want at least inbox retention + identity.hold_ms + 1 day (1123200000), got 950400000; raise it: before that an erased person could come back",
    ),
    "a source twice": (
        '[identity]\nsources = ["hubspot", "crm", "hubspot"]',
        "c.toml:2: identity.sources[2]: want each name once, got 'hubspot' again; remove one",
    ),
    "an expression that does not compile": (
        '[identity]\nblocked_patterns = ["a+", "a("]',
        "c.toml:2: identity.blocked_patterns[1]: want an RE2 regular expression, got 'a('; correct it: missing ): a(",
    ),
    "an empty blocked value": (
        '[identity]\nblocked = [" "]',
        "c.toml:2: identity.blocked[0]: want a value, got an empty one; remove it: empty never identifies",
    ),
    "a country in full": (
        '[identity]\ndefault_country = "Germany"',
        "c.toml:2: identity.default_country: want two capital letters, got 'Germany'; write it like DE, or leave it empty",
    ),
    "kappa zero": (
        "[score]\nrisk_kappa = 0",
        "c.toml:2: score.risk_kappa: want 0.001 to 1,000,000, got 0.0; choose one in between: points are divided by it",
    ),
    "points below zero": (
        "[score.engagement]\nlike = -1",
        "c.toml:2: score.engagement.like: want 0 to 1,000,000 points, got -1.0; 0 switches it off",
    ),
    "points finer than thousandths": (
        "[score.caps]\nlike = 0.1234",
        "c.toml:2: score.caps.like: want at most three digits after the point, got 0.1234; round it: points are counted in thousandths",
    ),
    "points for a kind of act nobody does": (
        "[score.engagement]\nlik = 1",
        "c.toml:2: score.engagement.lik: want a kind of act, got 'lik'; did you mean like?",
    ),
    "bands that fall": (
        '[score]\nbands = [{name="a", enter=60, leave=50}, {name="b", enter=50, leave=50}]',
        "c.toml:2: score.bands[1]: want above 'a' (60, left below 50), got 50, left below 50; put bands in rising order",
    ),
    "a band left before it is entered": (
        '[score]\nbands = [{name="a", enter=60, leave=61}]',
        "c.toml:2: score.bands[0].leave: want 0 to its enter (60), got 61.0; lower it: the gap stops flapping",
    ),
    "a band nobody can reach": (
        '[score]\nbands = [{name="a", enter=100, leave=61}]',
        "c.toml:2: score.bands[0].enter: want between 0 and 100, got 100.0; shown risk is never 100",
    ),
    "a band with the name of none": (
        '[score]\nbands = [{name="ok", enter=60, leave=50}]',
        "c.toml:2: score.bands[0].name: want another name, got 'ok'; that is the band below the first",
    ),
    "metrics for everybody": (
        '[observe]\nmetrics_host = "0.0.0.0"',
        (
            "c.toml:2: observe.metrics_host: want 127.0.0.1 where there is no token, got '0.0.0.0'; "
            "name a file with a token in observe.metrics_token_file"
        ),
    ),
    "a worker taken for stuck while it tries": (
        "[observe]\nstuck_ms = 1_000",
        (
            "c.toml:2: observe.stuck_ms: want 35,000 to 3,600,000, got 1000; "
            "choose one in between: a commit may be tried for 30 s while the brokers are away"
        ),
    ),
    "broken syntax": (
        "[engine]\npartitions = \n",
        "c.toml:2:14: $: want TOML, got 'partitions ='; Invalid value",
    ),
    "a name twice": (
        "[engine]\npartitions = 1\npartitions = 2\n",
        "c.toml:3:15: $: want TOML, got 'partitions = 2'; Cannot overwrite a value",
    ),
}
