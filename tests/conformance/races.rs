//! Requests at the same time. The real thing loses some of what it answers with 200; here every
//! request is answered, and nothing is lost.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::cases::Case;
use super::replay::{Error, Target};
use super::tree::Tree;
use super::world::World;

/// What came of requests at the same time.
struct Raced {
    /// How often each status came.
    statuses: BTreeMap<u16, usize>,
    /// What is there in the end.
    then: Tree,
}

/// Sends a race's requests all at once, and looks at what is there afterwards: what is wrong.
pub(super) async fn run(target: &Target, case: &Case, world: &World) -> Vec<String> {
    let raced = match race(target, case, world).await {
        Ok(raced) => raced,
        Err(error) => return vec![format!("not sent or not answered: {error}")],
    };
    let sent = case.parallel.len() * case.times.unwrap_or(1);
    let all_done = BTreeMap::from([(200, sent)]);
    let customer = raced.then.get("customer");
    let member = |name| customer.and_then(|it| it.get(name));
    let (expected, right) = match case.name.as_str() {
        "race-metadata-keys" => (all_done, raced_keys(member("metadata")) == sent),
        "race-fields" => {
            let written = |name, prefix| {
                matches!(member(name), Some(Tree::Text(text))
                    if (0..6).any(|i| *text == format!("{prefix}{i}")))
            };
            let fields = [("first_name", "R"), ("last_name", "R"), ("phone", "")];
            (
                all_done,
                fields
                    .into_iter()
                    .all(|(name, prefix)| written(name, prefix)),
            )
        }
        "race-groups-same" | "race-groups-different" => {
            let one = matches!(member("groups"), Some(Tree::List(groups)) if groups.len() == 1);
            (all_done, one)
        }
        "race-email-swap" => {
            let one = raced.then.get("count") == Some(&Tree::Literal("1".to_owned()));
            (BTreeMap::from([(200, 1), (422, 1)]), one)
        }
        other => return vec![format!("nobody knows how {other} ends")],
    };
    let mut wrong = vec![];
    if raced.statuses != expected {
        wrong.push(format!("answered {:?}, not {expected:?}", raced.statuses));
    }
    if !right {
        wrong.push(format!("in the end there is {}", raced.then));
    }
    wrong
}

fn raced_keys(metadata: Option<&Tree>) -> usize {
    match metadata {
        Some(Tree::Object(members)) => {
            let raced = members.iter().filter(|(key, _)| key.starts_with("race"));
            raced.count()
        }
        Some(Tree::Literal(_) | Tree::Text(_) | Tree::List(_)) | None => 0,
    }
}

async fn race(target: &Target, case: &Case, world: &World) -> Result<Raced, Error> {
    let mut worlds = vec![];
    for i in 0..case.times.unwrap_or(1) {
        let mut world = world.clone();
        world.set("i", &i.to_string());
        worlds.push(world);
    }
    let sent = worlds.iter().flat_map(|world| {
        let requests = case.parallel.iter();
        requests.map(move |request| target.send(request, world))
    });
    let mut statuses = BTreeMap::new();
    for answer in try_join_all(sent).await? {
        *statuses.entry(answer.status).or_default() += 1;
    }
    let then = case.then.as_ref().ok_or("the race has no end")?;
    let then = target.send(then, world).await?;
    Ok(Raced {
        statuses,
        then: Tree::parse(&then.body)?,
    })
}
