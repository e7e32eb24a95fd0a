//! Measurements of one kind, a row each, some beside what they are compared with.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::samples::{Measured, rounded};

/// Further figures, one a row.
pub(crate) struct Table {
    /// What a program calls it.
    pub(crate) name: &'static str,
    /// What was asked.
    pub(crate) heading: String,
    pub(crate) rows: Vec<Row>,
}

/// What was measured, a sample a round, and perhaps what it stands beside.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) samples: Vec<Measured>,
    pub(crate) beside: Option<Beside>,
}

/// A ratio to something known.
pub(crate) struct Beside {
    pub(crate) what: &'static str,
    pub(crate) ratio: f64,
}

impl Beside {
    /// How many times as many a second.
    pub(crate) fn rate(what: &'static str, samples: &[Measured], others: &[Measured]) -> Self {
        let rate = |of| Measured::median(of).per_second;
        Self {
            what,
            ratio: rate(samples) / rate(others),
        }
    }

    /// How many times as long each takes, at the median.
    pub(crate) fn cost(what: &'static str, samples: &[Measured], others: &[Measured]) -> Self {
        let cost = |of| Measured::median(of).p50_ms;
        Self {
            what,
            ratio: cost(samples) / cost(others),
        }
    }
}

impl Row {
    /// A row.
    pub(crate) fn new(
        what: impl Into<String>,
        samples: Vec<Measured>,
        beside: Option<Beside>,
    ) -> Self {
        Self {
            what: what.into(),
            samples,
            beside,
        }
    }
}

impl Table {
    pub(crate) fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(
            text,
            "\n{}\n{:>44} | {:>9} {:>8} {:>8} |",
            self.heading, "", "a second", "p50 ms", "p99 ms"
        )?;
        self.rows.iter().try_for_each(|row| {
            let Measured {
                per_second,
                p50_ms,
                p99_ms,
                count: _,
            } = Measured::median(&row.samples);
            // Where only a rate is known, no single one was timed.
            let [p50, p99] = [p50_ms, p99_ms].map(|ms| match ms {
                0.0 => String::new(),
                ms => format!("{ms:.2}"),
            });
            write!(
                text,
                "{:>44} | {per_second:>9.0} {p50:>8} {p99:>8} |",
                row.what
            )?;
            match &row.beside {
                Some(Beside { what, ratio }) => writeln!(text, " {ratio:.2} × {what}"),
                None => writeln!(text),
            }
        })
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            let median = Measured::median(&row.samples);
            json!({
                "what": row.what,
                "median": median.json(),
                "rounds": row.samples.iter().map(Measured::json).collect::<Vec<_>>(),
                "beside": row.beside.as_ref().map(|beside| beside.what),
                "ratio": row.beside.as_ref().map(|beside| rounded(beside.ratio, 3)),
            })
        };
        json!({ "asked": self.heading, "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}
