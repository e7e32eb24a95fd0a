//! `ledger replay`: a customer's life, step by step. A step is a record, and the document right after
//! it.

use events::ids::Position;
use jiff::Timestamp;
use serde_json::Value;

use crate::history::questions::Questions;
use crate::history::{Entry, Error, History, Shape, When, parsed};

/// A customer's history, and the current step in it.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Never empty.
    steps: Vec<(Entry, Option<String>)>,
    at: usize,
}

/// A step: a record, and the documents before and after it. Null is no customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// The record.
    pub entry: &'a Entry,
    /// The document before it.
    pub before: Value,
    /// The document after it.
    pub after: Value,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the next record.
    Next,
    /// To the one before.
    Previous,
    /// To the last record that is not later than a position.
    Jump(Position),
    /// Away.
    Quit,
}

/// Why the step stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stay {
    /// There is nothing behind.
    #[error("this is the last event")]
    Last,
    /// There is nothing before.
    #[error("this is the first event")]
    First,
    /// The customer is younger.
    #[error("it was not there yet: it was created at position {position}, {time}")]
    BeforeBirth {
        /// Where it begins.
        position: Position,
        /// When.
        time: Timestamp,
    },
    /// It is no move.
    #[error("write n (next), p (previous), j POSITION (jump) or q (quit)")]
    Unknown,
}

impl Move {
    /// Reads a line of input; an empty one is the next step.
    pub fn parse(line: &str) -> Result<Self, Stay> {
        let mut words = line.split_whitespace();
        let parsed = match (words.next(), words.next()) {
            (None | Some("n" | "next"), None) => Some(Self::Next),
            (Some("p" | "previous"), None) => Some(Self::Previous),
            (Some("q" | "quit"), None) => Some(Self::Quit),
            (Some("j" | "jump"), Some(position)) => position.parse().ok().map(Self::Jump),
            _ => None,
        };
        parsed
            .filter(|_| words.next().is_none())
            .ok_or(Stay::Unknown)
    }
}

impl Replay {
    /// The life that a history tells, seen from its beginning; none where nothing happened in it.
    pub fn new(history: &History, shape: &Shape) -> Option<Self> {
        let documents = history.documents(shape);
        let steps: Vec<_> = documents
            .map(|(entry, document)| (entry.clone(), document))
            .collect();
        (!steps.is_empty()).then_some(Self { steps, at: 0 })
    }

    /// What is seen now.
    pub fn step(&self) -> Option<Step<'_>> {
        let (entry, after) = self.steps.get(self.at)?;
        let before = self.at.checked_sub(1).and_then(|at| self.steps.get(at));
        let before = before.and_then(|(_, document)| document.as_deref());
        Some(Step {
            number: self.at + 1,
            count: self.steps.len(),
            entry,
            before: parsed(before),
            after: parsed(after.as_deref()),
        })
    }

    /// Goes somewhere; on [`Move::Quit`] it stays. An error says why it stays otherwise.
    pub fn go(&mut self, to: Move) -> Result<(), Stay> {
        self.at = match to {
            Move::Quit => self.at,
            Move::Next if self.at + 1 == self.steps.len() => return Err(Stay::Last),
            Move::Next => self.at + 1,
            Move::Previous => self.at.checked_sub(1).ok_or(Stay::First)?,
            Move::Jump(position) => {
                let passed = |(entry, _): &(Entry, _)| entry.position() <= position;
                let passed = self.steps.partition_point(passed);
                passed.checked_sub(1).ok_or_else(|| self.before_birth())?
            }
        };
        Ok(())
    }

    fn before_birth(&self) -> Stay {
        self.steps
            .first()
            .map_or(Stay::First, |(entry, _)| Stay::BeforeBirth {
                position: entry.position(),
                time: entry.time(),
            })
    }
}

impl Questions<'_> {
    /// A customer's life, up to a point in time.
    pub async fn replay(
        &self,
        id: &str,
        until: Option<When>,
        shape: &Shape,
    ) -> Result<Replay, Error> {
        let found = self.find(id).await?;
        let shape = &shape.of(found.kind)?;
        let until = self.position(until, &found).await?;
        self.note(&found.stream, "replay").await?;
        if self.past(&found, until).await?.is_erased {
            return Err(Error::Erased);
        }
        let history = self.history(&found, Position::START, until).await?;
        match Replay::new(&history, shape) {
            Some(replay) => Ok(replay),
            None => Err(self.before_birth(&found).await?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::told;

    fn replay() -> Replay {
        Replay::new(&told::history(), &told::shape()).unwrap()
    }

    #[test]
    fn a_life_is_walked_in_both_directions() {
        let mut replay = replay();
        let name = |replay: &Replay| replay.step().unwrap().after["customer"]["first_name"].clone();
        assert_eq!(
            (replay.step().unwrap().number, replay.step().unwrap().count),
            (1, 6)
        );
        assert_eq!(replay.step().unwrap().before, Value::Null);
        assert_eq!(replay.go(Move::Previous), Err(Stay::First));
        assert_eq!(name(&replay), "Ann");
        replay.go(Move::Next).unwrap();
        assert_eq!(name(&replay), "Bob");
        assert_eq!(
            replay.step().unwrap().before["customer"]["first_name"],
            "Ann"
        );
        replay.go(Move::Jump(Position::new(4))).unwrap();
        assert_eq!(name(&replay), "Cy");
        replay.go(Move::Previous).unwrap();
        assert_eq!(name(&replay), "Bob");
        replay.go(Move::Jump(Position::new(99))).unwrap();
        assert_eq!(replay.step().unwrap().number, 6);
        assert_eq!(replay.step().unwrap().after, Value::Null, "deleted");
        assert_eq!(replay.go(Move::Next), Err(Stay::Last));
        assert!(matches!(
            replay.go(Move::Jump(Position::START)),
            Err(Stay::BeforeBirth {
                position: Position::FIRST,
                ..
            })
        ));
        assert_eq!(replay.step().unwrap().number, 6, "it stays");
    }

    #[test]
    fn a_move_is_a_letter_or_a_word() {
        for (line, expected) in [
            ("", Ok(Move::Next)),
            (" n\n", Ok(Move::Next)),
            ("previous", Ok(Move::Previous)),
            ("j 12", Ok(Move::Jump(Position::new(12)))),
            ("j 12", Ok(Move::Jump(Position::new(12)))),
            ("q", Ok(Move::Quit)),
            ("j", Err(Stay::Unknown)),
            ("j x", Err(Stay::Unknown)),
            ("n n", Err(Stay::Unknown)),
            ("n n n", Err(Stay::Unknown)),
            ("12", Err(Stay::Unknown)),
        ] {
            assert_eq!(Move::parse(line), expected, "{line:?}");
        }
    }
}
