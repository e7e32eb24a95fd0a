//! Customer groups: create, get, update, delete; and the relations that lead through groups.

use axum::http::StatusCode;
use events::ids::MEDUSA_GROUP;
use express::json::Document;
use projections::medusa::table::customers;
use projections::medusa::{self as view, Fields, Group, Missing, Related, Relations};

use super::{Answered, Call, failed, refused, unread};
use crate::contracts::medusa::group::{parse_create, parse_find, parse_update};
use crate::contracts::medusa::refusal::Refused;
use crate::domain::group::{Command, CustomerGroup};
use crate::event_store::Outcome;
use crate::event_store::new_ids;

impl Call<'_> {
    /// `POST /admin/customer-groups`.
    pub(super) async fn create_group(&self, document: Document) -> Result<Answered, Refused> {
        let ledger = &self.api.ledger;
        let request = self.request("POST /admin/customer-groups", &document, StatusCode::OK)?;
        let create = parse_create(document)?;
        let (stream, medusa_id) = new_ids::new_group();
        let (name, metadata) = (create.name, create.metadata);
        let command = Command::Create {
            medusa_id,
            name: name.clone(),
            metadata,
        };
        let done = ledger
            .execute::<CustomerGroup>(&stream, command, &request)
            .await
            .map_err(|error| {
                // Nothing else is claimed by a new group's command but its own new id.
                let taken = |_| Refused::GroupNameTaken { name };
                refused(error, |_none| Refused::Unknown, taken)
            });
        let group = self.group_as_of(done?).await?;
        Ok(Answered::ok(view::render_group_created(
            &group,
            create.metadata_given,
        )))
    }

    /// `GET /admin/customer-groups/{id}`.
    pub(super) async fn group(&self, id: &str) -> Result<Answered, Refused> {
        let find = parse_find(self.query())?;
        let relations =
            Relations::of_group(find.expand.as_deref()).map_err(|_unknown| Refused::Unknown)?;
        let fields = find.fields.as_deref().map(Fields::parse).transpose();
        let fields = fields.map_err(|_unknown| Refused::Unknown)?;
        let unknown = || Refused::GroupUnknown { id: id.to_owned() };
        let stream = self.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
        let groups = self.api.ledger.medusa_groups(&[stream]).await;
        let groups = groups.map_err(|error| failed(&error))?;
        let group = groups
            .into_iter()
            .find(|group| !group.deleted)
            .ok_or_else(unknown)?;
        self.show_group(&group, &relations, fields.as_ref()).await
    }

    /// `POST /admin/customer-groups/{id}`.
    pub(super) async fn update_group(
        &self,
        id: &str,
        document: Document,
    ) -> Result<Answered, Refused> {
        let ledger = &self.api.ledger;
        let mut request = self.request(
            "POST /admin/customer-groups/{id}",
            &document,
            StatusCode::OK,
        )?;
        let mut update = parse_update(document, self.query())?;
        let unknown = || Refused::GroupUnknown { id: id.to_owned() };
        let stream = self.stream(MEDUSA_GROUP, id).await?.ok_or_else(unknown)?;
        let relations = Relations::of_group(update.expand.as_deref());
        if relations.is_err() {
            // Medusa finds out about the relation when all is written. Here nothing is.
            update.refused = update.refused.or(Some(Refused::Unknown));
        }
        if update.refused.is_some() {
            // What is refused changes nothing; all that is asked is whether there is such a group.
            (update.name, update.metadata) = (None, None);
            request.idempotency = None;
        }
        let name = update.name.clone().unwrap_or_default();
        let command = Command::Update {
            name: update.name,
            metadata: update.metadata,
        };
        let done = ledger
            .execute::<CustomerGroup>(&stream, command, &request)
            .await
            .map_err(|error| {
                let taken = |_| Refused::GroupRenameTaken { name };
                refused(error, |refusal| Refused::from_group(refusal, id), taken)
            });
        let group = self.group_as_of(done?).await?;
        match (update.refused, relations) {
            (None, Ok(relations)) => self.show_group(&group, &relations, None).await,
            (refused, _) => Err(refused.unwrap_or(Refused::Unknown)),
        }
    }

    /// `DELETE /admin/customer-groups/{id}`. The members' streams say nothing of it: a group that
    /// is gone is shown nowhere.
    pub(super) async fn delete_group(
        &self,
        id: &str,
        document: &Document,
    ) -> Result<Answered, Refused> {
        let request = self.request(
            "DELETE /admin/customer-groups/{id}",
            document,
            StatusCode::OK,
        )?;
        if let Some(stream) = self.stream(MEDUSA_GROUP, id).await? {
            let ledger = &self.api.ledger;
            ledger
                .execute::<CustomerGroup>(&stream, Command::Delete, &request)
                .await
                .map_err(|error| refused(error, |_none| Refused::Unknown, |_| Refused::Unknown))?;
        }
        Ok(Answered::ok(view::render_group_deleted(id)))
    }

    /// The group that a request is answered with: as it left it, or its first copy did.
    pub(super) async fn group_as_of(
        &self,
        outcome: Outcome<CustomerGroup>,
    ) -> Result<Group, Refused> {
        let first = match outcome {
            Outcome::Done(done) => return Ok(done.views.clone()),
            Outcome::Repeated(first) => first,
        };
        let ledger = &self.api.ledger;
        let then = ledger
            .load_until::<CustomerGroup>(&first.stream, first.sequence)
            .await;
        Ok(then.map_err(|error| failed(&error))?.views)
    }

    /// The answer that shows a group with its relations.
    async fn show_group(
        &self,
        group: &Group,
        relations: &Relations,
        fields: Option<&Fields>,
    ) -> Result<Answered, Refused> {
        let mut related = Related::default();
        let behind = self
            .relate(&mut related, |related| {
                related.missing_of_group(group, relations)
            })
            .await?;
        Ok(Answered {
            behind,
            ..Answered::ok(view::render_group(group, &related, relations, fields))
        })
    }

    /// Reads what relations lead to until nothing is missing. Members of groups are a list: it
    /// waits for the projection, and says by how much it is behind if it still is.
    pub(super) async fn relate(
        &self,
        related: &mut Related,
        missing: impl Fn(&Related) -> Missing,
    ) -> Result<Option<i64>, Refused> {
        let ledger = &self.api.ledger;
        let mut behind = None;
        let mut waited = false;
        loop {
            let missing = missing(related);
            if missing.is_empty() {
                return Ok(behind);
            }
            if !missing.groups.is_empty() {
                let groups = ledger.medusa_groups(&missing.groups).await;
                related.hold_groups(&missing.groups, groups.map_err(|error| failed(&error))?);
            }
            if !missing.members.is_empty() {
                let mut connection = ledger
                    .pool
                    .acquire()
                    .await
                    .map_err(|error| unread(&error))?;
                if !waited {
                    waited = true;
                    behind = self.behind().await?;
                }
                let members =
                    customers::members(&mut connection, &ledger.store, &missing.members).await;
                related.hold_members(&missing.members, members.map_err(|error| unread(&error))?);
            }
        }
    }
}
