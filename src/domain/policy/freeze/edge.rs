//! The edges of a freeze as people write them: a date, or a cron expression of five fields.
//!
//! The `cron` crate reads another dialect (seconds, years, weekdays counted from Sunday = 1), and programs disagree about
//! what a day of the month together with a weekday means. What could be read in two ways is refused with what to write.

use chrono::{NaiveDate, NaiveDateTime};
use cron::Schedule;

/// An edge on the local clock.
pub(super) enum Edge {
    Moment(NaiveDateTime),
    Cron(Box<Schedule>),
}

const EXAMPLE: &str = "`0 18 * * FRI` (minute, hour, day, month, weekday)";
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    Field { what: "minute", numbers: 0..=59, names: &[] },
    Field { what: "hour", numbers: 0..=23, names: &[] },
    Field { what: "day of the month", numbers: 1..=31, names: &[] },
    Field { what: "month", numbers: 1..=12, names: &MONTHS },
    Field { what: "weekday", numbers: 1..=7, names: &WEEKDAYS },
];

struct Field {
    what: &'static str,
    numbers: std::ops::RangeInclusive<usize>,
    names: &'static [&'static str],
}

/// Reads an edge.
pub(super) fn read(text: &str) -> Result<Edge, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    match fields.as_slice() {
        [] => Err(format!("this is empty; write a date like `2026-12-20`, or a cron expression like {EXAMPLE}")),
        [nickname, ..] if nickname.starts_with('@') => {
            Err(format!("`{nickname}` is a nickname; write the five fields, like {EXAMPLE}"))
        }
        [date, ..] if starts_like_a_date(date) => moment(text.trim()).map(Edge::Moment),
        [minute, hour, day, month, weekday] => cron([minute, hour, day, month, weekday]),
        other => {
            let count = other.len();
            let plural = if count == 1 { "" } else { "s" };
            Err(format!("this has {count} field{plural}; write five, like {EXAMPLE}, or a date like `2026-12-20`"))
        }
    }
}

fn starts_like_a_date(text: &str) -> bool {
    let shape = text.bytes().take(5).map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-")
}

fn moment(text: &str) -> Result<NaiveDateTime, String> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let has_time = match shape.as_str() {
        "0000-00-00" => false,
        "0000-00-00T00:00" => true,
        _ => {
            return Err(format!(
                "`{text}` does not read like `2026-12-20` or `2026-12-20T18:00`; the time zone is said by `zone`"
            ));
        }
    };
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    let year = i32::try_from(number(0, 4)).unwrap_or(0);
    let (hour, minute) = if has_time { (number(11, 13), number(14, 16)) } else { (0, 0) };
    NaiveDate::from_ymd_opt(year, number(5, 7), number(8, 10))
        .filter(|_| (1970..2100).contains(&year))
        .and_then(|date| date.and_hms_opt(hour, minute, 0))
        .ok_or_else(|| format!("there is no `{text}` between 1970 and 2099"))
}

fn cron(fields: [&str; 5]) -> Result<Edge, String> {
    let [minute, _, day, _, weekday] = fields;
    if let Some((text, field)) = fields.iter().zip(&FIELDS).find(|(text, field)| field.has_dialect(text)) {
        let what = field.what;
        return Err(format!("`{text}`: `L`, `W`, `#` and `?` are not plain cron; write the {what} itself, or `*`"));
    }
    if minute.contains('*') {
        return Err(format!("`{minute}` is every minute of the hour; write the one that is meant, like {EXAMPLE}"));
    }
    if day != "*" && weekday != "*" {
        return Err(format!(
            "day of the month `{day}` and weekday `{weekday}`: programs disagree whether one or both must fit; write `*` \
             for one of them"
        ));
    }
    let mut expression = "0".to_owned();
    for (text, field) in fields.iter().zip(&FIELDS) {
        let items: Result<Vec<_>, _> = text.split(',').map(|item| field.item(item)).collect();
        expression = format!("{expression} {}", items?.join(","));
    }
    let schedule = expression.parse::<Schedule>();
    schedule.map(|schedule| Edge::Cron(Box::new(schedule))).map_err(|error| format!("this cannot be read: {error}"))
}

impl Field {
    /// One item of a list, in the words of the `cron` crate.
    fn item(&self, item: &str) -> Result<String, String> {
        let what = self.what;
        let (base, step) = item.split_once('/').map_or((item, None), |(base, step)| (base, Some(step)));
        if let Some(step) = step {
            let is_number = step.parse::<usize>().is_ok_and(|step| step > 0 && self.numbers.contains(&step));
            if !is_number || !(base == "*" || base.contains('-')) || self.what == "weekday" {
                let example = if self.names.is_empty() { "1,11,21" } else { self.names[1] };
                return Err(format!("`{item}` is no step for the {what}; write what is meant, like `{example}`"));
            }
        }
        if base == "*" {
            return Ok(item.to_owned());
        }
        let Some((from, to)) = base.split_once('-') else { return self.value(base).map(|value| value.to_string()) };
        let (from, to) = (self.value(from)?, self.value(to)?);
        if from <= to {
            let range = format!("{from}-{to}");
            return Ok(step.map_or(range.clone(), |step| format!("{range}/{step}")));
        }
        // `FRI-MON` and `NOV-FEB` can only be meant around the end.
        if self.names.is_empty() || step.is_some() {
            return Err(format!("`{base}` runs backwards; write two ranges, separated by a comma"));
        }
        Ok(format!("{from}-{},{}-{to}", self.numbers.end(), self.numbers.start()))
    }

    /// Whether a field has what only some programs know: the last day, the nearest workday, the second Friday, any.
    fn has_dialect(&self, text: &str) -> bool {
        let is_name = |word: &str| self.names.iter().any(|name| name.eq_ignore_ascii_case(word));
        text.contains(['#', '?'])
            || text.split([',', '-', '/']).any(|word| !is_name(word) && word.ends_with(['L', 'W']))
    }

    /// A number, or the number of a name.
    fn value(&self, word: &str) -> Result<usize, String> {
        let what = self.what;
        if let Some(position) = self.names.iter().position(|name| name.eq_ignore_ascii_case(word)) {
            return Ok(position + self.numbers.start());
        }
        let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        if what == "weekday" {
            let why = if is_number { " (programs disagree on which day is 1)" } else { "" };
            return Err(format!("`{word}` is no weekday; write a name, like `FRI` or `MON-FRI`{why}"));
        }
        if word.is_empty() {
            return Err(format!("the {what} is missing before or after `,` or `-`"));
        }
        let number = word.parse::<usize>().ok().filter(|number| is_number && self.numbers.contains(number));
        number.ok_or_else(|| {
            let (first, last) = (self.numbers.start(), self.numbers.end());
            let names = if self.names.is_empty() { "" } else { " or `JAN` to `DEC`" };
            format!("`{word}` is no {what}; write {first} to {last}{names}")
        })
    }
}
