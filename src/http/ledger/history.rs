//! Questions to the past over HTTP: each handler reads the query, asks, and answers.

use axum::http::StatusCode;
use axum::response::Response;

use super::super::request::{now, reason};
use super::{Asked, OPEN, Problem, READ};
use crate::auth::LedgerToken;
use crate::domain::when::When;
use crate::history::Error;
use crate::history::questions::blame::blame_json;
use crate::history::questions::log::{PAGE, PAGE_MAX, Page};
use crate::history::questions::{Asker, Questions};
use crate::history::{Shape, shape};

/// `GET /ledger/customers/{id}/log`: what happened, a page at a time. Scope `ledger:read`; with
/// `open=true`, also on whose behalf and why, and scope `ledger:open`.
pub(in super::super) async fn log(request: Asked) -> Response {
    request.answer_apart(Box::pin(request.log())).await
}

/// `GET /ledger/customers/{id}/diff`: what differs between two points in time, and by which event.
/// Scope `ledger:open`.
pub(in super::super) async fn diff(request: Asked) -> Response {
    request.answer_apart(Box::pin(request.diff())).await
}

/// `GET /ledger/customers/{id}/blame`: which event made each value what it is. Scope `ledger:open`.
pub(in super::super) async fn blame(request: Asked) -> Response {
    request.answer_apart(Box::pin(request.blame())).await
}

impl Asked {
    /// The same as a contract's GET answers, now or `as_of`.
    pub(super) async fn show(&self) -> Result<String, Problem> {
        let token = self.authorize(OPEN).await?;
        let query = self.parameters(&["shape", "as_of", "version", "expand", "fields"])?;
        let shape = Shape::parse(query.shape(), &self.api.store).map_err(Error::from)?;
        let reason = self.reason()?;
        let questions = self.questions(&token, reason.as_deref());
        Ok(questions
            .show(self.id()?, query.when("as_of")?, &shape)
            .await?)
    }

    async fn log(&self) -> Result<String, Problem> {
        let query = self.parameters(&["after", "before", "limit", "open"])?;
        let open = match query.get("open") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(bad("open must be true or false")),
        };
        let token = self.authorize(if open { OPEN } else { READ }).await?;
        let limit = query.number("limit")?.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(bad(format!("limit must be 1 to {PAGE_MAX}")));
        }
        let page = match (query.number("after")?, query.number("before")?) {
            (None, None) => Page::Last,
            (Some(after), None) => Page::After(after),
            (None, Some(before)) => Page::Before(before),
            (Some(_), Some(_)) => return Err(bad("after and before cannot both be given")),
        };
        let reason = self.reason()?;
        let questions = self.questions(&token, reason.as_deref());
        let log = questions.log(self.id()?, page, limit, open).await?;
        Ok(log.json(open).to_string())
    }

    async fn diff(&self) -> Result<String, Problem> {
        let token = self.authorize(OPEN).await?;
        let query = self.parameters(&["from", "to", "shape", "version", "expand", "fields"])?;
        let shape = Shape::parse_whole(query.shape(), &self.api.store).map_err(Error::from)?;
        let reason = self.reason()?;
        let questions = self.questions(&token, reason.as_deref());
        let (from, to) = (query.when("from")?, query.when("to")?);
        let diff = questions.diff(self.id()?, from, to, &shape).await?;
        Ok(diff.json().to_string())
    }

    async fn blame(&self) -> Result<String, Problem> {
        let token = self.authorize(OPEN).await?;
        let query =
            self.parameters(&["pointer", "as_of", "shape", "version", "expand", "fields"])?;
        let shape = Shape::parse_whole(query.shape(), &self.api.store).map_err(Error::from)?;
        let reason = self.reason()?;
        let questions = self.questions(&token, reason.as_deref());
        let (pointer, as_of) = (query.get("pointer"), query.when("as_of")?);
        let leaves = questions.blame(self.id()?, pointer, as_of, &shape).await?;
        Ok(blame_json(&leaves).to_string())
    }

    fn reason(&self) -> Result<Option<String>, Problem> {
        reason(&self.headers).map_err(|refused| bad(refused.to_string()))
    }

    pub(super) fn questions<'q>(
        &'q self,
        token: &'q LedgerToken,
        reason: Option<&'q str>,
    ) -> Questions<'q> {
        Questions {
            ledger: &self.api.ledger,
            asker: Asker {
                actor: &token.actor,
                request_id: Some(&self.request_id.0),
                reason,
            },
        }
    }
}

/// The parameters of a query; of one that is there twice the first counts.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query that has none but the known parameters.
    pub(super) fn parse(query: &str, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        if pairs.iter().all(|(name, _)| known.contains(&name.as_str())) {
            Ok(Self(pairs))
        } else {
            Err(bad(format!("the parameters are {}", known.join(", "))))
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let number = self.get(name).map(str::parse).transpose();
        let number = number.map_err(|_not_a_number| bad(format!("{name} must be a number")))?;
        if number.is_some_and(|number: i64| number < 0) {
            return Err(bad(format!("{name} must not be below 0")));
        }
        Ok(number)
    }

    fn when(&self, name: &str) -> Result<Option<When>, Problem> {
        let when = self.get(name).map(|text| When::parse(text, now()));
        when.transpose()
            .map_err(|no_time| bad(format!("{name}: {no_time}")))
    }

    fn shape(&self) -> shape::Asked<'_> {
        shape::Asked {
            shape: self.get("shape"),
            expand: self.get("expand"),
            version: self.get("version"),
            fields: self.get("fields"),
        }
    }
}

fn bad(sentence: impl Into<String>) -> Problem {
    Problem(StatusCode::BAD_REQUEST, sentence.into())
}
