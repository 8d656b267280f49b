//! The types that tell of the log's keys, and of its publication. Nobody is named in them.

use super::About::{self, Log};
use super::Kind::{Bool, Integer, List, Object, Sealed, Text};
use super::shapes::REPOSITORY;
use super::{Entry, Field, may, need};

const fn entry(name: &'static str, about: About, meaning: &'static str, fields: &'static [Field]) -> Entry {
    Entry { name, meaning, about, fields }
}

const VKEY: Field = need("vkey", Text, "the key");
const FROM: Field = need("from", Integer, "the first entry");
const TO: Field = need("to", Integer, "the entry after the last");
const TAG: Field = need("tag", Text, "the release's tag");

pub(super) static ENTRIES: &[Entry] = &[
    entry(
        "key.added",
        Log,
        "The log's next key is announced. Both sign until it takes over.",
        &[
            VKEY,
            need("added_by", Text, "the key that vouches for it"),
            need("statement", Text, "the statement that both have signed"),
        ],
    ),
    entry("key.activated", Log, "The key that was announced is the log's own from here on.", &[VKEY]),
    entry(
        "key.revoked",
        Log,
        "A key does not count any more.",
        &[
            VKEY,
            need("valid_to_size", Integer, "what it signed counts up to this size of the log"),
            may("why", Text, "why, in a word"),
        ],
    ),
    entry(
        "ledger.published",
        Log,
        "Entries and checkpoint left the operator's hands, as a release of a repository.",
        &[
            TAG,
            need("release_id", Integer, "the release's id on GitHub"),
            need("repository", REPOSITORY, "where"),
            FROM,
            TO,
            need("root", Text, "the root of the tree"),
            need("immutable", Bool, "whether GitHub lets nobody change it"),
            need(
                "assets",
                List(&Object(&[
                    need("name", Text, "its name"),
                    need("bytes", Integer, "its length"),
                    need("sha256", Text, "its digest"),
                ])),
                "the files",
            ),
        ],
    ),
    entry(
        "ledger.publication_failed",
        Log,
        "A publication does not succeed.",
        &[
            TAG,
            need("repository", Text, "where it should be"),
            FROM,
            TO,
            need("attempts", Integer, "how often it was tried"),
            need("given_up", Bool, "whether it is tried no more"),
            need("error", Sealed, "why"),
        ],
    ),
];
