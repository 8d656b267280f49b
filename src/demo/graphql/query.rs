//! Reads GraphQL queries: as much of the language as GitHub's clients use.

use serde_json::{Map, Value};

/// A field with its alias, arguments and sub-selection, or a fragment on a type.
#[derive(Debug)]
pub(super) enum Selection {
    Field { key: String, name: String, arguments: Map<String, Value>, inner: Vec<Selection> },
    On { type_name: String, inner: Vec<Selection> },
    Spread(String),
}

/// A document with one operation and any number of fragments.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub operation: Vec<Selection>,
    pub fragments: Vec<(String, String, Vec<Selection>)>,
}

impl Document {
    /// The most nodes the operation can ask for: GitHub refuses more than half a million.
    pub fn nodes(&self) -> u64 {
        self.count(&self.operation, 1)
    }

    fn count(&self, selections: &[Selection], times: u64) -> u64 {
        let each = selections.iter().map(|selection| match selection {
            Selection::Field { arguments, inner, .. } => {
                let size = ["first", "last"].iter().find_map(|name| arguments.get(*name)?.as_u64());
                let times = size.map_or(times, |size| times.saturating_mul(size));
                size.map_or(0, |_| times).saturating_add(self.count(inner, times))
            }
            Selection::On { inner, .. } => self.count(inner, times),
            Selection::Spread(name) => {
                let found = self.fragments.iter().find(|(known, ..)| known == name);
                found.map_or(0, |(_, _, inner)| self.count(inner, times))
            }
        });
        each.fold(0, u64::saturating_add)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(i64),
    Mark(char),
    Spread,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |fits: fn(char) -> bool| rest.find(|c: char| !fits(c)).unwrap_or(rest.len());
        let length = match first {
            c if c.is_whitespace() || c == ',' => c.len_utf8(),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '.' if rest.starts_with("...") => {
                tokens.push(Token::Spread);
                3
            }
            '"' => {
                let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let Some(Ok(string)) = stream.next() else {
                    return Err("unterminated string".to_owned());
                };
                tokens.push(Token::Text(string));
                stream.byte_offset()
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = word(|c| c.is_ascii_alphanumeric() || c == '_');
                tokens.push(Token::Name(rest[..length].to_owned()));
                length
            }
            c if c.is_ascii_digit() || c == '-' => {
                let length = word(|c| c.is_ascii_digit() || c == '-');
                tokens.push(Token::Number(
                    rest[..length].parse().map_err(|_| format!("bad number {}", &rest[..length]))?,
                ));
                length
            }
            c if "{}()[]:!$=@|".contains(c) => {
                tokens.push(Token::Mark(c));
                1
            }
            c => return Err(format!("unexpected {c:?}")),
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// Reads a document; `variables` are put in their places.
pub(super) fn parse(text: &str, variables: &Value) -> Result<Document, String> {
    let mut parser = Parser { tokens: tokens(text)?, place: 0, variables };
    let mut document = Document::default();
    while parser.place < parser.tokens.len() {
        if parser.takes_name("fragment") {
            let (name, _, type_name) = (parser.name()?, parser.name()?, parser.name()?);
            document.fragments.push((name, type_name, parser.selections()?));
            continue;
        }
        if !parser.takes_name("query") && parser.peek() != Some(&Token::Mark('{')) {
            return Err("only queries are understood".to_owned());
        }
        while parser.peek() != Some(&Token::Mark('{')) {
            parser.next()?;
        }
        document.operation = parser.selections()?;
    }
    Ok(document)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    place: usize,
    variables: &'a Value,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("unexpected end of the query")?;
        self.place += 1;
        Ok(token)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let fits = self.peek() == Some(token);
        self.place += usize::from(fits);
        fits
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let fits = matches!(self.peek(), Some(Token::Name(found)) if found == name);
        self.place += usize::from(fits);
        fits
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Name(name) => Ok(name),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.takes(&Token::Mark(mark)) { Ok(()) } else { Err(format!("expected {mark:?}, found {:?}", self.peek())) }
    }

    fn selections(&mut self) -> Result<Vec<Selection>, String> {
        self.expect('{')?;
        let mut selections = Vec::new();
        while !self.takes(&Token::Mark('}')) {
            selections.push(self.selection()?);
        }
        Ok(selections)
    }

    fn selection(&mut self) -> Result<Selection, String> {
        if self.takes(&Token::Spread) {
            if self.takes_name("on") {
                return Ok(Selection::On { type_name: self.name()?, inner: self.selections()? });
            }
            return Ok(Selection::Spread(self.name()?));
        }
        let key = self.name()?;
        let name = if self.takes(&Token::Mark(':')) { self.name()? } else { key.clone() };
        let mut arguments = Map::new();
        if self.takes(&Token::Mark('(')) {
            while !self.takes(&Token::Mark(')')) {
                let argument = self.name()?;
                self.expect(':')?;
                arguments.insert(argument, self.value()?);
            }
        }
        let inner = if self.peek() == Some(&Token::Mark('{')) { self.selections()? } else { Vec::new() };
        Ok(Selection::Field { key, name, arguments, inner })
    }

    fn value(&mut self) -> Result<Value, String> {
        Ok(match self.next()? {
            Token::Text(text) => Value::String(text),
            Token::Number(number) => number.into(),
            Token::Name(name) => match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => Value::String(name),
            },
            Token::Mark('$') => {
                let name = self.name()?;
                self.variables.get(&name).cloned().unwrap_or(Value::Null)
            }
            Token::Mark('[') => {
                let mut list = Vec::new();
                while !self.takes(&Token::Mark(']')) {
                    list.push(self.value()?);
                }
                Value::Array(list)
            }
            Token::Mark('{') => {
                let mut map = Map::new();
                while !self.takes(&Token::Mark('}')) {
                    let key = self.name()?;
                    self.expect(':')?;
                    map.insert(key, self.value()?);
                }
                Value::Object(map)
            }
            other => return Err(format!("expected a value, found {other:?}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn nested_lists_multiply_until_github_would_refuse_the_query() {
        let commit = "object(oid: $oid) { ... on Commit { authors(first: 20) { totalCount } associatedPullRequests(first: 5) \
                      { nodes { commits(first: 100) { nodes { commit { authors(first: 20) { totalCount } } } } } } } }";
        let aliases: String = (0..50).map(|number| format!("c{number}: {commit} ")).collect();
        let query = format!(
            "query CommitContext($oid: GitObjectID!) {{ repository(owner: \"a\", name: \"b\") {{ {aliases} }} }}"
        );
        let document = super::parse(&query, &json!({ "oid": "0" })).unwrap();
        assert_eq!(document.nodes(), 50 * (20 + 5 + 5 * 100 + 5 * 100 * 20));
    }
}
