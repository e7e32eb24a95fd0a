//! Records of streams, unsealed.

use events::ids::{Position, Sequence, StreamId};
use events::record::{Record, StreamKind};
use events::{CustomerEvent, GroupEvent};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::event_store::reader::{self, decode};
use crate::event_store::{Ledger, StoreError};

impl Ledger {
    /// The records of a customer after a sequence, up to another.
    pub(crate) async fn own_records(
        &self,
        stream: &StreamId,
        after: Sequence,
        until: Sequence,
    ) -> Result<Vec<Record<CustomerEvent>>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let kind = StreamKind::Customer;
        let stored = reader::stream(&mut *connection, kind, stream, after, until).await?;
        let keys = reader::keys(&mut connection, &self.keyring, &[stream]).await?;
        let key = keys.get(stream).map(AsRef::as_ref);
        stored.iter().map(|stored| decode(stored, key)).collect()
    }

    /// The records of groups up to a position, group by group, each in order.
    pub(crate) async fn group_records(
        &self,
        streams: &[&StreamId],
        until: Position,
    ) -> Result<Vec<Record<GroupEvent>>, StoreError> {
        let kind = StreamKind::CustomerGroup;
        let records = reader::streams_until(&self.pool, kind, streams, until);
        // Of a group, the callers' words are sealed.
        records
            .map(|record| {
                let (stored, key) = record?;
                let key = reader::key_of(&self.keyring, &stored, key.as_ref())?;
                decode(&stored, key.as_ref())
            })
            .try_collect()
            .await
    }
}
