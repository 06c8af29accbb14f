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
    decimal(value, decimals(value))
}

fn decimal(value: f64, decimals: usize) -> String {
    if value != 0.0 && (value.abs() >= 1e7 || value.abs() < 1e-4) {
        format!("{value:.3e}")
    } else {
        format!("{value:.decimals$}")
    }
}

/// Decimals that leave four significant digits.
fn decimals(value: f64) -> usize {
    if value == 0.0 || value.fract() == 0.0 && value.abs() < 1e7 {
        return 0;
    }
    (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize
}

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A share, in percent.
    Percent,
    /// A number as it is.
    Plain,
}

impl Form {
    /// A number without an interval.
    fn size(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{:.1} %", 100.0 * value),
            Self::Plain => number(value),
        }
    }

    /// The estimate.
    fn estimate(self, interval: Interval) -> String {
        match self {
            Self::Percent => format!("{:.1} %", 100.0 * interval.estimate),
            Self::Plain => format!("{:.*}", places(interval), interval.estimate),
        }
    }

    /// The interval in brackets.
    fn range(self, interval: Interval) -> String {
        match self {
            Self::Percent => {
                format!("[{:.1}, {:.1}]", 100.0 * interval.low, 100.0 * interval.high)
            }
            Self::Plain => {
                let places = places(interval);
                format!("[{:.places$}, {:.places$}]", interval.low, interval.high)
            }
        }
    }

    /// Both, the estimate with its sign.
    fn difference(self, interval: Interval) -> String {
        let estimate = self.estimate(interval);
        let sign = if interval.estimate > 0.0 { "+" } else { "" };
        format!("{sign}{estimate} {}", self.range(interval))
    }

    /// Both on one line.
    fn both(self, interval: Interval) -> String {
        format!("{} {}", self.estimate(interval), self.range(interval))
    }
}

/// Decimals that suit the largest of the three numbers.
fn places(interval: Interval) -> usize {
    let largest = interval.estimate.abs().max(interval.low.abs()).max(interval.high.abs());
    if largest >= 100.0 {
        1
    } else if largest >= 10.0 {
        2
    } else {
        3
    }
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
            (-3.25, "-3.250"),
            (1e-9, "1.000e-9"),
            (2.5e9, "2.500e9"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn figures_stand_with_their_intervals() {
        let share = Interval { estimate: 0.373, low: 0.331, high: 0.416 };
        assert_eq!(Form::Percent.both(share), "37.3 % [33.1, 41.6]");
        let loss = Interval { estimate: -12.5, low: -20.0, high: -5.125 };
        assert_eq!(Form::Plain.difference(loss), "-12.50 [-20.00, -5.12]");
        assert_eq!(Form::Percent.difference(share), "+37.3 % [33.1, 41.6]");
    }

    #[test]
    fn tables_fit_a_page() {
        let mut table = words(&["name", "text"]);
        table.add_row(["a", &"word ".repeat(60)]);
        assert!(text(&table).lines().all(|line| line.chars().count() <= 100));
    }
}
