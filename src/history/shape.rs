//! The shape that a customer of the past is shown in: what a contract's GET by id takes and answers.

use projections::medusa::{Related, Relations};
use projections::shopline::{Fields, Store, Version};
use projections::{medusa, shopline};

use super::State;

/// What a GET by id is asked for.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `GET /admin/customers/{id}`.
    Medusa(Relations),
    /// `GET customers/v2/{id}.json`.
    Shopline {
        /// What the answer takes from the store.
        store: Store,
        /// The version of the contract.
        version: Version,
        /// The members asked for; none: all.
        fields: Option<Fields>,
    },
}

/// What no document of the past can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// There is no such relation.
    #[error(
        "expand names what is no relation of a customer: those are billing_address, groups, orders \
         and shipping_addresses"
    )]
    NoRelation,
    /// The members of a group are other customers, whose histories were not asked for.
    #[error(
        "the other members of a group cannot be shown of the past: expand groups without customers"
    )]
    Members,
}

impl Shape {
    /// Everything that a document of Medusa's can show of a customer.
    pub const EVERYTHING: &'static str = "billing_address,groups,orders,shipping_addresses";

    /// Medusa's, with the relations of its query option `expand`.
    pub fn medusa(expand: Option<&str>) -> Result<Self, ShapeError> {
        let relations =
            Relations::of_customer(expand).map_err(|_unknown| ShapeError::NoRelation)?;
        if relations.has_members() {
            return Err(ShapeError::Members);
        }
        Ok(Self::Medusa(relations))
    }

    /// What the contract's GET by id answered when the customer stood like this, byte for byte; none
    /// if it found nobody.
    pub fn document(&self, state: &State) -> Option<String> {
        state.is_live().then(|| match self {
            Self::Medusa(relations) => {
                let mut related = Related::default();
                if relations.has_groups() {
                    let groups = &state.medusa.groups;
                    let held = groups.iter().filter_map(|stream| state.groups.get(stream));
                    related.hold_groups(groups, held.cloned());
                }
                medusa::render_customer(&state.medusa, &related, relations)
            }
            Self::Shopline {
                store,
                version,
                fields,
            } => shopline::render_read(&state.shopline, store, *version, fields.as_ref()),
        })
    }
}
