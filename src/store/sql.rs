//! Statements over many rows at once, in the SQL both engines speak.
//!
//! Running one statement costs far more than one row of it, so everything here is written for sets. Only literals become
//! SQL text; values are always bound.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::Error;

/// Where a value goes. No statement has this character for anything else.
const PLACE: char = '?';

/// What sqlx calls PostgreSQL.
const POSTGRES: &str = "PostgreSQL";

/// Longer lists are rare, and each is bound as it is.
const MOST_PADDED: usize = 64;

/// A value to bind.
#[derive(Clone)]
pub(super) enum Value {
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Ids and sizes: the same 64 bits, so that any number GitHub may send comes back as it was.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(value.cast_signed())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// A statement being put together.
#[derive(Clone)]
pub(super) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// More SQL.
    pub(super) fn sql(mut self, sql: &'static str) -> Self {
        self.sql.push_str(sql);
        self
    }

    /// Binds a value here.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.push(value.into());
        self
    }

    /// `(?, ?, …)`: the right side of `IN`. Must not be empty.
    ///
    /// The last value is repeated until they are a power of two, which changes nothing of what is found: so there are few
    /// texts, and most are prepared already.
    pub(super) fn list<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        self.tuple(padded(values.into_iter().map(Into::into).collect()))
    }

    /// Another one as part of this.
    pub(super) fn and(mut self, part: Statement) -> Self {
        self.sql.push_str(&part.sql);
        self.values.extend(part.values);
        self
    }

    fn tuple(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        for (n, value) in values.into_iter().enumerate() {
            self.sql.push_str(if n == 0 { "(" } else { ", " });
            self.push(value);
        }
        self.sql.push(')');
        self
    }

    /// `VALUES (?, ?), (?, ?), …`. Must not be empty.
    pub(super) fn rows<const N: usize>(mut self, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        for (n, row) in rows.into_iter().enumerate() {
            self.sql.push_str(if n == 0 { "VALUES " } else { ", " });
            self = self.tuple(row);
        }
        self
    }

    /// The same where a row may come twice: in what is joined, not in what is inserted. There are few texts of it, as of
    /// [`Self::list`].
    pub(super) fn joined<const N: usize>(self, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        self.rows(padded(rows.into_iter().collect()))
    }

    fn push(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push(PLACE);
    }

    /// PostgreSQL numbers its places. SQLite takes numbers as well, but as names, which it then looks up one by one: a
    /// statement with a thousand of them would spend more time on that than on anything else.
    fn text_for(&mut self, connection: &AnyConnection) -> String {
        if connection.backend_name() != POSTGRES {
            return std::mem::take(&mut self.sql);
        }
        let mut text = String::with_capacity(self.sql.len() + 4 * self.values.len());
        let mut n = 0;
        for c in self.sql.chars() {
            text.push(if c == PLACE { '$' } else { c });
            if c == PLACE {
                n += 1;
                text.push_str(&n.to_string());
            }
        }
        text
    }

    fn into_query(mut self, connection: &AnyConnection) -> sqlx::query::Query<'static, sqlx::Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.text_for(connection)));
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
        })
    }

    /// Runs it; returns how many rows were written.
    pub(super) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, Error> {
        Ok(self.into_query(connection).execute(connection).await?.rows_affected())
    }

    /// Runs it and returns its rows.
    pub(super) async fn fetch(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, Error> {
        Ok(self.into_query(connection).fetch_all(connection).await?)
    }
}

/// Writes to different tables, none of which looks at what another writes, in one crossing to the database.
///
/// PostgreSQL takes all but the last as common table expressions, SQLite takes one after the other.
#[derive(Default)]
pub(super) struct Together(Vec<Statement>);

impl Together {
    /// One more; of the last one, rows may be returned.
    pub(super) fn and(&mut self, statement: Statement) {
        self.0.push(statement);
    }

    /// Runs them and returns the rows of the last.
    pub(super) async fn fetch(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, Error> {
        let is_postgres = connection.backend_name() == POSTGRES;
        let (last, mut all) = (self.0.len().saturating_sub(1), Statement::new(""));
        for (n, Statement { sql, mut values }) in self.0.into_iter().enumerate() {
            let [before, after] = match (is_postgres, n == last) {
                (true, false) => [if n == 0 { "WITH " } else { ", " }, ")"],
                (true, true) => [" ", ""],
                (false, is_last) => ["", if is_last { "" } else { "; " }],
            };
            all.sql.push_str(before);
            if is_postgres && n < last {
                all.sql.push_str(&format!("write_{n} AS ("));
            }
            all.sql.push_str(&sql);
            all.sql.push_str(after);
            all.values.append(&mut values);
        }
        all.fetch(connection).await
    }
}

/// The last is repeated until they are a power of two.
fn padded<T: Clone>(mut values: Vec<T>) -> Vec<T> {
    let places = values.len().next_power_of_two();
    if let Some(last) = values.last().filter(|_| places <= MOST_PADDED).cloned() {
        values.resize(places, last);
    }
    values
}

/// The text in a column.
pub(super) fn text(row: &AnyRow, column: usize) -> Result<String, Error> {
    Ok(row.try_get(column)?)
}

/// The number in a column.
pub(super) fn int(row: &AnyRow, column: usize) -> Result<i64, Error> {
    Ok(row.try_get(column)?)
}

/// The id or size in a column.
pub(super) fn id(row: &AnyRow, column: usize) -> Result<u64, Error> {
    Ok(int(row, column)?.cast_unsigned())
}
