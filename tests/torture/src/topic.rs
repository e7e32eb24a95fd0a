//! What the ledger's topic holds.

use devkit::kafka::topic;

use crate::cluster::TOPIC;

/// A record as any consumer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its partition.
    pub(crate) partition: i32,
    /// Its key: the stream.
    pub(crate) key: String,
    /// Its value: the payload.
    pub(crate) value: String,
    /// The ledger's position.
    pub(crate) position: i64,
    /// The sequence in the stream.
    pub(crate) sequence: i64,
}

/// Everything committed in it, in the order of each partition.
pub(crate) async fn read(brokers: &str) -> Result<Vec<Message>, topic::Error> {
    let read = topic::read(brokers, TOPIC).await?;
    Ok(read.messages.into_iter().map(Message::from).collect())
}

impl From<topic::Message> for Message {
    fn from(message: topic::Message) -> Self {
        let number = |name: &str| message.find(name).and_then(|value| value.parse().ok());
        Self {
            partition: message.partition,
            position: number("ce_ledgerposition").unwrap_or(0),
            sequence: number("ce_sequence").unwrap_or(0),
            key: message.key,
            value: message.value,
        }
    }
}
