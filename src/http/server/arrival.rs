//! A request's body on its way in: it has to arrive in time and in one piece.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::http::StatusCode;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::seats::Seat;

/// How long a body may take, however it comes. It is below what a request may take in all.
const BODY_MAX: Duration = Duration::from_secs(20);

/// What was wrong with how a body came, if anything.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<OnceLock<StatusCode>>);

impl Fault {
    /// The answer to it.
    pub(super) fn status(&self) -> Option<StatusCode> {
        self.0.get().copied()
    }
}

/// A body that still comes. As long as it does, its connection waits for its client.
pub(super) struct Arriving {
    body: Incoming,
    began: Instant,
    /// Set when something has to be waited for: most bodies come with their heads.
    deadline: Option<Pin<Box<Sleep>>>,
    seat: Arc<Seat>,
    fault: Fault,
}

/// Watches a body arrive: what it reads as, and where its fault will be.
pub(super) fn watch(body: Incoming, seat: Arc<Seat>) -> (Arriving, Fault) {
    let fault = Fault::default();
    let arriving = Arriving {
        body,
        began: Instant::now(),
        deadline: None,
        seat,
        fault: fault.clone(),
    };
    (arriving, fault)
}

impl Arriving {
    fn fails(&self, status: StatusCode, why: impl Into<BoxError>) -> BoxError {
        self.fault.0.get_or_init(|| status);
        why.into()
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.fault.status().is_some() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if frame.is_none() || self.body.is_end_stream() {
                self.seat.works();
            }
            let broken = |why| self.fails(StatusCode::BAD_REQUEST, why);
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        let until = self.began + BODY_MAX;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(deadline.as_mut().poll(context));
        let late = self.fails(StatusCode::REQUEST_TIMEOUT, "the body came too slowly");
        Poll::Ready(Some(Err(late)))
    }

    fn is_end_stream(&self) -> bool {
        self.fault.status().is_some() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.seat.works();
    }
}
