//! A client of the ledger: one connection a request, so that nobody guesses what a dead one meant.

use std::time::Duration;

use devkit::http::{self, Answer};
use hyper::Method;
use serde_json::Value;
use tokio::time::timeout;

/// How long an answer is waited for. The ledger itself gives up after half a minute.
const PATIENCE: Duration = Duration::from_secs(35);

/// What opens the ledger's doors.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Medusa's api token.
    pub(crate) medusa: String,
    /// SHOPLINE's bearer token.
    pub(crate) shopline: String,
    /// The token of the ledger's own API.
    pub(crate) ledger: String,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
}

/// What came back.
pub(crate) enum Reply {
    /// Nobody was there: nobody got it.
    NotSent,
    /// It was sent, and no answer came.
    Lost(String),
    /// An answer.
    Answer(Answer),
}

impl Call {
    /// A request without a body.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
        }
    }

    /// A deletion.
    pub(crate) fn delete(path: String) -> Self {
        Self {
            method: Method::DELETE,
            path,
            body: None,
        }
    }

    /// A request with a body: `PUT` through SHOPLINE's contract, `POST` through Medusa's.
    pub(crate) fn update(path: String, body: Value) -> Self {
        let method = if path.starts_with("/admin/openapi/") {
            Method::PUT
        } else {
            Method::POST
        };
        Self {
            method,
            path,
            body: Some(body),
        }
    }

    /// A creation.
    pub(crate) fn create(path: &str, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: Some(body),
        }
    }

    /// Sends it to a process. `request` is the id that it goes by, 32 hexadecimal digits.
    pub(crate) async fn send(
        &self,
        port: u16,
        keys: &Keys,
        request: &str,
        key: Option<&str>,
    ) -> Reply {
        let call = self.to(port, keys, request, key);
        let Ok(stream) = call.connect().await else {
            return Reply::NotSent;
        };
        match timeout(PATIENCE, call.send_on(stream)).await {
            Ok(Ok(answer)) => Reply::Answer(answer),
            Ok(Err(error)) => Reply::Lost(error.to_string()),
            Err(_elapsed) => Reply::Lost("no answer in time".to_owned()),
        }
    }

    fn to(&self, port: u16, keys: &Keys, id: &str, key: Option<&str>) -> http::Call {
        let base = format!("127.0.0.1:{port}");
        let (name, value) = if self.path.starts_with("/admin/openapi/") {
            ("authorization", format!("Bearer {}", keys.shopline))
        } else if self.path.starts_with("/ledger/") {
            ("authorization", format!("Bearer {}", keys.ledger))
        } else {
            ("x-medusa-access-token", keys.medusa.clone())
        };
        let mut call = http::Call::new(self.method.clone(), &base, &self.path)
            .header("traceparent", &format!("00-{id}-00f067aa0ba902b7-01"))
            .header(name, &value);
        if let Some(key) = key {
            call = call.header("idempotency-key", key);
        }
        match &self.body {
            Some(body) => call.json(body),
            None => call,
        }
    }
}
