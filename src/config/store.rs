//! What SHOPLINE's answers say of the store.

use clap::Args;
use jiff::tz::TimeZone;
use projections::shopline;

use super::value::Expected;

/// Where the store is, and what it is paid in.
#[derive(Args, Clone, Debug)]
pub struct StoreConfig {
    /// IANA time zone of SHOPLINE's times
    #[arg(id = "STORE_TIME_ZONE", long, env, default_value = "Asia/Shanghai", value_parser = time_zone)]
    time_zone: TimeZone,
    /// The store's currency.
    #[arg(id = "STORE_CURRENCY", long, env, default_value = "USD", value_parser = currency)]
    currency: String,
}

impl StoreConfig {
    /// The store as SHOPLINE's view renders it.
    pub fn shown(self) -> shopline::Store {
        let Self {
            time_zone,
            currency,
        } = self;
        shopline::Store {
            time_zone,
            currency,
        }
    }
}

fn time_zone(text: &str) -> Result<TimeZone, Expected> {
    TimeZone::get(text).map_err(|_unknown| Expected("an IANA time zone"))
}

/// The currency, by its code. Source: ISO 4217.
fn currency(code: &str) -> Result<String, Expected> {
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        Err(Expected("three capital letters"))
    }
}
