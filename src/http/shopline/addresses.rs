//! Addresses as resources of their own.

use axum::body::Body;
use projections::shopline as view;

use super::Call;
use crate::contracts::shopline::address::{
    into_command, parse_create, parse_destroy, parse_list, parse_update,
};
use crate::contracts::shopline::path::MatchedPath;
use crate::contracts::shopline::query::Query;
use crate::contracts::shopline::refused::Refused;
use crate::domain::customer::{AddressPatch, Command, Refusal};
use crate::event_store::new_ids;

/// What there is to say when nothing is shown.
const NOTHING: &str = "{}";

impl Call<'_> {
    /// `POST customers/{id}/addresses.json`: the new address is the last one.
    pub(super) async fn create_address(
        &self,
        found: &MatchedPath,
        body: Body,
    ) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let create = into_command(
            found.version.rules,
            parse_create(&body)?,
            new_ids::new_address,
        );
        let stream = self.stream(found.customer_id()?).await?;
        let command = Command::Update(Box::new(create));
        let done = self.execute(&stream, command, &body).await?;
        let customer = &done.views.shopline;
        let id = customer.addresses.last().map(|address| address.id.as_str());
        view::render_address(customer, id.unwrap_or_default()).ok_or(Refused::Internal)
    }

    /// `GET customers/{id}/addresses/{id}.json`.
    pub(super) async fn get_address(&self, found: &MatchedPath) -> Result<String, Refused> {
        let customer = self.shown(found.customer_id()?).await?;
        view::render_address(&customer, found.address_id()?).ok_or(Refused::NoSuchData)
    }

    /// `PUT customers/{id}/addresses/{id}.json`.
    pub(super) async fn update_address(
        &self,
        found: &MatchedPath,
        body: Body,
    ) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let address = parse_update(&body, found.address_id()?)?;
        self.put_address(found, address, &body).await
    }

    /// `PUT customers/{id}/addresses/{id}/default.json`.
    pub(super) async fn default_address(&self, found: &MatchedPath) -> Result<String, Refused> {
        let address = AddressPatch {
            shopline_id: Some(found.address_id()?.to_owned()),
            default: Some(true),
            ..AddressPatch::default()
        };
        self.put_address(found, address, &[]).await?;
        Ok(NOTHING.to_owned())
    }

    /// Changes an address that is there.
    async fn put_address(
        &self,
        found: &MatchedPath,
        address: AddressPatch,
        body: &[u8],
    ) -> Result<String, Refused> {
        let update = into_command(found.version.rules, address, new_ids::new_address);
        let stream = self.stream(found.customer_id()?).await?;
        let command = Command::Update(Box::new(update));
        let done = self.execute(&stream, command, body).await;
        let done = done.map_err(unknown_address)?;
        view::render_address(&done.views.shopline, found.address_id()?).ok_or(Refused::NoSuchData)
    }

    /// `DELETE customers/{id}/addresses/{id}.json`.
    pub(super) async fn delete_address(&self, found: &MatchedPath) -> Result<String, Refused> {
        let ids = vec![found.address_id()?.to_owned()];
        let stream = self.stream(found.customer_id()?).await?;
        let done = self.execute(&stream, Command::RemoveAddresses(ids), &[]);
        done.await.map_err(unknown_address)?;
        Ok(NOTHING.to_owned())
    }

    /// `PUT customers/{id}/addresses/set.json`: all of them or none.
    pub(super) async fn destroy_addresses(&self, found: &MatchedPath) -> Result<String, Refused> {
        let ids = parse_destroy(&Query::parse(self.query))?;
        let stream = self.stream(found.customer_id()?).await?;
        self.execute(&stream, Command::RemoveAddresses(ids), &[])
            .await?;
        Ok(NOTHING.to_owned())
    }

    /// `POST customers/addresses/list.json`.
    pub(super) async fn addresses(
        &self,
        found: &MatchedPath,
        body: Body,
    ) -> Result<String, Refused> {
        let body = self.body(body).await?;
        let customers = self.all_shown(&parse_list(&body)?).await?;
        Ok(view::render_addresses(&customers, found.version.shown))
    }
}

/// In a path, an address that there is not is data that does not exist; in a body or a query it is a
/// wrong value.
fn unknown_address(refused: Refused) -> Refused {
    if matches!(refused, Refused::Refusal(Refusal::AddressUnknown { .. })) {
        Refused::NoSuchData
    } else {
        refused
    }
}
