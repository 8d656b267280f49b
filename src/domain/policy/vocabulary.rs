//! Every key of the language, once: the parser knows these and no others, and the JSON Schema is made of them.

use super::rule::Gate;

/// A table of the file and its keys.
#[derive(Debug)]
pub(super) struct Table {
    /// What the schema calls it.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub doc: &'static str,
    pub keys: &'static [Key],
}

/// A key, what it takes and what it means.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// A value somebody might write, as YAML.
    pub example: &'static str,
    pub is_needed: bool,
    /// The gates whose rules may have it.
    pub gates: &'static [Gate],
}

/// What may stand behind a key.
#[derive(Debug)]
pub(super) enum Takes {
    /// The number 1.
    Version,
    /// A text that is not empty.
    Text,
    /// A text of this form, as a regular expression.
    Form(&'static str),
    /// A whole number from 1 to this.
    Number(u64),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A table with these keys.
    Keys(&'static Table),
    /// A list of at least one and at most so many.
    List(&'static Takes, usize),
    /// A table whose keys are names of this form.
    Named(&'static str, &'static Takes),
    /// One of these.
    Either(&'static [Takes]),
}

use Takes::{Either, Form, Keys, List, Named, Number, Text, Version, Words};

/// More freezes: each is looked at whenever something is released.
pub(super) const MOST_FREEZES: usize = 32;
/// More reminders, or more steps, nobody reads.
pub(super) const MOST_STEPS: usize = 5;
const ANY: usize = usize::MAX;

const EVERY_GATE: &[Gate] = &[Gate::Deployment, Gate::Job, Gate::Command];
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]*$";
const GROUP_NAME: &str = "^(?!(?:writers|admins|codeowners)$)[A-Za-z0-9][A-Za-z0-9_-]*$";
const LOGIN: &str = "^@*[A-Za-z0-9][A-Za-z0-9_-]{0,38}$";
const GLOB: Takes = Form("^[^!]");
const DURATION: Takes = Form("^\\s*[0-9]+[mhd]\\s*$");
const TEXTS: Takes = List(&Text, ANY);
const GLOBS: Takes = List(&GLOB, ANY);
const ASSURANCES: Takes = Words(&["click", "session", "passkey"]);

const fn key(name: &'static str, takes: Takes, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes, doc, example, is_needed: false, gates: EVERY_GATE }
}

const fn needed(key: Key) -> Key {
    Key { is_needed: true, ..key }
}

const fn only_for(gates: &'static [Gate], key: Key) -> Key {
    Key { gates, ..key }
}

pub(super) static POLICY: Table = Table {
    name: "policy",
    doc: "What Seconder holds, and who must second it.",
    keys: &[
        needed(key("version", Version, "The version of the language.", "1")),
        key(
            "approvers",
            Named(GROUP_NAME, &List(&APPROVER, ANY)),
            "Named groups of people. `writers`, `admins` and `codeowners` exist already.",
            "{ platform: [octocat, \"@acme/platform\"] }",
        ),
        key(
            "people",
            Named(LOGIN, &PERSON),
            "Who is one human under several accounts and addresses, and which account is a program's.",
            "{ octocat: { also: [octocat-work] }, release-robot: machine }",
        ),
        key(
            "agents",
            Named(NAME, &Keys(&AGENT)),
            "Marks of agents the catalogue does not know. They add to it; nothing takes away.",
            "{ acme-bot: { emails: [bot@acme.example], branches: [\"acme-bot/\"] } }",
        ),
        key(
            "classes",
            Named(NAME, &Keys(&CLASS)),
            "Named kinds of changes and commands; one with the name of a preset stands in its place.",
            "{ schema: { paths: [\"db/**\"] } }",
        ),
        key(
            "freeze",
            List(&Keys(&FREEZE), MOST_FREEZES),
            "Times in which nothing is released.",
            "[{ name: weekend, zone: Europe/Berlin, from: \"0 18 * * FRI\", to: \"0 6 * * MON\" }]",
        ),
        key(
            "stop",
            Text,
            "Why nothing may be released now: the switch for emergencies, thrown as long as it is written.",
            "incident 42; ask @acme/oncall",
        ),
        needed(key(
            "rules",
            List(&Keys(&RULE), ANY),
            "What is held, and what it needs. All matching rules apply.",
            "[{ name: production, environments: [production], require: [1 of writers] }]",
        )),
    ],
};

static APPROVER: Takes = Either(&[Text, Keys(&PERMISSION)]);

pub(super) static PERMISSION: Table = Table {
    name: "permission",
    doc: "Everybody with at least this access to the repository.",
    keys: &[needed(key(
        "permission",
        Words(&["read", "triage", "write", "maintain", "admin"]),
        "The least access.",
        "maintain",
    ))],
};

static PERSON: Takes = Either(&[Words(&["machine"]), Keys(&HUMAN)]);

pub(super) static HUMAN: Table = Table {
    name: "person",
    doc: "One human: counts once, and is barred under every account.",
    keys: &[
        key("also", TEXTS, "Logins of their other accounts.", "[octocat-work]"),
        key("emails", TEXTS, "Addresses of their commits.", "[octo@example.com]"),
    ],
};

pub(super) static AGENT: Table = Table {
    name: "agent",
    doc: "An agent and the marks it leaves; at least one mark.",
    keys: &[
        key("name", Text, "How people name it.", "Acme Bot"),
        key("emails", TEXTS, "Addresses on its commits.", "[bot@acme.example]"),
        key("accounts", List(&Number(u64::MAX), ANY), "Numbers of its accounts.", "[41898282]"),
        key("logins", TEXTS, "Logins of its accounts.", "[\"acme-bot[bot]\"]"),
        key("trailers", TEXTS, "Trailers of its messages: a key, or a key with a value.", "[\"Acme-Run\"]"),
        key("footers", TEXTS, "How a line of its messages begins.", "[\"Made with Acme\"]"),
        key("branches", TEXTS, "How the names of its branches begin.", "[\"acme-bot/\"]"),
        key("bodies", TEXTS, "What the texts of its pull requests contain.", "[\"Opened by Acme Bot\"]"),
    ],
};

pub(super) static CLASS: Table = Table {
    name: "class",
    doc: "A kind of changes and commands; at least one pattern.",
    keys: &[
        key("paths", GLOBS, "Changed files, as globs from the root of the repository.", "[\"db/**\"]"),
        key("commands", GLOBS, "Whole command lines, as globs whose `*` stands for any characters.", "[\"psql *\"]"),
    ],
};

pub(super) static FREEZE: Table = Table {
    name: "freeze",
    doc: "A time in which nothing is released: once (two dates) or again and again (two cron expressions).",
    keys: &[
        needed(key("name", Text, "Its name, shown to people.", "weekend")),
        needed(key("zone", Text, "An IANA time zone.", "Europe/Berlin")),
        needed(key("from", Text, "When it begins: a date (its first moment) or a cron expression.", "0 18 * * FRI")),
        needed(key("to", Text, "When it ends: a date (its first moment) or a cron expression.", "0 6 * * MON")),
        key("environments", GLOBS, "The environments it is for; all when it does not say.", "[production]"),
    ],
};

/// What a rule covers. The same keys say what its exception covers.
macro_rules! scope_keys {
    ($($more:expr),* $(,)?) => {
        &[
            $($more,)*
            key("environments", GLOBS, "Environments; case does not matter.", "[production, \"prod-*\"]"),
            key("branches", GLOBS, "The branch it was started for.", "[main, \"release/**\"]"),
            key("tags", GLOBS, "The tag it was started for.", "[\"v*\"]"),
            only_for(
                &[Gate::Deployment, Gate::Job],
                key("workflows", GLOBS, "Files of workflows, without their folder.", "[deploy.yml]"),
            ),
            only_for(&[Gate::Job], key("jobs", GLOBS, "Names of jobs.", "[\"migrate*\"]")),
            only_for(
                &[Gate::Command],
                key("commands", GLOBS, "Whole command lines; `*` stands for any characters.", "[\"pg_dump *\"]"),
            ),
            key("paths", GLOBS, "Changed files, from the root of the repository.", "[\"migrations/**\"]"),
            key(
                "classes",
                TEXTS,
                "Kinds of changes and commands: `data-export`, `privilege`, `infrastructure`, `schema`, `model-deploy`, or the \
                 file's own.",
                "[schema]",
            ),
        ]
    };
}

pub(super) static SCOPE: Table =
    Table { name: "scope", doc: "What is covered: of each key one pattern must match.", keys: scope_keys!() };

pub(super) static RULE: Table = Table {
    name: "rule",
    doc: "What is held, and what it needs.",
    keys: scope_keys!(
        needed(key("name", Text, "Its name, shown to people; no other rule has it.", "production")),
        key("gate", Words(&["deployment", "job", "command"]), "What kind of thing it holds.", "deployment"),
        key(
            "except",
            Keys(&SCOPE),
            "What it does not hold: covered by all of these keys, and known to be.",
            "{ paths: [\"docs/**\"] }",
        ),
        key(
            "authored_by",
            Either(&[Words(&["ai", "unproven", "anyone"]), TEXTS]),
            "Whose commits it holds: any agent's, everybody's but what a named person has signed, everybody's, or these agents'.",
            "ai",
        ),
        key(
            "require",
            List(&REQUIREMENT, ANY),
            "What must be met, all of it: so many distinct people of a group.",
            "[1 of writers]",
        ),
        key("deny", Text, "It is denied, nobody is asked, and people are told this.", "agents do not deploy the vault"),
        key("assurance", ASSURANCES, "How sure it must be that approvers spoke for themselves.", "passkey"),
        key(
            "reason",
            Either(&[Words(&["required"]), Keys(&REASON)]),
            "Every held commit, or its pull request, must say why it is made.",
            "{ pattern: \"[A-Z]+-[0-9]+\" }",
        ),
        key("expires", DURATION, "How long it waits before it is denied; 24 hours when it does not say.", "4h"),
        key(
            "remind",
            Either(&[DURATION, List(&DURATION, MOST_STEPS)]),
            "After how long people are reminded, counted from the opening.",
            "[1h, 3h]",
        ),
        key(
            "escalate",
            List(&Keys(&STEP), MOST_STEPS),
            "Who may approve besides, after some time; how many must, stays.",
            "[{ after: 2h, to: admins }]",
        ),
        key(
            "unattributed",
            Words(&["extra_approval", "deny"]),
            "What becomes of it when somebody with a part is unknown: one more approver for each, or denied.",
            "extra_approval",
        ),
        key("mode", Words(&["enforce", "shadow"]), "Whether it acts, or only tells what it would do.", "shadow"),
    ),
};

static REQUIREMENT: Takes = Either(&[Form("^\\s*(?:100|[1-9][0-9]?)\\s+of\\s+\\S+\\s*$"), Keys(&LONG)]);

pub(super) static LONG: Table = Table {
    name: "requirement",
    doc: "The long form of `1 of writers`, or alternatives.",
    keys: &[
        key("approvals", Number(100), "How many distinct people; 1 when it does not say.", "2"),
        key("from", Text, "From whom: a group, a login, a team, `writers`, `admins` or `codeowners`.", "writers"),
        key("assurance", ASSURANCES, "How sure it must be that they spoke for themselves.", "passkey"),
        key("any_of", List(&REQUIREMENT, ANY), "One of these is enough.", "[1 of admins, 2 of writers]"),
        key("all_of", List(&REQUIREMENT, ANY), "All of these are needed.", "[1 of admins, 2 of writers]"),
    ],
};

pub(super) static STEP: Table = Table {
    name: "step",
    doc: "Who may approve besides, once it has waited so long.",
    keys: &[
        needed(key("after", DURATION, "How long after the opening.", "2h")),
        needed(key("to", Text, "Who.", "admins")),
    ],
};

pub(super) static REASON: Table = Table {
    name: "reason",
    doc: "What the reason must contain.",
    keys: &[needed(key(
        "pattern",
        Text,
        "A regular expression, in the syntax of Rust's `regex`, found anywhere in it.",
        "\"[A-Z]+-[0-9]+\"",
    ))],
};

impl Table {
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}
