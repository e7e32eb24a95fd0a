//! Who is at the command line.

use events::record::{Actor, ActorKind};

/// The user of the operating system, by name where it has one.
pub(super) fn operator() -> Actor {
    let uid = uzers::get_current_uid();
    let user = uzers::get_user_by_uid(uid);
    let name = user.and_then(|user| user.name().to_str().map(ToOwned::to_owned));
    Actor {
        kind: ActorKind::Operator,
        id: name.unwrap_or_else(|| uid.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_name() {
        let Actor { kind, id } = operator();
        assert_eq!(kind, ActorKind::Operator);
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let uid = uzers::get_current_uid().to_string();
        let line = users
            .lines()
            .find(|line| line.split(':').nth(2) == Some(uid.as_str()));
        let name = line.and_then(|line| line.split(':').next());
        assert_eq!(id, name.unwrap_or(&uid));
    }
}
