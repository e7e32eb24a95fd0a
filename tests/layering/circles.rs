//! No circles: modules beside each other do not need each other, directly or around others.
//!
//! In each folder, a module is a file with whatever is below it; it needs another one if any of its
//! files names a path into it, `use` or not. A module and its own children may need each other: they
//! are one unit, and what the children share stands in their parent. What a parent takes from one
//! child and hands on to another counts as the child's.
//!
//! Not seen: what needs no path, such as a call of another module's method.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::text::{code, is_test, project};

/// A module's path in its package, from the root.
type Module = Vec<String>;

/// A reference between modules of one folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    folder: String,
    from: String,
    to: String,
}

/// References, as [`Edge`] writes them, each with the reason why it may stay.
type Tolerated<'a> = &'a [(&'a str, &'a str)];

/// References that close a circle and may stay. One that is gone, or closes no circle any longer, fails.
const TOLERATED: Tolerated<'static> = &[];

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.folder, self.from, self.to)
    }
}

/// The folders that hold a package's modules.
const PACKAGES: [&str; 6] = [
    "bench/src",
    "devkit/src",
    "events/src",
    "express/src",
    "projections/src",
    "src",
];

/// What a package's modules say of each other.
struct Package {
    folder: &'static str,
    /// The paths that a module names, as they are in the package.
    named: BTreeMap<Module, Vec<Module>>,
    /// The names that a module has from others.
    imported: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Package {
    fn of(folder: &'static str, files: &[(String, String)]) -> Self {
        let mut package = Self {
            folder,
            named: BTreeMap::new(),
            imported: BTreeMap::new(),
        };
        for (path, text) in files.iter().filter(|(path, _)| !is_test(path)) {
            let Some(module) = path
                .strip_prefix(folder)
                .and_then(|path| path.strip_prefix('/'))
                .and_then(|path| path.strip_suffix(".rs"))
                .filter(|path| *path != "main")
            else {
                continue;
            };
            let module: Module = match module {
                "lib" => vec![],
                _ => module.split('/').map(ToOwned::to_owned).collect(),
            };
            let code: Vec<_> = code(text).map(|(_, line)| line).collect();
            let code = code.join("\n");
            for (path, is_use) in paths(&tokens(&code)) {
                let Some(path) = absolute(&module, &path) else {
                    continue;
                };
                if let Some(name) = path.last().filter(|_| is_use) {
                    let imported = package.imported.entry(module.clone()).or_default();
                    imported.insert(name.clone(), path.clone());
                }
                package.named.entry(module.clone()).or_default().push(path);
            }
            package.named.entry(module).or_default();
        }
        package
    }

    /// The module that a path leads to, through whatever hands its name on.
    fn target(&self, path: &[String], hops: usize) -> Module {
        let known = (0..=path.len())
            .rev()
            .filter_map(|length| path.split_at_checked(length))
            .find(|(module, _)| self.named.contains_key(*module));
        let Some((module, rest)) = known else {
            return vec![];
        };
        let elsewhere = rest.split_first().and_then(|(name, below)| {
            let path = self.imported.get(module)?.get(name)?;
            Some([path, below].concat())
        });
        match elsewhere {
            Some(other) if hops > 0 && other != path => self.target(&other, hops - 1),
            Some(_) | None => module.to_vec(),
        }
    }

    /// The references between modules of one folder, each with a module that makes it.
    fn edges(&self) -> BTreeMap<Edge, String> {
        const HOPS_MAX: usize = 4;
        let mut edges = BTreeMap::new();
        for (module, paths) in &self.named {
            for path in paths {
                let target = self.target(path, HOPS_MAX);
                let same = module.iter().zip(&target).take_while(|(a, b)| a == b);
                let depth = same.count();
                if let (Some(from), Some(to)) = (module.get(depth), target.get(depth)) {
                    let above = module.iter().take(depth);
                    let folder = above.fold(self.folder.to_owned(), |path, name| path + "/" + name);
                    let edge = Edge {
                        folder,
                        from: from.clone(),
                        to: to.clone(),
                    };
                    let source = format!("{} names {}", module.join("::"), path.join("::"));
                    edges.entry(edge).or_insert(source);
                }
            }
        }
        edges
    }
}

/// Names, `::`, and every other character that is not space.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = vec![];
    let mut rest = code.trim_start();
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    while let Some(first) = rest.chars().next() {
        let length = if is_in_name(first) {
            rest.find(|char| !is_in_name(char)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The paths in a text that are imported, and all others that begin at this package's root, at this
/// module or at its parent; each with whether it is imported.
fn paths(tokens: &[&str]) -> Vec<(Vec<String>, bool)> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_use = *token == "use";
        let is_path = matches!(*token, "crate" | "self" | "super")
            && tokens.get(at + 1) == Some(&"::")
            && before != Some(&"::");
        if is_use || is_path {
            let mut branches = vec![];
            let start = at + usize::from(is_use);
            at = branch(tokens, start, &[], &mut branches).max(at + 1);
            found.extend(branches.into_iter().map(|path| (path, is_use)));
        } else {
            at += 1;
        }
    }
    found
}

/// Reads a path, or all of `a::{b, c::d}`. Gives where it ends.
fn branch(tokens: &[&str], start: usize, above: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let is_name = |token: &str| token.starts_with(|char: char| char.is_alphabetic() || char == '_');
    let mut path = above.to_vec();
    let mut at = start;
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    at = match tokens.get(at) {
                        Some(&",") => at + 1,
                        Some(&"as") => at + 2,
                        _ => branch(tokens, at, &path, found).max(at + 1),
                    };
                }
                return at + 1;
            }
            Some(&"self") if !path.is_empty() => at += 1,
            Some(name) if is_name(name) => {
                path.push((*name).to_owned());
                at += 1;
            }
            Some(&"*") => at += 1,
            _ => break,
        }
        let goes_on = |token: &&str| is_name(token) || matches!(*token, "{" | "*");
        if tokens.get(at) != Some(&"::") || !tokens.get(at + 1).is_some_and(goes_on) {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

/// A path from the package's root. A name that is no module's own leads outside, if not to a child.
fn absolute(module: &[String], path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "super" => {
            let (_, parent) = module.split_last()?;
            let is_further = rest.first().is_some_and(|next| next == "super");
            if is_further {
                absolute(parent, rest)
            } else {
                Some([parent, rest].concat())
            }
        }
        "self" => Some([module, rest].concat()),
        _ => Some([module, path].concat()),
    }
}

/// Whether there is a way from one module of a folder to another.
fn leads(edges: &BTreeSet<&Edge>, folder: &str, from: &str, to: &str) -> bool {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        let mut next = edges
            .iter()
            .filter(|edge| edge.folder == folder && edge.from == module);
        if next.any(|edge| edge.to == to) {
            return true;
        }
        let next = edges
            .iter()
            .filter(|edge| edge.folder == folder && edge.from == module)
            .map(|edge| edge.to.as_str());
        open.extend(next.filter(|module| reached.insert(module)));
    }
    false
}

/// What is wrong with these files: references that are part of a circle, and exceptions that nothing
/// needs.
fn faults(files: &[(String, String)], tolerated: Tolerated<'_>) -> Vec<String> {
    let edges: BTreeMap<Edge, String> = PACKAGES
        .iter()
        .flat_map(|folder| Package::of(folder, files).edges())
        .collect();
    let is_tolerated = |edge: &Edge| {
        let edge = edge.to_string();
        tolerated.iter().any(|(tolerated, _)| *tolerated == edge)
    };
    let (tolerable, rest): (Vec<_>, Vec<_>) = edges.keys().partition(|edge| is_tolerated(edge));
    let rest: BTreeSet<&Edge> = rest.into_iter().collect();
    let closes_circle = |edge: &Edge| leads(&rest, &edge.folder, &edge.to, &edge.from);
    let in_circle = edges
        .iter()
        .filter(|(edge, _)| rest.contains(edge) && closes_circle(edge))
        .map(|(edge, source)| format!("{edge}: {source}"));
    let is_needed = |exception: &str| {
        let mut same = tolerable
            .iter()
            .filter(|edge| edge.to_string() == exception);
        same.any(|edge| closes_circle(edge))
    };
    let needless = tolerated
        .iter()
        .filter(|(exception, _)| !is_needed(exception))
        .map(|(exception, reason)| format!("{exception} needs no exception any longer ({reason})"));
    in_circle.chain(needless).collect()
}

#[test]
fn no_modules_need_each_other() {
    let faults = faults(&project(), TOLERATED);
    assert!(
        faults.is_empty(),
        "modules that need each other can be neither read nor changed one at a time: move what both \
         need into a third, or into their parent\n{}",
        faults.join("\n")
    );
}

fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

#[test]
fn circles_are_found() {
    for circle in [
        &[
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "fn f() { crate::a::f() }"),
        ][..],
        &[
            ("src/a/x.rs", "use crate::{\n    b::y,\n    c,\n};"),
            ("src/a.rs", ""),
            ("src/b.rs", ""),
            ("src/b/y.rs", "use super::super::c::C;"),
            ("src/c.rs", "pub(crate) use crate::a::x::{self, X};"),
        ],
        &[
            (
                "events/src/lib.rs",
                "pub mod a;\npub mod b;\npub use self::b::B;",
            ),
            ("events/src/a.rs", "use crate::B;"),
            ("events/src/b.rs", "use crate::a;"),
        ],
        &[
            ("src/p.rs", "mod a;\nmod b;\npub use a::A;"),
            ("src/p/a.rs", "use super::b::B;"),
            ("src/p/b.rs", "use super::A;"),
        ],
    ] {
        assert!(!faults(&files(circle), &[]).is_empty());
    }
}

#[test]
fn what_is_no_circle_is_none() {
    let fine = files(&[
        ("src/lib.rs", "pub mod a;\npub mod b;"),
        ("src/a.rs", "mod x;\nuse self::x::X;\n// use crate::b;"),
        ("src/a/x.rs", "use super::A;\nuse std::b::B;\nuse other::b;"),
        ("src/a/tests.rs", "use crate::b::B;"),
        (
            "src/b.rs",
            "use crate::a::A;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
        ),
        ("src/main.rs", "use crate::b;"),
        ("events/src/b.rs", ""),
    ]);
    assert_eq!(faults(&fine, &[]), [""; 0]);
}

#[test]
fn an_exception_that_nothing_needs_is_found() {
    let circle = files(&[
        ("src/a.rs", "use crate::b::B;"),
        ("src/b.rs", "use crate::a::A;\nuse crate::c::C;"),
        ("src/c.rs", ""),
    ]);
    assert_eq!(faults(&circle, &[("src: b -> a", "")]), [""; 0]);
    for needless in [("src: b -> c", ""), ("src: c -> a", "")] {
        let tolerated = [("src: b -> a", ""), needless];
        assert_eq!(faults(&circle, &tolerated).len(), 1, "{needless:?}");
    }
}
