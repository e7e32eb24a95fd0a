//! Files and functions that can be read in one sitting.

use crate::rule::Rule;
use crate::text::{code, is_rust, is_test, project};

fn is_source(path: &str) -> bool {
    is_rust(path) && !is_test(path)
}

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;
const MODULES_MAX: usize = 16;

const FILE_SIZES: Rule = Rule {
    why: "a file of more than 500 lines does more than one thing: give each a file of its own",
    about: is_source,
    broken_by: |text| {
        let is_longer = text.lines().count() > FILE_LINES_MAX;
        is_longer
            .then_some(FILE_LINES_MAX + 1)
            .into_iter()
            .collect()
    },
    // To shrink: none is to be added.
    exceptions: &[],
};

#[test]
fn no_file_has_over_500_lines() {
    FILE_SIZES.refuses("src/config.rs", &"\n".repeat(501));
    FILE_SIZES.allows("src/config.rs", &"\n".repeat(500));
    FILE_SIZES.allows("src/config/tests.rs", &"\n".repeat(501));
    FILE_SIZES.holds();
}

const FUNCTION_SIZES: Rule = Rule {
    why: "a function of more than 60 lines is not seen whole: name its steps",
    about: is_source,
    broken_by: |text| {
        let lines: Vec<_> = code(text).collect();
        let functions = (0..lines.len()).filter_map(|at| lines.get(at..));
        functions.filter_map(too_long).collect()
    },
    exceptions: &[],
};

/// The number of the first line, if a function begins there and has too many.
///
/// What counts is between the braces, blank lines and comments apart, as clippy counts.
fn too_long(lines: &[(usize, &str)]) -> Option<usize> {
    let ((number, first), rest) = lines.split_first()?;
    let words = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "unsafe",
        "extern",
    ];
    let is_function = first
        .split_whitespace()
        .find(|word| !words.contains(word) && !word.starts_with("pub("))
        .is_some_and(|word| word == "fn");
    if !is_function || first.ends_with([';', '}']) {
        return None;
    }
    let indentation = first.len() - first.trim_start().len();
    let is_at = |line: &str| line.len() - line.trim_start().len() == indentation;
    let is_end =
        |line: &str| is_at(line) && (line.trim_start().starts_with('}') || line.ends_with(';'));
    let opens = |line: &str| is_at(line) && line.ends_with('{');
    let body = if first.ends_with('{') {
        rest
    } else {
        let at = rest
            .iter()
            .position(|(_, line)| opens(line) || is_end(line))?;
        rest.get(at + 1..)?
    };
    let length = body
        .iter()
        .take_while(|(_, line)| !is_end(line))
        .filter(|(_, line)| !line.trim().is_empty())
        .count();
    (length > FUNCTION_LINES_MAX).then_some(*number)
}

#[test]
fn no_function_has_over_60_lines() {
    let function = |lines: usize| {
        let body = "        f();\n        // why\n\n".repeat(lines);
        format!(
            "    pub(super) async fn f(\n        a: A,\n    ) -> B {{\n{body}    }}\n\n    fn g() {{\n    }}\n"
        )
    };
    FUNCTION_SIZES.refuses("src/serve.rs", &function(61));
    FUNCTION_SIZES.allows("src/serve.rs", &function(60));
    FUNCTION_SIZES.holds();
}

#[test]
fn the_root_has_at_most_16_modules() {
    let (_, root) = project()
        .into_iter()
        .find(|(path, _)| path == "src/lib.rs")
        .expect("the service is a library");
    let modules = code(&root).filter(|(_, line)| line.contains("mod ") && line.ends_with(';'));
    let count = modules.count();
    assert!(
        count <= MODULES_MAX,
        "{count} modules in src/: a newcomer reads that list first; put the new one into a layer"
    );
}
