//! What was left unread of a request's body.
//!
//! A connection that is closed while its client is still sending is reset, and the client may lose
//! the answer that was on its way. So what a refusal left unread is read to its end and thrown away
//! before the answer is sent, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Bodies up to this size arrive with their request, and the server reads them itself.
const SMALL_BYTES: u64 = 8 * 1024;
/// The most bytes that are thrown away.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the client is listened to.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Where the unread part of a body comes back to.
pub(in crate::http) struct Leftover(Option<oneshot::Receiver<BodyDataStream>>);

/// A body that gives back what was not read of it, and where to.
pub(in crate::http) fn lend(body: Body) -> (Body, Leftover) {
    if body
        .size_hint()
        .upper()
        .is_some_and(|upper| upper <= SMALL_BYTES)
    {
        return (body, Leftover(None));
    }
    let (back, leftover) = oneshot::channel();
    let lent = Lent {
        stream: Some(body.into_data_stream()),
        back: Some(back),
    };
    (Body::from_stream(lent), Leftover(Some(leftover)))
}

impl Leftover {
    /// Reads what is left, once the body was dropped.
    pub(in crate::http) async fn discard(self) {
        let Some(leftover) = self.0 else { return };
        let Ok(mut stream) = leftover.await else {
            return;
        };
        let read = async {
            let mut length = 0;
            while let Some(Ok(chunk)) = stream.next().await {
                length += chunk.len();
                if length > BYTES_MAX {
                    break;
                }
            }
        };
        // However far it came, the answer follows.
        drop(timeout(TIME_MAX, read).await);
    }
}

struct Lent {
    stream: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.stream {
            Some(stream) => stream.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // There is no receiver when the whole request was given up.
            drop(back.send(stream));
        }
    }
}
