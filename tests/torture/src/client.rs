//! A plain HTTP client: one connection a request, so that nobody guesses what a dead one meant.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
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
    Answer {
        /// Its status.
        status: StatusCode,
        /// Whether it has the header that says it may be behind.
        behind: bool,
        /// Its body.
        body: Bytes,
    },
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
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let Ok(stream) = TcpStream::connect(address).await else {
            return Reply::NotSent;
        };
        match timeout(PATIENCE, self.exchange(stream, keys, request, key)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::Lost(error.to_string()),
            Err(_elapsed) => Reply::Lost("no answer in time".to_owned()),
        }
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        keys: &Keys,
        id: &str,
        key: Option<&str>,
    ) -> Result<Reply, hyper::Error> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (name, value) = if self.path.starts_with("/admin/openapi/") {
            ("authorization", format!("Bearer {}", keys.shopline))
        } else if self.path.starts_with("/ledger/") {
            ("authorization", format!("Bearer {}", keys.ledger))
        } else {
            ("x-medusa-access-token", keys.medusa.clone())
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header("host", "127.0.0.1")
            .header("traceparent", format!("00-{id}-00f067aa0ba902b7-01"))
            .header(name, value);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = match &self.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                body.to_string()
            }
            None => String::new(),
        };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("paths and headers of the load are valid");
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Reply::Answer {
            status: parts.status,
            behind: parts.headers.contains_key("ledger-behind"),
            body,
        })
    }
}
