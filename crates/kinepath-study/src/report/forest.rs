//! Paired differences as marks on a line: the interval, the estimate, and zero.

use kinepath::stats::Interval;
use maud::{Markup, html};

use crate::study::results::Effect;

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 16.0;
/// Room left at both ends.
const MARGIN: f64 = 6.0;

/// The largest distance from zero in `intervals`: the scale that makes their marks comparable.
pub(super) fn scale<'a>(intervals: impl Iterator<Item = &'a Interval>) -> f64 {
    intervals
        .flat_map(|interval| [interval.low, interval.high, interval.estimate])
        .filter(|value| value.is_finite())
        .fold(0.0, |scale, value| scale.max(value.abs()))
}

/// `interval` on an axis from `−scale` to `scale`, in the colour of its effect; nothing if it is not
/// finite.
pub(super) fn mark(interval: &Interval, scale: f64, effect: Effect) -> Markup {
    let finite = [interval.low, interval.high, interval.estimate].iter().all(|v| v.is_finite());
    if !finite || scale <= 0.0 {
        return html! {};
    }
    let half = WIDTH / 2.0;
    let x = |value: f64| format!("{:.1}", half + value / scale * (half - MARGIN));
    let middle = HEIGHT / 2.0;
    html! {
        svg class={ "forest " (effect.name()) } viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH)
            height=(HEIGHT) aria-hidden="true" focusable="false" {
            line.zero x1=(half) x2=(half) y1="0" y2=(HEIGHT) {}
            line.reach x1=(x(interval.low)) x2=(x(interval.high)) y1=(middle) y2=(middle) {}
            circle.point cx=(x(interval.estimate)) cy=(middle) r="3.2" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_inside_their_picture() {
        let interval = Interval { estimate: -1.0, low: -2.0, high: 0.5 };
        let other = Interval { estimate: 0.0, low: f64::NAN, high: 1.0 };
        let scale = scale([interval, other].iter());
        assert_eq!(scale, 2.0);
        let text = mark(&interval, scale, Effect::Better).into_string();
        assert!(text.contains(r#"x1="6.0" x2="98.5""#), "{text}");
        assert!(mark(&other, scale, Effect::Undetected).into_string().is_empty());
        assert!(mark(&interval, 0.0, Effect::Undetected).into_string().is_empty());
    }
}
