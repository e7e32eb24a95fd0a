//! An HTTP client: what it is told to send, it sends. One connection a request, unless it is told to
//! keep one, so that what a broken connection means is never in doubt.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    authority: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which is text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there: nobody got the request.
    #[error("not connected")]
    NotConnected(#[source] io::Error),
    /// The connection broke. The request may have arrived.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    /// The request is not one.
    #[error("the request cannot be sent")]
    Request(#[from] hyper::http::Error),
    /// An answer came whose body is not UTF-8.
    #[error("the answer's body is not text")]
    NotText,
}

impl Call {
    /// A request to the server at `base`: `http://127.0.0.1:9000` or `127.0.0.1:9000`.
    pub fn new(method: Method, base: &str, path: &str) -> Self {
        let authority = base.trim_start_matches("http://").to_owned();
        Self {
            method,
            authority,
            path: path.to_owned(),
            headers: vec![],
            body: vec![],
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// With a header whose value need not be text.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string().into_bytes(), "application/json")
    }

    /// With a body of a media type.
    #[must_use]
    pub fn body(self, body: Vec<u8>, content_type: &str) -> Self {
        self.bytes(body).header("content-type", content_type)
    }

    /// With a body and no header that describes it.
    #[must_use]
    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends it; fails the test when there is no answer.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it on a connection of its own.
    pub async fn try_send(self) -> Result<Answer, Error> {
        let stream = self.connect().await.map_err(Error::NotConnected)?;
        self.send_on(stream).await
    }

    /// Connects to where it goes.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(&self.authority).await
    }

    /// Sends it on a connection, which ends with the answer.
    pub async fn send_on(self, stream: TcpStream) -> Result<Answer, Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header("host", &self.authority);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body)))?;
        Connection::over(stream).await?.send(request).await
    }
}

/// A connection that is kept: requests go over it one after the other. Dropped, it is closed.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _task: AbortOnDropHandle<Result<(), hyper::Error>>,
}

impl Connection {
    /// Speaks HTTP on a stream.
    pub async fn over(stream: TcpStream) -> Result<Self, Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let task = AbortOnDropHandle::new(tokio::spawn(connection));
        Ok(Self {
            sender,
            _task: task,
        })
    }

    /// Whether the server keeps it open for another request.
    pub async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request as it is, and reads the whole answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).map_err(|_not_text| Error::NotText)?,
        })
    }
}

impl Answer {
    /// The body as JSON; fails the test when it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The body's JSON, of a 200 or 201; fails the test when it is another answer.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(
            matches!(self.status, 200 | 201),
            "{} {}",
            self.status,
            self.body
        );
        self.json()
    }

    /// A header's value; fails the test when it is missing.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().expect("the header's value is text")
    }
}
