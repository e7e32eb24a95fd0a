//! The server programs that are installed.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{Error, VERSION_MIN};

/// One installed version.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    pub(super) major: u32,
    /// Its programs' directory; without one they are on the `PATH`.
    dir: Option<PathBuf>,
}

impl Installation {
    /// How to call one of its programs.
    pub(super) fn program(&self, name: &str) -> OsString {
        program(self.dir.as_deref(), name)
    }
}

/// All installed versions that will do, the newest first: those of Debian's layout, the one that
/// `pg_config` names, the one on the `PATH`.
pub(super) async fn find() -> Vec<Installation> {
    let mut dirs: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| Some(version.path().join("bin")))
        .collect();
    if let Some(dir) = output(Command::new("pg_config").arg("--bindir")).await {
        dirs.push(Some(PathBuf::from(dir.trim_end())));
    }
    dirs.push(None);
    let mut found = Vec::new();
    for dir in dirs {
        let version = output(Command::new(program(dir.as_deref(), "postgres")).arg("-V")).await;
        if let Some(major) = version.as_deref().and_then(major)
            && major >= VERSION_MIN
        {
            found.push(Installation { major, dir });
        }
    }
    found.sort_by_key(|installation| std::cmp::Reverse(installation.major));
    found
}

/// Runs a program to its end; its failure is an error with what it printed.
pub(super) async fn run(command: &mut Command) -> Result<(), Error> {
    let program = || {
        command
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned()
    };
    let program = program();
    let output = command.output().await.map_err(|source| Error::Run {
        program: program.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Program { program, output })
}

fn program(dir: Option<&Path>, name: &str) -> OsString {
    dir.map_or_else(|| name.into(), |dir| dir.join(name).into_os_string())
}

/// What a program prints; nothing when it is not there or fails, which here is the same.
async fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .await
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// The major version in `postgres (PostgreSQL) 17.2 (Debian 17.2-1)` or `… 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
