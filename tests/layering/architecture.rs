//! The page about the architecture names what there is.

use std::path::Path;

use crate::text::is_rust;

const PAGE: &str = "docs/architecture.md";

/// The paths that a page names: in backticks, if there is a slash in it or it is a Rust file, and as
/// links. With where each begins: the root, or the page's folder.
fn paths(page: &str) -> Vec<(&'static str, &str)> {
    let is_path = |text: &&str| {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-./".contains(char);
        (text.contains('/') || is_rust(text))
            && !text.starts_with('/')
            && text.chars().all(is_plain)
    };
    let in_backticks = page.split('`').skip(1).step_by(2).filter(is_path);
    let links = page
        .split("](")
        .skip(1)
        .filter_map(|after| after.split(')').next())
        .map(|link| link.split('#').next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains("://"));
    let of_root = in_backticks.map(|path| (".", path));
    let of_page = links.map(|path| ("docs", path));
    of_root.chain(of_page).collect()
}

#[test]
fn every_path_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join(PAGE)).unwrap();
    let paths = paths(&page);
    assert!(paths.len() > 10, "{PAGE} names files");
    let missing: Vec<_> = paths
        .into_iter()
        .filter(|(folder, path)| !root.join(folder).join(path).exists())
        .map(|(_, path)| path)
        .collect();
    assert!(
        missing.is_empty(),
        "{PAGE} names what there is not: {missing:?}"
    );
}

#[test]
fn paths_are_found_in_backticks_and_links() {
    let page = "`src/http.rs` and `relay.rs` [there](events.md#names), [here](#top), [far](https://a.b) \
                `POST /admin`, `/ledger/customers`, `contracts/medusa`, `a`, `append()`, `{a}/b.rs`";
    let found = [
        (".", "src/http.rs"),
        (".", "relay.rs"),
        (".", "contracts/medusa"),
        ("docs", "events.md"),
    ];
    assert_eq!(paths(page), found);
}
