//! `ledger bisect`: the first record at which something turned true, or at which two releases part.

use events::ids::Position;

use crate::history::bisect::{Predicate, Turn, turns};
use crate::history::find::FoundStream;
use crate::history::questions::Questions;
use crate::history::{Error, Shape, parsed};

/// Which turns of a predicate are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The first at which it turned true.
    First,
    /// The same, by halving: right if it stayed true ever since.
    Monotone,
    /// All of them, also those at which it turned false.
    Every,
}

impl Questions<'_> {
    /// The records at which a predicate turned, in order.
    pub async fn bisect(
        &self,
        id: &str,
        shape: &Shape,
        predicate: &Predicate,
        sought: Sought,
    ) -> Result<Vec<Turn>, Error> {
        let found = self.find(id).await?;
        let shape = &shape.of(found.kind)?;
        self.note(&found.stream, "bisect").await?;
        let head = found.head;
        if self.past(&found, head).await?.is_erased {
            return Err(Error::Erased);
        }
        let (after, until) = match sought {
            Sought::First | Sought::Every => (Position::START, head),
            Sought::Monotone => match self.halve(&found, shape, predicate).await? {
                Some(position) => (position.previous(), position),
                None => return Ok(vec![]),
            },
        };
        let history = self.history(&found, after, until).await?;
        let turns = turns(&history, shape, predicate);
        Ok(match sought {
            Sought::Every => turns.collect(),
            Sought::First | Sought::Monotone => turns.filter(|turn| turn.is_true).take(1).collect(),
        })
    }

    /// The position from which on a predicate holds, if it holds now and did not turn more than once.
    async fn halve(
        &self,
        found: &FoundStream,
        shape: &Shape,
        predicate: &Predicate,
    ) -> Result<Option<Position>, Error> {
        let holds = async |position| {
            let past = self.past(found, position).await?;
            let document = shape.document(&past.state);
            Ok::<_, Error>(predicate.holds(&parsed(document.as_deref())))
        };
        if !holds(found.head).await? {
            return Ok(None);
        }
        let (mut low, mut high) = (Position::START, found.head);
        while high.since(low) > 1 {
            let middle = low.plus(high.since(low) / 2);
            if holds(middle).await? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(Some(high))
    }
}
