//! Tables and numbers for people.

mod selection;
mod study;
mod tune;

use std::path::Path;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table,
    TableStyle, Width,
};
use kinepath::stats::Interval;
use kinepath_study::format::{MISSING, Style, Unit, fixed};

pub(crate) use selection::selection;
pub(crate) use study::study;
pub(crate) use tune::tune;

/// The width of tables that no terminal asks for.
const WIDTH: u16 = 100;

/// A line under the header, and nothing else.
const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .header_lines(ContentLineStyle::none())
    .content_lines(ContentLineStyle::none());

/// A table with these headers, as wide as the terminal or 100 columns; its text is to the left.
pub(crate) fn words(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(headers.to_vec());
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// A table of numbers, to the right, under a first column of names.
pub(crate) fn numbers(headers: &[&str]) -> Table {
    let mut table = words(headers);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Breaks the texts of a column into lines no longer than `width`.
fn narrow(table: &mut Table, column: usize, width: u16) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
}

/// A table as text, without blanks at the ends of lines.
pub(crate) fn text(table: &Table) -> String {
    table.trim_fmt()
}

/// A number with four significant digits, or more before the point.
pub(crate) fn number(value: f64) -> String {
    if value != 0.0 && (value.abs() >= 1e7 || value.abs() < 1e-4) {
        format!("{value:.3e}")
    } else {
        fixed(value, decimals(value))
    }
}

/// Decimals that leave four significant digits.
fn decimals(value: f64) -> usize {
    if value == 0.0 || value.fract() == 0.0 && value.abs() < 1e7 {
        return 0;
    }
    (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize
}

/// A figure that stands alone, with its interval.
fn lone(unit: Unit, interval: &Interval) -> String {
    Style::lone(unit, interval).interval(interval)
}

/// As [`lone`], or a dash for one that is undefined.
fn optional(unit: Unit, interval: Option<&Interval>) -> String {
    interval.map_or(MISSING.to_owned(), |interval| lone(unit, interval))
}

/// Where files are, one a line.
pub(crate) fn files(files: &[(&str, &Path)]) -> String {
    let lines = files.iter().map(|(what, path)| format!("{what:<8}{}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (50.0, "50"),
            (0.76432, "0.7643"),
            (312.456, "312.5"),
            (12345.6, "12346"),
            (-3.25, "−3.250"),
            (1e-9, "1.000e-9"),
            (2.5e9, "2.500e9"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn tables_fit_a_page() {
        let mut table = words(&["name", "text"]);
        table.add_row(["a", &"word ".repeat(60)]);
        assert!(text(&table).lines().all(|line| line.chars().count() <= 100));
    }
}
