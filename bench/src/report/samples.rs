//! What one measurement found, and the median of several.

use std::time::Duration;

use serde_json::{Value, json};

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// How many there were.
    pub(crate) count: f64,
}

/// One measurement and the processor time of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) measured: Measured,
    /// Of the cluster.
    pub(crate) postgres_us: f64,
    /// Of the ledger.
    pub(crate) ledger_us: f64,
}

impl Measured {
    /// From every latency.
    pub(crate) fn new(latencies_us: Vec<u32>, elapsed: Duration) -> Self {
        let per_second = float(latencies_us.len()) / elapsed.as_secs_f64();
        Self::sampled(latencies_us, per_second, elapsed)
    }

    /// From some latencies and a known rate.
    pub(crate) fn sampled(mut latencies_us: Vec<u32>, per_second: f64, elapsed: Duration) -> Self {
        latencies_us.sort_unstable();
        Self {
            per_second,
            p50_ms: percentile_ms(&latencies_us, 50),
            p99_ms: percentile_ms(&latencies_us, 99),
            count: per_second * elapsed.as_secs_f64(),
        }
    }

    /// Each figure's median over the rounds.
    pub(crate) fn median(samples: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(samples.iter().map(figure).collect());
        Self {
            per_second: of(|s| s.per_second),
            p50_ms: of(|s| s.p50_ms),
            p99_ms: of(|s| s.p99_ms),
            count: of(|s| s.count),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "per_second": rounded(self.per_second, 0),
            "p50_ms": rounded(self.p50_ms, 3),
            "p99_ms": rounded(self.p99_ms, 3),
        })
    }
}

impl Sample {
    /// From what was used meanwhile.
    pub(crate) fn new(measured: Measured, postgres: Duration, ledger: Duration) -> Self {
        let each_us = |time: Duration| time.as_secs_f64() * 1e6 / measured.count.max(1.0);
        Self {
            measured,
            postgres_us: each_us(postgres),
            ledger_us: each_us(ledger),
        }
    }

    /// How many a second, the median over the rounds.
    pub(crate) fn rate(samples: &[Self]) -> f64 {
        Self::median(samples).measured.per_second
    }

    /// Without the processor time.
    pub(crate) fn measured(samples: &[Self]) -> Vec<Measured> {
        samples.iter().map(|sample| sample.measured).collect()
    }

    /// Each figure's median over the rounds.
    pub(crate) fn median(samples: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(samples.iter().map(figure).collect());
        Self {
            measured: Measured::median(&Self::measured(samples)),
            postgres_us: of(|s| s.postgres_us),
            ledger_us: of(|s| s.ledger_us),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "measured": self.measured.json(),
            "postgres_cpu_us": rounded(self.postgres_us, 1),
            "ledger_cpu_us": rounded(self.ledger_us, 1),
        })
    }
}

/// Of sorted latencies, in milliseconds.
fn percentile_ms(sorted_us: &[u32], percent: usize) -> f64 {
    let index = (sorted_us.len() * percent).div_ceil(100).saturating_sub(1);
    f64::from(sorted_us.get(index).copied().unwrap_or_default()) / 1000.0
}

/// The middle one, or the mean of the middle two.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let at = |index: usize| figures.get(index).copied().unwrap_or_default();
    if figures.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    }
}

pub(crate) fn rounded(figure: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (figure * scale).round() / scale
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^52"
)]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latencies: Vec<u32> = (1..=1000).rev().collect();
        let measured = Measured::new(latencies, Duration::from_secs(2));
        assert!((measured.per_second - 500.0).abs() < 1e-9);
        assert!((measured.p50_ms - 0.5).abs() < 1e-9);
        assert!((measured.p99_ms - 0.99).abs() < 1e-9);
        assert!(percentile_ms(&[], 50).abs() < 1e-9);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
    }
}
