//! Every connection is an open file, and the process may open only so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no connection of a client: the log, Postgres, Kafka.
const OTHERS: u64 = 256;

/// How many connections there is room for, at most as many as are wanted. The process may open as
/// many files as its system lets it.
pub(super) fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = room(files);
    if room < wanted {
        tracing::warn!(
            room,
            wanted,
            "the limit of open files leaves room for fewer connections than HTTP_CONNECTIONS_MAX"
        );
    }
    wanted.min(room)
}

/// How many connections fit under a limit of open files; `None` is no limit.
fn room(files: Option<u64>) -> usize {
    let room = files.map_or(u64::MAX, |files| files.saturating_sub(OTHERS).max(1));
    usize::try_from(room).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_beside_all_other_files() {
        assert_eq!(room(None), usize::MAX);
        assert_eq!(room(Some(1024)), 768);
        assert_eq!(room(Some(20)), 1);
    }
}
