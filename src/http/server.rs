//! Accepts connections and keeps each within limits.
//!
//! A client may be slow, silent, broken or hostile. What it holds up is its own connection, for a
//! bounded time; what it costs is a bounded number of bytes. The bounds are told to operators in
//! docs/operations.md. `axum::serve` has no limit of connections and sets no timer, so hyper's own
//! server is used.

mod arrival;
mod files;
pub(super) mod leftover;
pub(super) mod proxies;
mod seats;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;

use self::seats::{Seat, Seats};
use crate::config::HttpConfig;

/// The longest request line with all headers. Browsers and proxies stop far below.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long an answer may wait for its client to read on.
const STALL_MAX: Duration = Duration::from_secs(20);
/// How long connections may take to end when no request is left to answer.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Serves connections until `stop` ends; then those that wait for nothing are closed at once, and
/// the others once their answer is sent.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    config: &HttpConfig,
    stop: impl Future<Output = ()>,
) {
    let seats = Seats::new(files::connections(config.connections_max));
    // However this ends, no connection outlives it.
    let _closing = seats.close_all();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(config.idle)
        .max_buf_size(HEAD_BYTES_MAX);
    let open = GracefulShutdown::new();
    let accepting = async {
        loop {
            // Without a file to spare it waits for a second and says so in the log.
            let (stream, peer) = Listener::accept(&mut listener).await;
            let seat = seats.take().await;
            let (http, router) = (http.clone(), router.clone());
            tokio::spawn(converse(http, stream, peer, seat, router, open.watcher()));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    if timeout(FAREWELL_MAX, open.shutdown()).await.is_err() {
        tracing::info!("connections on which nothing was asked are closed");
    }
}

/// One connection, until either side closes it or its seat is needed.
async fn converse(
    http: http1::Builder,
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    router: Router,
    watcher: Watcher,
) {
    // Answers are small and complete: waiting to fill a packet only delays them.
    drop(stream.set_nodelay(true));
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STALL_MAX));
    let seat = Arc::new(seat);
    let service = service_fn(|request| answer(router.clone(), peer, Arc::clone(&seat), request));
    let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::select! {
        // Whatever was wrong with it was the client's doing, and was answered if it could be.
        ended = watcher.watch(connection) => drop(ended),
        () = seat.closed() => {}
    }
}

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(peer));
    let (body, fault) = if body.is_end_stream() {
        seat.works();
        (Body::empty(), None)
    } else {
        seat.waits();
        let (body, fault) = arrival::watch(body, Arc::clone(&seat));
        (Body::new(body), Some(fault))
    };
    let Ok(mut response) = router.call(Request::from_parts(parts, body)).await;
    seat.waits();
    let fault = fault.and_then(|fault| fault.status());
    if let Some(status) = fault {
        if !response.status().is_success() {
            // No contract covers invalid HTTP: a broken body is answered as a broken head is.
            response = status.into_response();
        }
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response)
}
