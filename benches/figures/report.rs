//! Medians, spreads and targets, as a table or as JSON.

use std::time::Duration;

use serde_json::{Value, json};

/// What a figure should reach.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Only to be known.
    None,
}

/// One measure, and what every run came to.
pub struct Figure {
    pub measure: String,
    pub unit: &'static str,
    pub target: Target,
    pub runs: Vec<f64>,
}

impl Figure {
    pub fn median(&self) -> f64 {
        let mut runs = self.runs.clone();
        runs.sort_by(f64::total_cmp);
        let middle = runs.len() / 2;
        match runs.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => runs[middle],
            _ => f64::midpoint(runs[middle - 1], runs[middle]),
        }
    }

    fn spread(&self) -> (f64, f64) {
        self.runs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), run| (low.min(*run), high.max(*run)))
    }

    /// Whether the median reaches the target.
    pub fn is_reached(&self) -> Option<bool> {
        match self.target {
            Target::AtLeast(target) => Some(self.median() >= target),
            Target::AtMost(target) => Some(self.median() <= target),
            Target::None => None,
        }
    }

    pub fn line(&self) -> String {
        let (low, high) = self.spread();
        let target = match self.target {
            Target::AtLeast(target) => format!("≥ {}", number(target)),
            Target::AtMost(target) => format!("≤ {}", number(target)),
            Target::None => "–".to_owned(),
        };
        let verdict = match self.is_reached() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let found = format!("{} [{}–{}]", number(self.median()), number(low), number(high));
        format!("| {} | {} | {found} | {target} | {verdict} |", self.measure, self.unit)
    }

    pub fn json(&self) -> Value {
        let target = match self.target {
            Target::AtLeast(target) => json!({ "at_least": target }),
            Target::AtMost(target) => json!({ "at_most": target }),
            Target::None => Value::Null,
        };
        json!({
            "measure": self.measure, "unit": self.unit, "median": self.median(), "runs": self.runs, "target": target,
            "reached": self.is_reached(),
        })
    }
}

pub const HEAD: &str = "| measure | unit | median [min–max] | target | reached |\n|---|---|---|---|---|";

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Figures as they are found. The same measure of another run goes beside the earlier ones.
#[derive(Default)]
pub struct Report(pub Vec<Figure>);

impl Report {
    pub fn add(&mut self, measure: &str, unit: &'static str, target: Target, value: f64) {
        match self.0.iter_mut().find(|figure| figure.measure == measure) {
            Some(figure) => figure.runs.push(value),
            None => self.0.push(Figure { measure: measure.to_owned(), unit, target, runs: vec![value] }),
        }
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The value that this share of the values does not exceed.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(at).copied().unwrap_or(f64::NAN)
}
