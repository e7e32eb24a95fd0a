//! `ledger dev` as a process, with an environment of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use devkit::http::{Answer, Call};
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running `ledger dev` that said it is ready. Dropped, it is killed.
pub(super) struct Dev {
    child: Child,
    data: PathBuf,
    /// What it printed.
    pub(super) said: Arc<Mutex<String>>,
    /// `dev.env`, as a shell reads it.
    pub(super) environment: BTreeMap<String, String>,
}

/// A command with nothing of the tests' own environment but where programs are.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// `ledger dev` on some data, at a free port.
pub(super) fn ledger_dev(data: &Path, settings: &[(&str, &str)]) -> Command {
    let mut dev = command(env!("CARGO_BIN_EXE_ledger"));
    dev.arg("dev")
        .env("LEDGER_DATA", data)
        .env("LEDGER_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        // A terminal's Ctrl-C goes to the group.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    dev
}

impl Dev {
    /// Starts one, and waits until it is ready.
    pub(super) async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut child = ledger_dev(data, settings).spawn().unwrap();
        let (said, logged) = (Arc::default(), Arc::default());
        keep(child.stdout.take().unwrap(), Arc::clone(&said));
        keep(child.stderr.take().unwrap(), Arc::clone(&logged));
        wait::until("it says that it is ready", async || {
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "{}", logged.lock().unwrap());
            said.lock().unwrap().contains("Ctrl-C").then_some(())
        })
        .await;
        let environment = environment(&data.join("dev.env")).await;
        let dev = Self {
            child,
            data: data.to_owned(),
            said,
            environment,
        };
        let ready = dev.call(Method::GET, "/ready").send().await;
        assert_eq!(ready.status, 200, "{}", ready.body);
        dev
    }

    /// A variable of `dev.env`.
    #[track_caller]
    pub(super) fn get(&self, name: &str) -> &str {
        self.environment
            .get(name)
            .unwrap_or_else(|| panic!("dev.env has no {name}"))
    }

    /// A request without a token.
    pub(super) fn call(&self, method: Method, path: &str) -> Call {
        Call::new(method, self.get("BASE_URL"), path)
    }

    /// A request of the demo admin.
    pub(super) fn medusa(&self, method: Method, path: &str) -> Call {
        self.call(method, path)
            .header("x-medusa-access-token", self.get("MEDUSA_API_TOKEN"))
    }

    /// A request of the demo app.
    pub(super) fn shopline(&self, method: Method, path: &str) -> Call {
        let bearer = format!("Bearer {}", self.get("SHOPLINE_TOKEN"));
        self.call(method, &format!("/admin/openapi/v20220901/{path}"))
            .header("authorization", &bearer)
    }

    /// A request to the ledger's own API.
    pub(super) fn ids(&self, id: &str) -> Call {
        let bearer = format!("Bearer {}", self.get("LEDGER_TOKEN"));
        self.call(Method::GET, &format!("/ledger/customers/{id}"))
            .header("authorization", &bearer)
    }

    /// Creates a guest: its id in Medusa.
    pub(super) async fn create_guest(&self, first_name: &str) -> String {
        let guest = json!({ "email": format!("{first_name}@example.com"), "password": "",
            "first_name": first_name, "last_name": "Lee" });
        let answer = self
            .medusa(Method::POST, "/admin/customers")
            .json(&guest)
            .send()
            .await;
        answer.ok()["customer"]["id"].as_str().unwrap().to_owned()
    }

    /// A customer's first name, as both shops show it.
    pub(super) async fn first_name(&self, id: &str) -> String {
        let medusa = self.medusa(Method::GET, &format!("/admin/customers/{id}"));
        let medusa = medusa.send().await.ok()["customer"]["first_name"].clone();
        let ids = self.ids(id).send().await.ok();
        let path = format!(
            "customers/v2/{}.json",
            ids["ids"]["shopline"].as_str().unwrap()
        );
        let shopline: Answer = self.shopline(Method::GET, &path).send().await;
        assert_eq!(shopline.ok()["customer"]["first_name"], medusa);
        medusa.as_str().map(ToOwned::to_owned).unwrap()
    }

    /// Gives a customer another first name.
    pub(super) async fn rename(&self, id: &str, name: &str) -> Option<Value> {
        let call = self.medusa(Method::POST, &format!("/admin/customers/{id}"));
        let answer = call
            .json(&json!({ "first_name": name }))
            .try_send()
            .await
            .ok()?;
        Some(answer.ok())
    }

    /// The two requests that it printed.
    pub(super) fn printed_requests(&self) -> Vec<String> {
        let said = self.said.lock().unwrap();
        let lines = said.lines().map(str::trim);
        lines
            .filter(|line| line.starts_with("curl "))
            .map(ToOwned::to_owned)
            .collect()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal to it, or to its whole group, and waits until it ended: its exit code.
    pub(super) async fn signal(mut self, signal: &str, group: bool) -> Option<i32> {
        let pid = self.pid();
        send_signal(
            signal,
            &if group {
                format!("-{pid}")
            } else {
                pid.to_string()
            },
        )
        .await;
        let status = self.child.wait().await.unwrap();
        nothing_runs(&self.data).await;
        status.code()
    }
}

/// Runs one that is expected to end by itself: its exit code, and what it said on standard error.
pub(super) async fn fails(data: &Path, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = ledger_dev(data, settings).output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(40), output).await;
    let output = output.expect("it ends by itself").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "",
        "it is not ready"
    );
    nothing_runs(data).await;
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Waits until no server works on these data, as every process of Postgres does in its directory.
pub(super) async fn nothing_runs(data: &Path) {
    let place = data.join("postgres");
    wait::until("no server is left", async || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut places = processes.filter_map(|p| fs::read_link(p.path().join("cwd")).ok());
        (!places.any(|at| at == place)).then_some(())
    })
    .await;
}

/// Kills a process as the kernel does.
pub(super) async fn kill(pid: u32) {
    send_signal("KILL", &pid.to_string()).await;
}

async fn send_signal(signal: &str, target: &str) {
    let script = format!("kill -s {signal} -- {target}");
    let sent = command("sh").args(["-c", &script]).status().await.unwrap();
    assert!(sent.success(), "{script}");
}

/// What a shell finds in a file of variables.
async fn environment(file: &Path) -> BTreeMap<String, String> {
    let mut shell = command("sh");
    shell.args(["-c", "set -a; . \"$0\"; exec env"]).arg(file);
    let output = shell.output().await.unwrap();
    assert!(output.status.success(), "{}", file.display());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Reads on, so that the process never waits for a reader.
fn keep(from: impl AsyncRead + Send + Unpin + 'static, into: Arc<Mutex<String>>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).take(10_000_000).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut into = into.lock().unwrap();
            into.push_str(&line);
            into.push('\n');
        }
    });
}
