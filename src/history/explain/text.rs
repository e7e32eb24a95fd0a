//! An explanation for people: a line a step, what belongs to it indented below.

use std::fmt;

use super::{Asked, Event, Explained, Reached, Refusal, Topic, View, Who};

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "request {}", self.request)?;
        for command in &self.commands {
            writeln!(f, "command {}", command.asked)?;
            for event in &command.events {
                write!(f, "{event}")?;
            }
        }
        for Refusal {
            asked,
            status,
            kind,
            fields,
        } in &self.refusals
        {
            write!(f, "refused {asked}: {status} {kind}")?;
            if !fields.is_empty() {
                write!(f, " ({})", fields.join(", "))?;
            }
            writeln!(f)?;
        }
        if self.is_cut {
            writeln!(
                f,
                "more events or refusals have this id: these are the first"
            )?;
        }
        for Reached {
            projection,
            watermark,
            head,
        } in &self.projections
        {
            writeln!(f, "projection {projection} holds {watermark} of {head}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            time,
            actor: Who { kind, id },
            contract,
            route,
        } = self;
        write!(f, "{time} {contract} {route} by {kind} {id}")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            stream,
            sequence,
            type_name,
            version,
            ..
        } = self;
        writeln!(
            f,
            "  event {position} {type_name} {version}, sequence {sequence} of {stream}"
        )?;
        writeln!(f, "    topic {}", self.topic)?;
        for view in &self.views {
            writeln!(f, "    view {view}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent {
                topic,
                partition,
                offset,
                time,
            } => {
                write!(f, "{topic} partition {partition} offset {offset}")?;
                time.map_or(Ok(()), |time| write!(f, " at {time}"))
            }
            Self::Waiting => f.write_str("not sent yet"),
            Self::Missing => f.write_str("sent, and no longer there"),
            Self::Unknown { why } => write!(f, "sent; where is not known: {why}"),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        match self.sequence {
            None => write!(f, "{table} has no row yet"),
            Some(sequence) if self.holds => write!(f, "{table} holds it, at sequence {sequence}"),
            Some(sequence) => write!(f, "{table} does not hold it yet, at sequence {sequence}"),
        }
    }
}
