//! What a selection cost and did.

use kinepath_study::format::{MISSING, Unit};
use kinepath_study::sampling::{Change, SelectionEffect};

use super::{lone, number, numbers, optional, text};

/// How many draws were kept, and how the kept samples differ from the first draws.
pub(crate) fn selection(effect: &SelectionEffect) -> String {
    let mut table = numbers(&["", "first draws", "kept", "kept / first"]);
    for (name, Change { first, kept, ratio }) in [
        ("total variance of endpoints", &effect.total_variance),
        ("mean kinetic path energy", &effect.mean_kpe),
    ] {
        let figure = |value: Option<f64>| value.map_or(MISSING.to_owned(), number);
        let ratio = optional(Unit::Plain, ratio.as_ref());
        table.add_row([name.to_owned(), figure(*first), figure(*kept), ratio]);
    }
    format!(
        "kept {}: {} of {} draws\n\n{}\n\
         brackets are 95 % intervals; first draws are what sampling without --select gives",
        effect.bands.join(", "),
        lone(Unit::Percent, &effect.acceptance),
        effect.draws,
        text(&table)
    )
}
