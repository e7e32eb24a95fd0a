//! Members of customer groups, many at once: all of a request's come or go, or none does.

use std::collections::HashSet;

use axum::http::StatusCode;
use events::ids::{MEDUSA_CUSTOMER, MEDUSA_GROUP};
use express::json::Document;
use projections::medusa::{self as view, Related, Relations};

use super::{Answered, Call, refused};
use crate::contracts::medusa::members::{parse_add, parse_remove};
use crate::contracts::medusa::refusal::Refused;
use crate::domain::customer::{Command, Customer};
use crate::domain::group::{self, CustomerGroup};
use crate::event_store::{MultiStreamRefusal, Request};

impl Call<'_> {
    /// `POST /admin/customer-groups/{id}/customers/batch`.
    pub(super) async fn add_members(
        &self,
        id: &str,
        document: Document,
    ) -> Result<Answered, Refused> {
        let route = "POST /admin/customer-groups/{id}/customers/batch";
        let request = self.request(route, &document, StatusCode::OK)?;
        let asked = parse_add(document)?;
        let join = |group| Command::JoinGroup { group };
        match self.change_members(id, &asked, join, &request).await {
            // Medusa finds out about the group by its members.
            Err(Refused::GroupUnknown { id: _ }) if asked.is_empty() => {
                Ok(Answered::ok(view::render_no_group()))
            }
            answered => answered,
        }
    }

    /// `DELETE /admin/customer-groups/{id}/customers/batch`.
    pub(super) async fn remove_members(
        &self,
        id: &str,
        document: Document,
    ) -> Result<Answered, Refused> {
        let route = "DELETE /admin/customer-groups/{id}/customers/batch";
        let request = self.request(route, &document, StatusCode::OK)?;
        let asked = parse_remove(document)?;
        let leave = |group| Command::LeaveGroup { group };
        self.change_members(id, &asked, leave, &request).await
    }

    async fn change_members(
        &self,
        id: &str,
        asked: &[String],
        command: impl Fn(String) -> Command,
        request: &Request,
    ) -> Result<Answered, Refused> {
        let ledger = &self.api.ledger;
        let unknown = || Refused::GroupUnknown { id: id.to_owned() };
        let group = self.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
        let streams = self.streams(MEDUSA_CUSTOMER, asked).await?;
        let mut named = HashSet::new();
        let commands = streams
            .iter()
            .filter(|stream| named.insert(stream.as_str()))
            .map(|stream| (stream.clone(), command(group.clone())))
            .collect();
        let shown = (group.as_str(), group::Command::ChangeMembers);
        let done = ledger
            .execute_multi_stream::<CustomerGroup, Customer>(shown, commands, request)
            .await
            .map_err(|error| {
                let refuses = |refusal: MultiStreamRefusal<_, _>| match refusal.shown {
                    Some(refusal) => Refused::from_group(refusal, id),
                    None => missing(asked, &streams, &refusal.others),
                };
                refused(error, refuses, |_| unknown())
            });
        let group = self.group_as_of(done?).await?;
        let none = Relations::of_group(None).map_err(|_unknown| Refused::Unknown)?;
        let body = view::render_group(&group, &Related::default(), &none, None);
        Ok(Answered::ok(body))
    }
}

/// Those of the ids asked for whose streams refuse: they are no customers.
fn missing<R>(asked: &[String], streams: &[String], refused: &[(String, R)]) -> Refused {
    let refused: HashSet<&str> = refused.iter().map(|(stream, _)| stream.as_str()).collect();
    let missing = asked.iter().zip(streams);
    let missing = missing.filter(|(_, stream)| refused.contains(stream.as_str()));
    Refused::MembersUnknown {
        ids: missing.map(|(id, _)| id.clone()).collect(),
    }
}
