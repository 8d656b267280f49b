//! `freeze:` times in which nothing is released.

use super::super::freeze::{Field, Freeze};
use super::super::glob::Spelling;
use super::super::node::Node;
use super::super::vocabulary::{FREEZE, MOST_FREEZES};
use super::Reader;

const EXAMPLE: &str = "{ name: weekend, zone: Europe/Berlin, from: \"0 18 * * FRI\", to: \"0 6 * * MON\" }";

impl Reader {
    pub(super) fn freezes(&mut self, node: &Node) -> Vec<Freeze> {
        let items = self.list(node, "`freeze`", EXAMPLE).unwrap_or_default();
        if items.len() > MOST_FREEZES {
            self.complain(node.at, format!("{} freezes are too many; the most is {MOST_FREEZES}", items.len()));
        }
        let mut all: Vec<Freeze> = Vec::new();
        for item in items {
            let Some(freeze) = self.freeze(item) else { continue };
            if all.iter().any(|other| other.name() == freeze.name()) {
                let name = freeze.name();
                self.warn(
                    item.at,
                    format!("two freezes are called `{name}`; people cannot tell which holds: give each its own name"),
                );
            }
            all.push(freeze);
        }
        all
    }

    fn freeze(&mut self, node: &Node) -> Option<Freeze> {
        let table = self.table(node, "a freeze", &FREEZE)?;
        let mut needed = |key: &str| {
            let found = table.get(key);
            if found.is_none() {
                self.complain(node.at, format!("the freeze has no `{key}`; write for example `{EXAMPLE}`"));
            }
            found.and_then(|node| Some((node, self.text(node, &format!("`{key}`"))?.trim().to_owned())))
        };
        let (name, zone, from, to) = (needed("name"), needed("zone"), needed("from"), needed("to"));
        let environments =
            table.get("environments").map(|list| (list, self.globs(list, "environments", Spelling::Loose)));
        let patterns = match &environments {
            None => Vec::new(),
            Some((_, globs)) => globs.as_ref()?.iter().map(|glob| glob.as_str().to_owned()).collect(),
        };
        let (name, zone, from, to) = (name?, zone?, from?, to?);
        Freeze::new(name.1, zone.1, from.1, to.1, patterns)
            .map_err(|(field, message)| {
                let at = match field {
                    Field::Name => name.0,
                    Field::Zone => zone.0,
                    Field::From => from.0,
                    Field::To => to.0,
                    Field::Environment(_) => environments.map_or(node, |(list, _)| list),
                };
                self.complain(at.at, message);
            })
            .ok()
    }
}
