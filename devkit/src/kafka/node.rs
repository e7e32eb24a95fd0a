//! One node of a real Kafka, as a process of its own: started, killed, and started again on the data it
//! has.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{fs, io};

use tokio::process::{Child, Command};
use tokio::time::sleep;

/// The functions that know how a node is run.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kafka.sh");
const START_MAX: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(50);
/// How many lines of its log an error shows.
const TAIL_LINES: usize = 20;

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not start; the end of its log.
    #[error("Kafka failed (it needs Java, and the jars that `./dev` fetches):\n{0}")]
    Failed(String),
    /// The system did not do something.
    #[error("{what}")]
    System {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// One node with its data.
pub struct Node {
    dir: PathBuf,
    /// Its own port, behind the proxy.
    pub port: u16,
    child: Option<Child>,
}

impl Node {
    /// Makes an empty node whose clients are told to come to the port of a proxy.
    pub async fn make(dir: &Path, ports: [u16; 2], advertised: u16) -> Result<Self, Error> {
        fs::create_dir(dir).map_err(system("Kafka's directory"))?;
        let [port, controller] = ports;
        let made = script("make_kafka \"$@\"")
            .arg(dir)
            .args([port, controller, advertised].map(|port| port.to_string()))
            .status()
            .await;
        if !made.map_err(system("bash could not be run"))?.success() {
            return Err(Error::Failed(tail(&log(dir))));
        }
        Ok(Self {
            dir: dir.to_owned(),
            port,
            child: None,
        })
    }

    /// Starts it, unless it runs, and waits until it says that it listens.
    pub async fn start(&mut self) -> Result<(), Error> {
        if self.child.is_some() {
            return Ok(());
        }
        let said = log(&self.dir).matches("Kafka Server started").count();
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .args(["bash", "-c"])
            .arg("source \"$0\"; become_kafka \"$@\"")
            .arg(SCRIPT)
            .arg(&self.dir)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let child = self.child.insert(command.spawn().map_err(system(
            "setpriv could not be run: the package util-linux has it",
        ))?);
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
            if log(&self.dir).matches("Kafka Server started").count() > said {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(Error::Failed(tail(&log(&self.dir))))
    }

    /// Kills it, if it runs.
    pub async fn kill(&mut self) -> Result<(), Error> {
        match self.child.take() {
            Some(mut child) => child.kill().await.map_err(system("Kafka did not end")),
            None => Ok(()),
        }
    }
}

fn script(call: &str) -> Command {
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(format!("source \"$0\"; {call}"))
        .arg(SCRIPT)
        .stdin(Stdio::null());
    command
}

/// What it has said.
fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("kafka.log")).unwrap_or_default()
}

fn tail(log: &str) -> String {
    let skipped = log.lines().count().saturating_sub(TAIL_LINES);
    log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
}
