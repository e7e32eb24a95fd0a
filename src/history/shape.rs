//! The shape that a customer or a group of the past is shown in: what a contract's GET by id takes and
//! answers.

use events::record::StreamKind;
use projections::medusa::{Related, Relations};
use projections::shopline::{Fields, Store, Version};
use projections::{medusa, shopline};

use super::state::State;
use crate::contracts::shopline::versions;

/// Everything that Medusa can show of a customer.
const EVERYTHING: &str = "billing_address,groups,orders,shipping_addresses";

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
    /// `GET /admin/customer-groups/{id}`, of a group's own history.
    Group,
}

/// A shape as it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// `medusa` or `shopline`.
    pub shape: Option<&'a str>,
    /// Medusa's query option.
    pub expand: Option<&'a str>,
    /// SHOPLINE's version; without one, the first.
    pub version: Option<&'a str>,
    /// SHOPLINE's query option.
    pub fields: Option<&'a str>,
}

/// What no document of the past can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// There is no such shape.
    #[error("shape must be medusa or shopline")]
    NoShape,
    /// There is no such version.
    #[error("version must be one of SHOPLINE's, such as v20220901")]
    NoVersion,
    /// An option belongs to the other shape.
    #[error("version and fields belong to the shape shopline, expand to the shape medusa")]
    OfTheOther,
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
    /// A group has no other shape.
    #[error("a group is shown as Medusa shows it: shape medusa, without expand")]
    OfAGroup,
}

impl Shape {
    /// The shape that is asked for.
    pub fn parse(asked: Asked<'_>, store: &Store) -> Result<Self, ShapeError> {
        let Asked {
            shape,
            expand,
            version,
            fields,
        } = asked;
        match shape {
            Some("medusa") if version.is_none() && fields.is_none() => Self::medusa(expand),
            Some("shopline") if expand.is_none() => {
                let version = versions::version(version.unwrap_or(versions::FIRST));
                Ok(Self::Shopline {
                    store: store.clone(),
                    version: version.ok_or(ShapeError::NoVersion)?.shown,
                    fields: fields.and_then(Fields::parse),
                })
            }
            Some("medusa" | "shopline") => Err(ShapeError::OfTheOther),
            Some(_) | None => Err(ShapeError::NoShape),
        }
    }

    /// The same for what looks at all that a shop shows, where nothing else is asked for.
    pub fn parse_whole(asked: Asked<'_>, store: &Store) -> Result<Self, ShapeError> {
        let everything = (asked.shape == Some("medusa")).then_some(EVERYTHING);
        let expand = asked.expand.or(everything);
        Self::parse(Asked { expand, ..asked }, store)
    }

    /// The shape in which what was found is shown: of a group there is Medusa's alone, without relations
    /// of its own.
    pub fn of(&self, kind: StreamKind) -> Result<Self, ShapeError> {
        let is_default = |relations: &Relations| {
            let default = [None, Some(EVERYTHING)].map(Relations::of_customer);
            default.iter().any(|it| it.as_ref() == Ok(relations))
        };
        match (kind, self) {
            (StreamKind::Customer, shape) => Ok(shape.clone()),
            (StreamKind::CustomerGroup, Self::Medusa(relations)) if is_default(relations) => {
                Ok(Self::Group)
            }
            (StreamKind::CustomerGroup, _) => Err(ShapeError::OfAGroup),
        }
    }

    /// Medusa's, with the relations of its query option `expand`.
    fn medusa(expand: Option<&str>) -> Result<Self, ShapeError> {
        let relations =
            Relations::of_customer(expand).map_err(|_unknown| ShapeError::NoRelation)?;
        if relations.has_members() {
            return Err(ShapeError::Members);
        }
        Ok(Self::Medusa(relations))
    }

    /// What the contract's GET by id answered when the customer or group stood like this, byte for byte;
    /// none if it found nothing.
    pub fn document(&self, state: &State) -> Option<String> {
        let customer = state.is_live().then_some(&state.views.medusa);
        match self {
            Self::Medusa(relations) => customer.map(|customer| {
                let mut related = Related::default();
                if relations.has_groups() {
                    let held = customer.groups.iter();
                    let held = held.filter_map(|stream| state.groups.get(stream));
                    related.hold_groups(&customer.groups, held.cloned());
                }
                medusa::render_customer(customer, &related, relations)
            }),
            Self::Shopline {
                store,
                version,
                fields,
            } => customer.map(|_| {
                shopline::render_read(&state.views.shopline, store, *version, fields.as_ref())
            }),
            Self::Group => {
                let group = state.group().filter(|group| !group.deleted);
                let (related, relations) = (Related::default(), Relations::default());
                group.map(|group| medusa::render_group(group, &related, &relations, None))
            }
        }
    }
}
