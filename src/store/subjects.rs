//! Who is which subject in which log, and the random numbers that sealing takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ring::rand::{SecureRandom as _, SystemRandom};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Error;
use super::LedgerReader;
use super::ledger::{Appendix, Pending, ROWS};
use super::sql::{Statement, Value, id, text};
use crate::ledger::sealing::{self, Salt, Subject, SubjectKey};

/// The subjects of everybody whom a transaction's entries name.
///
/// Read in every transaction anew, never remembered: another process may erase somebody at any time, and whoever comes back
/// after that is somebody new. They are read before the logs are locked, for which everybody waits; so what is written under
/// the lock, which whoever erases has, too, is written only if they are [`still known`](Self::still_known).
pub(super) struct Subjects {
    known: HashMap<(u64, u64), Subject>,
    /// Met where there was no room for a login, and again with one.
    named: Vec<((u64, u64), String)>,
}

impl Subjects {
    /// Reads them, and makes those that are missing.
    pub(super) async fn of(appendix: &mut Appendix, connection: &mut AnyConnection) -> Result<Self, Error> {
        let mut named: BTreeMap<(u64, u64), String> = BTreeMap::new();
        for (tenant, (_, records)) in appendix {
            for Pending { record, .. } in records {
                for (account_id, login) in sealing::persons(record.kind, &mut record.body) {
                    let known = named.entry((*tenant, account_id)).or_default();
                    if known.is_empty() {
                        *known = login;
                    }
                }
            }
        }
        let mut subjects = Self { known: HashMap::with_capacity(named.len()), named: Vec::new() };
        let all: Vec<(u64, u64)> = named.keys().copied().collect();
        for who in subjects.read(&all, connection).await? {
            let login = named.get(&who).filter(|login| !login.is_empty());
            subjects.named.extend(login.map(|login| (who, login.clone())));
        }
        let missing: Vec<(u64, u64)> = all.into_iter().filter(|who| !subjects.known.contains_key(who)).collect();
        for some in missing.chunks(ROWS) {
            let mut rows: Vec<[Value; 5]> = Vec::with_capacity(some.len());
            for who @ (tenant, account_id) in some {
                let key = SubjectKey::new(random()?);
                let login = named.get(who).cloned().unwrap_or_default();
                let sub = key.subject(*account_id).to_string();
                rows.push([(*tenant).into(), (*account_id).into(), key.to_hex().into(), sub.into(), login.into()]);
            }
            Statement::new("INSERT INTO ledger_subjects (tenant, account_id, subject_key, sub, login) ")
                .rows(rows)
                .sql(" ON CONFLICT (tenant, account_id) DO NOTHING")
                .execute(connection)
                .await?;
        }
        // Not what was meant to be written, but what is there.
        subjects.read(&missing, connection).await?;
        Ok(subjects)
    }

    /// Notes logins that were not known. Under the lock of the logs: what waits for it must not hold rows that whoever erases
    /// waits for.
    pub(super) async fn name(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        for ((tenant, account_id), login) in &self.named {
            Statement::new("UPDATE ledger_subjects SET login = ")
                .bind(login.as_str())
                .sql(" WHERE tenant = ")
                .bind(*tenant)
                .sql(" AND account_id = ")
                .bind(*account_id)
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// The condition, on PostgreSQL, that none of them was erased since; `None` when nobody is named. One text, however many
    /// there are: what is not prepared yet takes longer.
    pub(super) fn still_known(&self) -> Option<Statement> {
        if self.known.is_empty() {
            return None;
        }
        let all = |part: &dyn Fn(&(u64, u64), &Subject) -> String| -> String {
            self.known.iter().map(|(who, subject)| part(who, subject)).collect::<Vec<_>>().join(",")
        };
        let known = Statement::new("(SELECT COUNT(*) FROM ledger_subjects AS s JOIN unnest(string_to_array(")
            .bind(all(&|(tenant, _), _| tenant.cast_signed().to_string()))
            .sql(", ',')::bigint[], string_to_array(")
            .bind(all(&|(_, account_id), _| account_id.cast_signed().to_string()))
            .sql(", ',')::bigint[], string_to_array(")
            .bind(all(&|_, subject| subject.to_string()))
            .sql(
                ", ',')) AS named (tenant, account_id, sub) \
                 ON s.tenant = named.tenant AND s.account_id = named.account_id AND s.sub = named.sub) = ",
            );
        Some(known.bind(self.known.len() as u64))
    }

    /// Who this account is in the log of this tenant.
    pub(super) fn of_account(&self, tenant: u64, account_id: u64) -> Option<Subject> {
        self.known.get(&(tenant, account_id)).copied()
    }

    /// Returns those whose login is not known.
    async fn read(&mut self, who: &[(u64, u64)], connection: &mut AnyConnection) -> Result<Vec<(u64, u64)>, Error> {
        let mut nameless = Vec::new();
        for some in who.chunks(ROWS) {
            let tenants: BTreeSet<u64> = some.iter().map(|(tenant, _)| *tenant).collect();
            let accounts: BTreeSet<u64> = some.iter().map(|(_, account_id)| *account_id).collect();
            let rows = Statement::new("SELECT tenant, account_id, sub, login FROM ledger_subjects WHERE tenant IN ")
                .list(tenants)
                .sql(" AND account_id IN ")
                .list(accounts)
                .fetch(connection)
                .await?;
            for row in &rows {
                let sub = text(row, 2)?;
                let subject = Subject::parse(&sub).ok_or_else(|| Error::unreadable("subject", &sub))?;
                let who = (id(row, 0)?, id(row, 1)?);
                self.known.insert(who, subject);
                nameless.extend(text(row, 3)?.is_empty().then_some(who));
            }
        }
        Ok(nameless)
    }
}

/// Random salts, fetched many at a time: asking for random numbers costs more than hashing with them.
pub(super) struct Salts {
    buffer: Vec<u8>,
    used: usize,
    has_failed: bool,
}

/// How many salts are fetched at once.
const FETCHED: usize = 32;

impl Salts {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new(), used: 0, has_failed: false }
    }

    /// The next one; ask [`Salts::check`] before it is used for good.
    pub(super) fn next(&mut self) -> Salt {
        if self.used == self.buffer.len() {
            self.buffer.resize(FETCHED * size_of::<Salt>(), 0);
            self.has_failed |= SystemRandom::new().fill(&mut self.buffer).is_err();
            self.used = 0;
        }
        let mut salt = [0; size_of::<Salt>()];
        salt.copy_from_slice(&self.buffer[self.used..self.used + size_of::<Salt>()]);
        self.used += size_of::<Salt>();
        salt
    }

    /// Refuses to go on without random numbers.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.has_failed { Err(no_random_numbers()) } else { Ok(()) }
    }
}

fn random() -> Result<[u8; 32], Error> {
    ring::rand::generate(&SystemRandom::new()).map(ring::rand::Random::expose).map_err(|_| no_random_numbers())
}

fn no_random_numbers() -> Error {
    Error::Unwritable { what: "ledger entry", why: "no random numbers".to_owned() }
}

impl LedgerReader {
    /// What opens the entries of a log from `seq` on, as far as it is there: at most `limit` entries, none at or after `size`,
    /// each as the JSON list that is kept.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn openings(&self, tenant: u64, seq: u64, size: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        let rows = Statement::new("SELECT seq, openings FROM ledger_entries WHERE openings <> '' AND tenant = ")
            .bind(tenant)
            .sql(" AND seq >= ")
            .bind(seq)
            .sql(" AND seq < ")
            .bind(size)
            .sql(" ORDER BY seq LIMIT ")
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&mut *self.pool.acquire().await?)
            .await?;
        rows.iter().map(|row| Ok((id(row, 0)?, text(row, 1)?))).collect()
    }

    /// Who is which subject in a log, in the order of their accounts.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn subjects(&self, tenant: u64) -> Result<Vec<Person>, Error> {
        let rows = Statement::new("SELECT account_id, subject_key, sub, login FROM ledger_subjects WHERE tenant = ")
            .bind(tenant)
            .sql(" ORDER BY account_id")
            .fetch(&mut *self.pool.acquire().await?)
            .await?;
        rows.iter().map(Person::read).collect()
    }
}

/// A person in a log. Shows nobody the key.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their account.
    pub account_id: u64,
    /// What ties the two.
    pub key: SubjectKey,
    /// Who they are in this log.
    pub subject: Subject,
    /// Their login when they were met first.
    pub login: String,
}

impl Person {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let (key, subject) = (SubjectKey::parse(&text(row, 1)?), Subject::parse(&text(row, 2)?));
        let (Some(key), Some(subject)) = (key, subject) else {
            return Err(Error::unreadable("subject", text(row, 2)?));
        };
        Ok(Self { account_id: id(row, 0)?, key, subject, login: text(row, 3)? })
    }
}
