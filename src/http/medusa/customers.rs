//! Customers: create, get, update.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use events::ids::{MEDUSA_CUSTOMER, MEDUSA_GROUP, own_ulid};
use events::patch::Patch;
use events::personal::Personal;
use express::json::Document;
use projections::medusa::{self as view, Given, Related, Relations};

use super::super::request::{now, reason};
use super::{Answered, Call, failed, refused, unread};
use crate::auth::passwords;
use crate::contracts::medusa::customer::{RULES, parse_create, parse_get, parse_update};
use crate::contracts::medusa::refusal::Refused;
use crate::domain::claims::{EMAIL_ACCOUNT, EMAIL_GUEST, MEDUSA_ID};
use crate::domain::customer::{Command, CreateCustomer, Customer, Life, Refusal, UpdateCustomer};
use crate::event_store::appender::Conflict;
use crate::event_store::new_ids;
use crate::event_store::{ExecuteError, Loaded, Outcome};
use crate::history::questions::{self, Asker, Questions};
use crate::history::{ShapeError, When};

impl Call<'_> {
    /// `POST /admin/customers`.
    pub(super) async fn create_customer(&self, document: Document) -> Result<Answered, Refused> {
        let ledger = &self.api.ledger;
        let mut request = self.request("POST /admin/customers", &document, StatusCode::CREATED)?;
        let create = parse_create(document)?;
        let given = Given {
            phone: create.phone_given,
            metadata: create.metadata_given,
        };
        let has_account = create.password.is_some();
        request.credential = self.hash(create.password.as_ref()).await?;
        let (stream, ids) = new_ids::new_customer(&ledger.pool)
            .await
            .map_err(|error| unread(&error))?;
        let command = Command::Create(Box::new(CreateCustomer {
            rules: &RULES,
            ids,
            fields: create.fields,
            has_account,
            password: has_account,
            language: None,
            addresses: vec![],
        }));
        let body = match ledger.execute::<Customer>(&stream, command, &request).await {
            Ok(Outcome::Done(done)) => view::render_created(&done.views.medusa, given),
            Ok(Outcome::Repeated(first)) => {
                let then = self.as_of(&first.stream, first.sequence).await?;
                view::render_created(&then.views.medusa, given)
            }
            Err(ExecuteError::Conflicts(failures)) if is_email_taken(&failures) => {
                return Err(Refused::email_exists(has_account));
            }
            Err(error) => return Err(refused_customer(error, "", &[])),
        };
        Ok(Answered {
            status: StatusCode::CREATED,
            body,
            behind: None,
        })
    }

    /// `GET /admin/customers/{id}`; with `as_of`, the ledger's own, as it was answered then.
    pub(super) async fn customer(&self, id: &str) -> Result<Answered, Refused> {
        let (expand, as_of) = parse_get(self.query(), now())?;
        let relations =
            Relations::of_customer(expand.as_deref()).map_err(|_unknown| Refused::Unknown)?;
        let found = match as_of {
            Some(_) if relations.has_members() => {
                return Err(Refused::Invalid(ShapeError::Members.to_string()));
            }
            Some(as_of) => self.then(id, as_of).await?,
            None => {
                let found = self
                    .api
                    .ledger
                    .medusa_customer(id, relations.has_groups())
                    .await;
                found.map_err(|error| failed(&error))?
            }
        };
        let (customer, groups) =
            found.ok_or_else(|| Refused::CustomerUnknown { id: id.to_owned() })?;
        let mut related = Related::default();
        related.hold_groups(&customer.groups, groups);
        self.show_customer(&customer, related, &relations).await
    }

    /// `POST /admin/customers/{id}`: one of the two operations the ledger exists for.
    pub(super) async fn update_customer(
        &self,
        id: &str,
        document: Document,
    ) -> Result<Answered, Refused> {
        let ledger = &self.api.ledger;
        let mut request = self.request("POST /admin/customers/{id}", &document, StatusCode::OK)?;
        let update = parse_update(document, self.query())?;
        let stream = self.stream(MEDUSA_CUSTOMER, id).await?;
        let unknown = || Refused::CustomerUnknown { id: id.to_owned() };
        let stream = stream.ok_or_else(unknown)?;
        let Ok(relations) = Relations::of_customer(update.expand.as_deref()) else {
            // Medusa looks for the customer first, and finds out about the relation when all is
            // written. Here nothing is: a request that is answered 500 changes nothing.
            let loaded = ledger
                .load::<Customer>(&stream)
                .await
                .map_err(|error| failed(&error))?;
            let live = loaded.aggregate.life == Life::Live;
            return Err(if live { Refused::Unknown } else { unknown() });
        };
        request.credential = self.hash(update.password.as_ref()).await?;
        let groups = match &update.groups {
            Some(asked) => {
                let streams = self.streams(MEDUSA_GROUP, asked).await?;
                Some(asked.iter().cloned().zip(streams).collect())
            }
            None => None,
        };
        let streams = |groups: &Vec<(String, String)>| groups.iter().map(|g| g.1.clone()).collect();
        let command = Command::Update(Box::new(UpdateCustomer {
            rules: &RULES,
            fields: update.fields.clone(),
            password: update.password.is_some(),
            groups: groups.as_ref().map(streams),
            addresses: vec![],
        }));
        let (customer, position) =
            match ledger.execute::<Customer>(&stream, command, &request).await {
                Ok(Outcome::Done(done)) => (done.views.medusa.clone(), None),
                Ok(Outcome::Repeated(first)) => {
                    let then = self.as_of(&first.stream, first.sequence).await?;
                    (then.views.medusa, Some(first.position))
                }
                Err(ExecuteError::Conflicts(failures)) if is_email_taken(&failures) => {
                    let loaded = ledger
                        .load::<Customer>(&stream)
                        .await
                        .map_err(|e| failed(&e))?;
                    let Patch::Set(email) = update.fields.email else {
                        return Err(Refused::Unknown);
                    };
                    let has_account = loaded.aggregate.profile.has_account;
                    return Err(Refused::EmailTaken { email, has_account });
                }
                Err(error) => return Err(refused_customer(error, id, &groups.unwrap_or_default())),
            };
        let mut related = Related::default();
        if let Some(position) = position.filter(|_| relations.has_groups()) {
            let groups = ledger.medusa_groups_at(&customer.groups, position).await;
            related.hold_groups(&customer.groups, groups.map_err(|error| failed(&error))?);
        }
        self.show_customer(&customer, related, &relations).await
    }

    /// The answer that shows a customer with its relations, some of which may be held already.
    async fn show_customer(
        &self,
        customer: &view::Customer,
        mut related: Related,
        relations: &Relations,
    ) -> Result<Answered, Refused> {
        let behind = self.relate(&mut related, |related| {
            related.missing_of_customer(customer, relations)
        });
        let behind = behind.await?;
        Ok(Answered {
            behind,
            ..Answered::ok(view::render_customer(customer, &related, relations))
        })
    }

    /// A customer as it was at a point in time, and its groups.
    async fn then(
        &self,
        id: &str,
        as_of: When,
    ) -> Result<Option<(view::Customer, Vec<view::Group>)>, Refused> {
        let reason = reason(&self.parts.headers);
        let reason = reason.map_err(|refused| Refused::Header(refused.to_string()))?;
        let questions = Questions {
            ledger: &self.api.ledger,
            asker: Asker {
                actor: &self.actor,
                request_id: Some(&self.id.0),
                reason: reason.as_deref(),
            },
        };
        let route = "GET /admin/customers/{id}";
        let then = questions.then(MEDUSA_ID, id, as_of, route);
        match self.api.apart(then).await {
            Ok(then) => {
                Ok(then.map(|then| (then.views.medusa, then.groups.into_values().collect())))
            }
            Err(questions::Error::Read(error)) => Err(failed(&error)),
            Err(error) => Err(Refused::Invalid(error.to_string())),
        }
    }

    /// The customer that a repeated request was answered with.
    async fn as_of(&self, stream: &str, sequence: i64) -> Result<Loaded<Customer>, Refused> {
        let then = self
            .api
            .ledger
            .load_until::<Customer>(stream, sequence)
            .await;
        let then = then.map_err(|error| failed(&error))?;
        if then.is_erased() {
            return Err(Refused::CustomerUnknown {
                id: then.aggregate.ids.medusa,
            });
        }
        Ok(then)
    }

    /// The stream of an id in Medusa: in the id itself when the ledger made it, else looked up.
    pub(super) async fn stream(&self, prefix: &str, id: &str) -> Result<Option<String>, Refused> {
        match own_ulid(prefix, id) {
            Some(ulid) => Ok(Some(ulid.to_owned())),
            None if id.contains('\0') => Ok(None),
            None => self
                .api
                .ledger
                .find(MEDUSA_ID, id)
                .await
                .map_err(|error| unread(&error)),
        }
    }

    /// The streams of ids in Medusa, as [`Self::stream`] finds them. An id that is nowhere gets a
    /// stream that cannot be, one for each such id, which the store then does not know.
    pub(super) async fn streams(
        &self,
        prefix: &str,
        asked: &[String],
    ) -> Result<Vec<String>, Refused> {
        let foreign: Vec<&str> = asked
            .iter()
            .map(String::as_str)
            .filter(|id| own_ulid(prefix, id).is_none() && !id.contains('\0'))
            .collect();
        let mut found = HashMap::new();
        if !foreign.is_empty() {
            let holders = self.api.ledger.find_all(MEDUSA_ID, &foreign).await;
            found = holders.map_err(|error| unread(&error))?;
        }
        let mut nowhere: HashMap<&str, String> = HashMap::new();
        let streams = asked.iter().map(|id| match own_ulid(prefix, id) {
            Some(ulid) => ulid.to_owned(),
            None => found.get(id).cloned().unwrap_or_else(|| {
                let next = format!("nowhere {}", nowhere.len());
                nowhere.entry(id).or_insert(next).clone()
            }),
        });
        Ok(streams.collect())
    }

    /// The argon2id hash of a password, made beside the async workers, a few at a time.
    async fn hash(&self, password: Option<&Personal<String>>) -> Result<Option<String>, Refused> {
        let Some(password) = password.and_then(Personal::open).cloned() else {
            return Ok(None);
        };
        let permit = Arc::clone(&self.api.hashing)
            .acquire_owned()
            .await
            .map_err(|_closed| Refused::Unavailable)?;
        let hash = tokio::task::spawn_blocking(move || {
            // Also when nobody waits for the answer any longer.
            let _permit = permit;
            passwords::hash(&password)
        })
        .await;
        match hash {
            Ok(Ok(hash)) => Ok(Some(hash)),
            Ok(Err(_)) | Err(_) => Err(Refused::Unknown),
        }
    }
}

fn is_email_taken(failures: &[Conflict]) -> bool {
    failures.iter().any(|failure| match failure {
        Conflict::Claimed(kind) => kind == EMAIL_ACCOUNT || kind == EMAIL_GUEST,
        Conflict::Marked(_) | Conflict::GroupUnknown(_) => false,
    })
}

/// Why a customer's command was not done. `groups` are those asked for, in order, each with its
/// stream.
fn refused_customer(
    error: ExecuteError<Refusal>,
    id: &str,
    groups: &[(String, String)],
) -> Refused {
    let asked = |stream: &str| {
        let known = groups.iter().find(|(_, of)| of == stream);
        known.map_or_else(|| stream.to_owned(), |(id, _)| id.clone())
    };
    let by_store = |failures: Vec<Conflict>| {
        let unknown = |stream: &String| {
            failures.iter().any(|failure| match failure {
                Conflict::GroupUnknown(unknown) => unknown == stream,
                Conflict::Claimed(_) | Conflict::Marked(_) => false,
            })
        };
        match groups.iter().find(|(_, stream)| unknown(stream)) {
            Some((group, _)) => Refused::JoinsUnknownGroup {
                group: group.clone(),
            },
            None => Refused::Unknown,
        }
    };
    refused(
        error,
        |refusal| Refused::from_customer(refusal, id, asked),
        by_store,
    )
}
