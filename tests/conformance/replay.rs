//! Sends the cases over TCP, one connection each, and compares the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devkit::http::Connection;
use devkit::wait;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use tokio::net::TcpStream;

use super::cases::{self, Case, Kind, RECORDED_RUN, Raw};
use super::compare::{Answer, Comparison};
use super::proofs;
use super::races;
use super::tree::Tree;
use super::world::{Missing, World};

/// What came of a whole run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many `contract` cases were sent and answered.
    pub(crate) contract_count: usize,
    /// Cases whose answers differ, and in what.
    pub(crate) mismatches: Vec<Mismatch>,
}

#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Never empty. A case that could not be sent differs in that.
    pub(crate) differences: Vec<String>,
}

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Times are shown in milliseconds, and a case may have to show a later one than the last.
const PAUSE: Duration = Duration::from_millis(2);

/// Replays the selected cases against the Medusa contract at a base URL, such as
/// `http://127.0.0.1:9000`, with an API token that may do everything.
pub(crate) async fn run(base: &str, token: &str) -> Report {
    let run = format!("r{:08x}", rand::random::<u32>());
    let target = Target {
        authority: base
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned(),
        token: token.to_owned(),
    };
    let mut worlds = [World::new(RECORDED_RUN), World::new(&run)];
    worlds.iter_mut().for_each(proofs::prepare);
    let [recorded, here] = worlds;
    let mut comparison = Comparison::new(recorded, here);
    let mut report = Report::default();
    for case in cases::selected() {
        tokio::time::sleep(PAUSE).await;
        let differences = match replay(&target, &case, &comparison.world).await {
            Ok(answer) => {
                report.contract_count += usize::from(case.kind == Kind::Contract);
                comparison.differences(&case, &answer)
            }
            Err(error) => vec![format!("not sent or not answered: {error}")],
        };
        report.add(case, differences);
    }
    for case in cases::races() {
        let differences = races::run(&target, &case, &comparison.world).await;
        report.add(case, differences);
    }
    report
}

impl Report {
    fn add(&mut self, case: Case, differences: Vec<String>) {
        if !differences.is_empty() {
            self.mismatches.push(Mismatch {
                name: case.name,
                kind: case.kind,
                differences,
            });
        }
    }
}

pub(super) struct Target {
    authority: String,
    token: String,
}

async fn replay(target: &Target, case: &Case, world: &World) -> Result<Answer, Error> {
    let request = case.request.as_ref().ok_or("the case has no request")?;
    target.send(request, world).await
}

impl Target {
    /// Sends a request; again as long as it is for a list that is behind or given up, as it may be on a
    /// busy machine.
    pub(super) async fn send(
        &self,
        request: &cases::Request,
        world: &World,
    ) -> Result<Answer, Error> {
        wait::until("no list is behind or given up", async || {
            let sent = self.send_once(request, world).await;
            let again = sent.as_ref().is_ok_and(|answer| {
                let reads = ["GET", "HEAD"].contains(&request.method.as_str());
                reads && (answer.status == 503 || answer.headers.contains_key("ledger-behind"))
            });
            (!again).then_some(sent)
        })
        .await
    }

    async fn send_once(&self, request: &cases::Request, world: &World) -> Result<Answer, Error> {
        let request = self.build(request, world)?;
        let stream = TcpStream::connect(&self.authority).await?;
        let answer = Connection::over(stream).await?.send(request).await?;
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &answer.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        Ok(Answer {
            status: answer.status,
            headers,
            body: answer.body,
        })
    }

    fn build(&self, case: &cases::Request, world: &World) -> Result<Request<Full<Bytes>>, Error> {
        let fill = |text: &str| world.fill(text).map_err(error);
        let body = body(case, world)?;
        let mut headers = BTreeMap::new();
        let auth = case.auth.as_deref().unwrap_or("token");
        match auth.split_once(':') {
            Some(("bearer", name)) => {
                let value = format!("Bearer {}", world.get(name).map_err(error)?);
                headers.insert("authorization", value);
            }
            Some(("cookie", name)) => {
                headers.insert("cookie", world.get(name).map_err(error)?.to_owned());
            }
            _ if auth == "token" => {
                headers.insert("x-medusa-access-token", self.token.clone());
            }
            Some(_) | None => {}
        }
        if body.is_some() {
            headers.insert("content-type", "application/json".to_owned());
        }
        for (name, value) in &case.headers {
            match value {
                Some(value) => headers.insert(name, fill(value)?),
                None => headers.remove(name.as_str()),
            };
        }
        let mut request = Request::builder()
            .method(case.method.as_str())
            .uri(fill(&case.path)?)
            .header("host", &self.authority);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if body.is_none() && case.method == "POST" {
            request = request.header("content-length", "0");
        }
        Ok(request.body(Full::from(body.unwrap_or_default()))?)
    }
}

pub(crate) fn body(case: &cases::Request, world: &World) -> Result<Option<Vec<u8>>, Error> {
    if let Some(json) = &case.json {
        let tree = Tree::from_raw(json)?.map(&|text| world.fill(text));
        return Ok(Some(tree.map_err(error)?.to_string().into_bytes()));
    }
    if let Some(base64) = &case.raw_b64 {
        return Ok(Some(STANDARD.decode(base64)?));
    }
    Ok(match &case.raw {
        None => None,
        Some(Raw::Text(text)) => Some(world.fill(text).map_err(error)?.into_bytes()),
        Some(Raw::Long {
            prefix,
            unit,
            count,
            suffix,
        }) => Some(format!("{prefix}{}{suffix}", unit.repeat(*count)).into_bytes()),
    })
}

fn error(Missing(name): Missing) -> Error {
    format!("the variable {name} was never saved").into()
}
