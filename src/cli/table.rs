//! Rows of text: a table for people, lines for programs.

/// How a heading stands out on a terminal.
const BOLD: &str = "\x1b[1m";
/// And the rest does not.
const PLAIN: &str = "\x1b[0m";

/// On a terminal, columns under their headings; else lines without any, a tab between two columns.
/// What would break a line or command a terminal is escaped.
pub(crate) fn table<R: IntoIterator<Item = String>>(
    head: &[&str],
    rows: impl IntoIterator<Item = R>,
    is_terminal: bool,
) -> String {
    let line = |row: R| row.into_iter().map(|cell| escaped(&cell)).collect();
    let rows: Vec<Vec<String>> = rows.into_iter().map(line).collect();
    if !is_terminal {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    }
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let aligned = |row: &[String]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let lines = rows.iter().map(|row| aligned(row) + "\n");
    let head = format!("{BOLD}{}{PLAIN}\n", aligned(&head));
    [head].into_iter().chain(lines).collect()
}

/// A text that neither breaks a line nor commands a terminal: JSON leaves U+007F to U+009F as they are.
pub(crate) fn escaped(cell: &str) -> String {
    let escape = |char: char| {
        let shown = if char.is_control() {
            char.escape_default().to_string()
        } else {
            char.to_string()
        };
        shown.chars().collect::<Vec<_>>()
    };
    cell.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![
            vec!["1".into(), "a\tb\x1b".into()],
            vec!["10".into(), "é".into()],
        ]
    }

    #[test]
    fn a_terminal_gets_a_table_and_a_program_lines() {
        let head = ["no", "what"];
        assert_eq!(table(&head, rows(), false), "1\ta\\tb\\u{1b}\n10\té\n");
        assert_eq!(
            table(&head, rows(), true),
            "\x1b[1mno  what\x1b[0m\n1   a\\tb\\u{1b}\n10  é\n"
        );
    }
}
