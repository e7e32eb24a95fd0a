//! New ids, drawn before anything is decided: a repeated decision draws no second one.

use events::ids::{ForeignIds, MEDUSA_ADDRESS, MEDUSA_CUSTOMER, MEDUSA_GROUP, MedusaId, StreamId};
use sqlx::PgPool;
use ulid::Ulid;

use crate::contracts::shopline::ids::{address_id, customer_id};
use crate::domain::customer::NewAddress;

/// A new customer's stream and its ids in both shops, whatever the contract it is born through.
pub async fn new_customer(pool: &PgPool) -> Result<(StreamId, ForeignIds), sqlx::Error> {
    let number: i64 = sqlx::query_scalar("select nextval('shopline_customer_ids')")
        .fetch_one(pool)
        .await?;
    let stream = StreamId::new(Ulid::new().to_string());
    let ids = ForeignIds {
        medusa: format!("{MEDUSA_CUSTOMER}{stream}").into(),
        shopline: customer_id(number.unsigned_abs()).into(),
    };
    Ok((stream, ids))
}

/// A new group's stream and its id in Medusa.
pub(crate) fn new_group() -> (StreamId, MedusaId) {
    let stream = StreamId::new(Ulid::new().to_string());
    let id = format!("{MEDUSA_GROUP}{stream}").into();
    (stream, id)
}

/// A new address's ids. SHOPLINE's ends in 19 digits: milliseconds, then six random ones.
pub fn new_address() -> NewAddress {
    let ulid = Ulid::new();
    let random = u64::try_from(ulid.random() % 1_000_000).expect("six digits fit");
    let id = ulid.to_string();
    NewAddress {
        ids: ForeignIds {
            medusa: format!("{MEDUSA_ADDRESS}{id}").into(),
            shopline: address_id(ulid.timestamp_ms() * 1_000_000 + random).into(),
        },
        id,
    }
}
