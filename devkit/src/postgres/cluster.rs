//! The cluster on disk: where it lives, who owns it, how it is made, and that nobody else uses it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::{Error, Installation, OWNER, RELOCATED, installation::run};

/// A cluster's place, held against everybody else.
pub(super) struct Cluster {
    /// Where the cluster is, which may not be the directory asked for.
    pub(super) dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) password: String,
    /// The file the lock is on, for as long as it is open: also a killed process lets go of it.
    _lock: File,
}

impl Cluster {
    /// Finds the place of the cluster asked for in `data_dir`, locks it and reads its password.
    pub(super) async fn open(data_dir: &Path) -> Result<Self, Error> {
        let data_dir = std::path::absolute(data_dir).map_err(at(data_dir))?;
        let parent = data_dir.parent().unwrap_or(&data_dir);
        fs::create_dir_all(parent).map_err(at(parent))?;
        let lock = lock(&data_dir)?;
        let dir = if is_cluster(&data_dir) || !is_root() || can_reach(parent).await? {
            data_dir.clone()
        } else {
            relocated(&data_dir)
        };
        let password = password(&beside(&data_dir, ".password"), is_cluster(&dir))?;
        Ok(Self {
            dir,
            log: beside(&data_dir, ".log"),
            password,
            _lock: lock,
        })
    }

    /// The major version it was made by; none when there is no cluster yet.
    pub(super) fn version(&self) -> Result<Option<String>, Error> {
        if is_cluster(&self.dir) {
            let file = self.dir.join("PG_VERSION");
            let version = fs::read_to_string(&file).map_err(at(&file))?;
            return Ok(Some(version.trim_end().to_owned()));
        }
        match fs::read_dir(&self.dir).map(Iterator::count) {
            Ok(0) => Ok(None),
            Ok(_) => Err(Error::NotACluster(self.dir.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&self.dir)(error)),
        }
    }

    /// Makes the cluster beside its place and then moves it there: a half-made one is never met.
    ///
    /// `C.UTF-8` knows every letter's case and sorts by code point: the same on every machine.
    pub(super) async fn create(&self, installation: &Installation) -> Result<(), Error> {
        let staging = beside(&self.dir, ".new");
        remove(&staging)?;
        let mut install = Command::new("install");
        if is_root() {
            install.args(["-o", "postgres", "-g", "postgres"]);
            let parent = staging.parent().unwrap_or(&staging);
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        run(install.args(["-d", "-m", "700"]).arg(&staging)).await?;
        let password = staging.join("password");
        write_private(&password, &self.password)?;
        hand_over(&password, &staging)?;
        let made = staging.join("cluster");
        let mut initdb = as_owner_of(&staging, &installation.program("initdb"))?;
        initdb
            .args([
                "--username",
                OWNER,
                "--auth=scram-sha-256",
                "--no-instructions",
            ])
            .args(["--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&made);
        run(&mut initdb).await?;
        fs::rename(&made, &self.dir).map_err(at(&self.dir))?;
        remove(&staging)
    }

    /// A pid file left by a server that was killed names a process that is gone, which the server
    /// sees for itself, or by now another process of the same user, which would make it refuse.
    pub(super) fn clear_stale_pid_file(&self) -> Result<(), Error> {
        let file = self.dir.join("postmaster.pid");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let Some(pid) = text
            .lines()
            .next()
            .and_then(|line| line.parse::<u32>().ok())
        else {
            return Ok(());
        };
        // A postmaster works in its data directory.
        match fs::read_link(format!("/proc/{pid}/cwd")) {
            Ok(cwd) if Some(&cwd) != fs::canonicalize(&self.dir).ok().as_ref() => remove(&file),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A program that runs as the owner of the cluster and ends with the thread that spawns it.
    pub(super) fn command(&self, program: &OsString) -> Result<Command, Error> {
        as_owner_of(&self.dir, program)
    }
}

fn is_cluster(dir: &Path) -> bool {
    dir.join("PG_VERSION").exists()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether the user `postgres` may enter a directory.
async fn can_reach(dir: &Path) -> Result<bool, Error> {
    let mut test = Command::new("setpriv");
    test.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--clear-groups",
    ])
    .args(["--", "test", "-x"])
    .arg(dir);
    match run(&mut test).await {
        Ok(()) => Ok(true),
        // `test` prints nothing; `setpriv` says that there is no such user.
        Err(Error::Program { output, .. }) if output.is_empty() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The place in [`RELOCATED`] that stands for a directory.
fn relocated(data_dir: &Path) -> PathBuf {
    let mut hash = hex::encode(Sha256::digest(data_dir.as_os_str().as_encoded_bytes()));
    hash.truncate(16);
    Path::new(RELOCATED).join(hash)
}

/// A program run as the owner of `dir`, from `/`, which every user can read, and killed with the
/// thread that spawns it. Only root can, and has to, become somebody else.
fn as_owner_of(dir: &Path, program: &OsString) -> Result<Command, Error> {
    let owner = fs::metadata(dir).map_err(at(dir))?;
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "QUIT"])
        .current_dir("/")
        .env("LC_ALL", "C");
    if is_root() {
        command
            .arg(format!("--reuid={}", owner.uid()))
            .arg(format!("--regid={}", owner.gid()));
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program);
    Ok(command)
}

/// Takes the lock on a data directory, whose file lies beside it.
fn lock(data_dir: &Path) -> Result<File, Error> {
    let path = beside(data_dir, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(at(&path)(source)),
    }
}

/// The cluster's password: kept, or made with the cluster.
fn password(path: &Path, cluster_exists: bool) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(password) if !password.is_empty() => Ok(password),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ if cluster_exists => Err(Error::PasswordMissing(path.to_owned())),
        _ => {
            let password = hex::encode(rand::random::<[u8; 16]>());
            remove(path)?;
            write_private(path, &password)?;
            Ok(password)
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(at(path))
}

/// Gives a file to the owner of `dir`.
fn hand_over(file: &Path, dir: &Path) -> Result<(), Error> {
    let owner = fs::metadata(dir).map_err(at(dir))?;
    std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid())).map_err(at(file))
}

/// `data/postgres` and `.log` → `data/postgres.log`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes a file or a directory; neither is fine too.
fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says where an error of the file system happened.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Error::File {
        path: path.to_owned(),
        source,
    }
}
