//! Customers: what a request names one of.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::customer::CustomerState;
use projections::shopline as view;
use serde_json::json;

use super::{Call, now, unread};
use crate::contracts::shopline::customer::{parse_create, parse_remove_tags, parse_update};
use crate::contracts::shopline::orders;
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::contracts::shopline::refused::Refused;
use crate::contracts::shopline::request::Reading;
use crate::domain::customer::{Command, Refusal};
use crate::event_store::new_ids;

impl Call<'_> {
    /// `POST customers.json`.
    pub(super) async fn create(&self, found: &MatchedPath, body: Body) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let (stream, ids) = new_ids::new_customer(&self.api.ledger.pool)
            .await
            .map_err(|error| unread(&error))?;
        let create = parse_create(&body, &self.reading(found))?.into_command(
            found.version.rules,
            ids,
            new_ids::new_address,
        );
        let command = Command::Create(Box::new(create));
        let done = self.execute(&stream, command, &body).await?;
        let version = found.version.shown;
        Ok(view::render_created(
            &done.views.shopline,
            &self.api.store,
            version,
        ))
    }

    /// `GET customers/v2/{id}.json`; with `as_of`, the ledger's own, as it was answered then.
    pub(super) async fn get(&self, found: &MatchedPath) -> Result<String, Refused> {
        let (id, query) = (found.customer_id()?, Query::parse(self.query));
        let customer = match query.get("as_of") {
            Some(as_of) => self.then(id, as_of).await?,
            None => self.shown(id).await?,
        };
        let fields = query.get("fields").and_then(view::Fields::parse);
        let (store, version) = (&self.api.store, found.version.shown);
        Ok(view::render_read(
            &customer,
            store,
            version,
            fields.as_ref(),
        ))
    }

    /// `PUT customers/{id}.json`: one of the two operations the ledger exists for.
    pub(super) async fn update(&self, found: &MatchedPath, body: Body) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let update = parse_update(&body, &self.reading(found))?
            .into_command(found.version.rules, new_ids::new_address);
        let stream = self.stream(found.customer_id()?).await?;
        let command = Command::Update(Box::new(update));
        let done = self.execute(&stream, command, &body).await?;
        let version = found.version.shown;
        Ok(view::render_updated(
            &done.views.shopline,
            &self.api.store,
            version,
        ))
    }

    /// `DELETE customers/{id}.json`: the answer says what the customer was called until then.
    pub(super) async fn delete(&self, found: &MatchedPath) -> Result<String, Refused> {
        let stream = self.stream(found.customer_id()?).await?;
        let done = self.execute(&stream, Command::Delete, &[]).await?;
        let before = self.as_of(&done.stream, done.sequence - 1).await?;
        Ok(view::render_deleted(&before.views.shopline))
    }

    /// `GET customers/subscribe.json`.
    pub(super) async fn subscriptions(&self) -> Result<String, Refused> {
        let ids = Query::parse(self.query).required_ids("customer_ids")?;
        let customers = self.all_shown(&ids).await?;
        Ok(view::render_subscriptions(&customers, &self.api.store))
    }

    /// `POST customers/{id}/send_invite.json`. The ledger records the invitation; sending is for
    /// whoever reads its events.
    pub(super) async fn invite(&self, found: &MatchedPath) -> Result<String, Refused> {
        let stream = self.stream(found.customer_id()?).await?;
        let done = self.execute(&stream, Command::Invite, &[]).await?;
        let from = format!("no-reply@{}", self.domain());
        let to = done.views.shopline.profile.email.as_deref();
        let to = to.unwrap_or_default();
        Ok(json!({ "customer_invite": { "from": from, "to": to } }).to_string())
    }

    /// `POST customers/{id}/account_activation_url.json`. The token is the customer's own: nobody can
    /// make it who lacks the ledger's keys.
    pub(super) async fn activation_url(&self, found: &MatchedPath) -> Result<String, Refused> {
        let customer = self.shown(found.customer_id()?).await?;
        match customer.profile.state {
            CustomerState::NotInvited | CustomerState::Invited => {}
            CustomerState::Disabled | CustomerState::Registered => {
                return Err(Refusal::NotInvitable.into());
            }
        }
        let token = format!("activation:{}", customer.stream);
        let token = URL_SAFE_NO_PAD.encode(self.api.ledger.keyring.hash_token(&token));
        let (domain, id) = (self.domain(), &customer.id);
        let url = format!("https://{domain}/user/activate?id={id}&token={token}");
        Ok(json!({ "data": { "account_activation_url": url } }).to_string())
    }

    /// `GET customers/{id}/orders.json`: the ledger knows no orders yet.
    pub(super) async fn orders(&self, found: &MatchedPath) -> Result<String, Refused> {
        orders::check(&Query::parse(self.query))?;
        self.shown(found.customer_id()?).await?;
        Ok(json!({ "list": [] }).to_string())
    }

    /// `POST customer_tags_remove.json`.
    pub(super) async fn remove_tags(&self, body: Body) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let (customer, tags) = parse_remove_tags(&body)?;
        let stream = self.stream(&customer).await?;
        self.execute(&stream, Command::RemoveTags(tags), &body)
            .await?;
        Ok("{}".to_owned())
    }

    fn reading(&self, found: &MatchedPath) -> Reading<'_> {
        Reading {
            version: found.version,
            zone: &self.api.store.time_zone,
            now: now(),
        }
    }

    pub(super) fn domain(&self) -> String {
        format!("{}.myshopline.com", self.api.shopline.handle)
    }
}
