//! A plain HTTP client: what it is told to send, it sends.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::wait;

/// A request to be sent.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    authority: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn new(method: Method, base: &str, path: &str) -> Self {
        let authority = base.trim_start_matches("http://").to_owned();
        Self {
            method,
            authority,
            path: path.to_owned(),
            headers: vec![],
            body: vec![],
        }
    }

    #[must_use]
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// A header whose value need not be text.
    #[must_use]
    pub(crate) fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string().into_bytes(), "application/json")
    }

    #[must_use]
    pub(crate) fn body(self, body: Vec<u8>, content_type: &str) -> Self {
        self.bytes(body).header("content-type", content_type)
    }

    /// A body that nothing is said about.
    #[must_use]
    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends it; fails the test when there is no answer.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.expect("the ledger answers")
    }

    /// Asks for a list, again when it is given up: a busy machine may be too slow for it.
    pub(crate) async fn list(&self) -> Answer {
        wait::until("the list is not given up", async || {
            let answer = self.clone().send().await;
            (answer.status != 503).then_some(answer)
        })
        .await
    }

    /// Asks for a list until it is neither given up nor behind: a projector that has just started takes
    /// its time, too.
    pub(crate) async fn current_list(&self) -> Answer {
        wait::until("the list is behind nothing", async || {
            let answer = self.list().await;
            (!answer.headers.contains_key("ledger-behind")).then_some(answer)
        })
        .await
    }

    /// Sends it; `None` when there is no answer, or only a part of one.
    pub(crate) async fn try_send(self) -> Option<Answer> {
        let stream = self.connect().await?;
        self.send_on(stream).await
    }

    /// Connects to where it goes; `None` when nobody is there, so that nobody gets it.
    pub(crate) async fn connect(&self) -> Option<TcpStream> {
        TcpStream::connect(&self.authority).await.ok()
    }

    /// Sends it on a connection; `None` when there is no answer, or only a part of one.
    pub(crate) async fn send_on(self, stream: TcpStream) -> Option<Answer> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header("host", &self.authority);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body))).unwrap();
        let response = sender.send_request(request).await.ok()?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        connection.abort();
        Some(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    }
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The body's JSON, of a 200 or 201.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(
            matches!(self.status, 200 | 201),
            "{} {}",
            self.status,
            self.body
        );
        self.json()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().unwrap()
    }
}
