//! `GroupCreated`, `GroupUpdated`, `GroupDeleted`: customer groups. Nothing in them is personal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::MedusaId;

/// A customer group came into being.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreated {
    /// The group's id in Medusa, `cgrp_…`. SHOPLINE has no groups of this kind.
    pub medusa_id: MedusaId,
    /// Its name, unique in the store among the groups that are not deleted.
    pub name: String,
    /// Medusa's free metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A group's name or metadata changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupUpdated {
    /// The new name, if it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new metadata, whole, if it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A group was deleted. Its id is never used again; its name may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDeleted {}
