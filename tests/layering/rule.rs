//! A rule over the files of the project, each taken for itself.

use crate::text::project;

/// One rule over the files of the project.
pub(crate) struct Rule {
    /// Why it exists: what a failure says.
    pub(crate) why: &'static str,
    /// Which files it is about, by path from the root.
    pub(crate) about: fn(&str) -> bool,
    /// The lines of a text that break it, from 1.
    pub(crate) broken_by: fn(&str) -> Vec<usize>,
    /// Files that may break it, each with the reason.
    pub(crate) exceptions: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// Fails with every line of the project that breaks the rule.
    #[track_caller]
    pub(crate) fn holds(&self) {
        let mut offences = vec![];
        let mut needed = vec![];
        for (path, text) in project() {
            let lines = self.offending_lines(&path, &text);
            if let Some((path, _)) = self.exceptions.iter().find(|(file, _)| *file == path) {
                needed.extend((!lines.is_empty()).then_some(*path));
                continue;
            }
            for number in lines {
                let line = text.lines().nth(number - 1).unwrap_or_default().trim();
                offences.push(format!("{path}:{number}: {line}"));
            }
        }
        assert!(offences.is_empty(), "{}\n{}", self.why, offences.join("\n"));
        for (path, reason) in self.exceptions {
            assert!(
                needed.contains(path),
                "{path} needs no exception any longer ({reason}): take it from the list"
            );
        }
    }

    /// Fails if the rule overlooks a file with this text.
    #[track_caller]
    pub(crate) fn refuses(&self, path: &str, text: &str) {
        assert!(
            !self.offending_lines(path, text).is_empty(),
            "{path}: {text}"
        );
    }

    /// Fails if the rule takes offence at a file with this text.
    #[track_caller]
    pub(crate) fn allows(&self, path: &str, text: &str) {
        assert_eq!(self.offending_lines(path, text), [0; 0], "{path}: {text}");
    }

    fn offending_lines(&self, path: &str, text: &str) -> Vec<usize> {
        if (self.about)(path) {
            (self.broken_by)(text)
        } else {
            vec![]
        }
    }
}
