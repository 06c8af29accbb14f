//! Numbers as text: as many digits as their interval supports.

use kinepath::stats::Interval;

/// Shown where a number is missing or not finite.
pub const MISSING: &str = "–";

/// How a figure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Plain,
    /// A share, shown in percent.
    Percent,
}

impl Unit {
    /// What a figure is multiplied by to be shown.
    pub(crate) fn factor(self) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Percent => 100.0,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Percent => " %",
        }
    }

    /// What follows a difference: differences of percentages are percentage points.
    pub(crate) fn difference_suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Percent => " pp",
        }
    }
}

/// `value` with a fixed number of decimals, a true minus sign, and no negative zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// As [`fixed`], with a sign before anything but zero.
fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value > 0.0 && value.is_finite() && !zero { format!("+{text}") } else { text }
}

/// `value` with `digits` significant digits.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    fixed(value, decimals_for(value.abs(), digits))
}

/// Decimals that show `digits` significant digits of a number as large as `scale`.
pub(crate) fn decimals_for(scale: f64, digits: usize) -> usize {
    if scale > 0.0 && scale.is_finite() {
        (digits as f64 - 1.0 - scale.log10().floor()).clamp(0.0, 8.0) as usize
    } else {
        digits.saturating_sub(1)
    }
}

/// How figures that stand together are shown: in one unit, with equally many decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    unit: Unit,
    decimals: usize,
}

impl Style {
    /// Two significant digits of the narrowest interval's width, but at most one decimal more than
    /// the widest needs; three digits of the largest estimate if no interval has a width.
    pub fn of<'a>(unit: Unit, together: impl Iterator<Item = &'a Interval>) -> Self {
        let (mut narrow, mut wide, mut largest) = (f64::INFINITY, 0.0f64, 0.0f64);
        for interval in together {
            let width = unit.factor() * (interval.high - interval.low).abs();
            if width > 0.0 && width.is_finite() {
                (narrow, wide) = (narrow.min(width), wide.max(width));
            }
            largest = largest.max(unit.factor() * interval.estimate.abs());
        }
        let decimals = if wide > 0.0 {
            decimals_for(narrow, 2).min(decimals_for(wide, 2) + 1)
        } else {
            decimals_for(largest, 3)
        };
        Self { unit, decimals }
    }

    /// The style of a figure that stands alone.
    #[must_use]
    pub fn lone(unit: Unit, interval: &Interval) -> Self {
        Self::of(unit, [interval].into_iter())
    }

    /// A figure with its interval, `37.3 % [33.1, 41.4]`.
    #[must_use]
    pub fn interval(self, interval: &Interval) -> String {
        format!("{} {}", self.estimate(interval.estimate), self.ends(interval))
    }

    /// A difference with its interval, `−6.1 pp [−8.0, +0.3]`.
    #[must_use]
    pub fn difference(self, interval: &Interval) -> String {
        format!("{} {}", self.signed_estimate(interval.estimate), self.signed_ends(interval))
    }

    /// An estimate.
    pub fn estimate(self, value: f64) -> String {
        format!("{}{}", fixed(self.unit.factor() * value, self.decimals), self.unit.suffix())
    }

    /// The ends of an interval, `[low, high]`.
    pub fn ends(self, interval: &Interval) -> String {
        let end = |value: f64| fixed(self.unit.factor() * value, self.decimals);
        format!("[{}, {}]", end(interval.low), end(interval.high))
    }

    /// The estimate of a difference, with its sign.
    pub fn signed_estimate(self, value: f64) -> String {
        let text = signed(self.unit.factor() * value, self.decimals);
        format!("{text}{}", self.unit.difference_suffix())
    }

    /// The size of a difference, without a sign.
    pub fn amount(self, value: f64) -> String {
        let text = fixed(self.unit.factor() * value, self.decimals);
        format!("{text}{}", self.unit.difference_suffix())
    }

    /// The ends of a difference, with their signs.
    pub fn signed_ends(self, interval: &Interval) -> String {
        let end = |value: f64| signed(self.unit.factor() * value, self.decimals);
        format!("[{}, {}]", end(interval.low), end(interval.high))
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A p-value: three decimals, bounded from below.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { fixed(p, 3) }
}

/// A count with thin spaces between groups of three digits.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A shape, `1 × 28 × 28`.
pub(crate) fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(estimate: f64, low: f64, high: f64) -> Interval {
        Interval { estimate, low, high }
    }

    #[test]
    fn digits_follow_the_interval() {
        let share = interval(0.3734, 0.331, 0.4141);
        let style = Style::of(Unit::Percent, [&share].into_iter());
        assert_eq!(style.estimate(share.estimate), "37.3 %");
        assert_eq!(style.ends(&share), "[33.1, 41.4]");
        let difference = interval(-0.0612, -0.0801, 0.0004);
        let style = Style::of(Unit::Percent, [&difference].into_iter());
        assert_eq!(style.signed_estimate(difference.estimate), "−6.1 pp");
        assert_eq!(style.signed_ends(&difference), "[−8.0, 0.0]");
        assert_eq!(style.difference(&difference), "−6.1 pp [−8.0, 0.0]");
        assert_eq!(style.amount(0.0321), "3.2 pp");
        let small = interval(0.0004, 0.0001, 0.0007);
        let style = Style::lone(Unit::Plain, &small);
        assert_eq!(style.interval(&small), "0.00040 [0.00010, 0.00070]");
        assert_eq!(style.difference(&small), "+0.00040 [+0.00010, +0.00070]");
    }

    #[test]
    fn figures_that_stand_together_have_equally_many_decimals() {
        let decimals = |widths: &[f64]| {
            let together: Vec<Interval> = widths.iter().map(|&w| interval(12.34, 0.0, w)).collect();
            Style::of(Unit::Plain, together.iter()).decimals
        };
        assert_eq!(decimals(&[500.0]), 0);
        assert_eq!(decimals(&[0.5, 0.04]), 3);
        assert_eq!(decimals(&[0.5, 0.004]), 3);
        assert_eq!(decimals(&[0.5, 0.0]), 2);
        assert_eq!(decimals(&[0.0, f64::NAN]), 1);
    }

    #[test]
    fn odd_numbers_are_readable() {
        assert_eq!(fixed(f64::NAN, 2), MISSING);
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(signed(f64::INFINITY, 1), MISSING);
        assert_eq!(significant(0.000_123_4, 3), "0.000123");
        assert_eq!(significant(-1234.5, 3), "−1234");
        assert_eq!(significant(0.0, 3), "0.00");
        assert_eq!(p_value(0.0002), "< 0.001");
        assert_eq!(p_value(0.0432), "0.043");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(shape(&[1, 28, 28]), "1 × 28 × 28");
    }
}
