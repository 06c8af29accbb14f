//! What every quantity of the report but the metrics means, in which unit, and where it comes from.

use maud::{Markup, html};

use super::source::{KINETIC, Source};
use crate::report::parts;

struct Definition {
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    source: Source,
}

const fn define(
    name: &'static str,
    meaning: &'static str,
    unit: &'static str,
    source: Source,
) -> Definition {
    Definition { name, meaning, unit, source }
}

const SQUARED: &str = "squared data units";
const NONE: &str = "none";

const DEFINITIONS: &[Definition] = &[
    define(
        "KPE, E",
        "½ ∫₀¹ ‖dx/dt‖² dt along the path from noise (t = 0) to data (t = 1), gain included",
        SQUARED,
        KINETIC,
    ),
    define(
        "launch, landing",
        "the parts of E from steps that start before the split τ, and from it on",
        SQUARED,
        KINETIC,
    ),
    define(
        "displacement energy",
        "½ ‖x(1) − x(0)‖², the least energy that joins the same ends",
        SQUARED,
        Source::Text("Jensen's inequality"),
    ),
    define(
        "path efficiency",
        "displacement energy over E; 1 is a straight path at constant speed",
        "none, (0, 1]",
        Source::Text("kinepath"),
    ),
    define("terminal spike", "share of E from t ≥ 0.95", "none, [0, 1]", KINETIC),
    define(
        "energy profile",
        "‖dx/dt‖² at the start of each step; median and 10–90 % band over samples",
        "squared data units per squared unit time",
        KINETIC,
    ),
    define(
        "energy map",
        "E element by element, in the shape of the sample",
        SQUARED,
        Source::Text("kinepath"),
    ),
    define("NFE", "evaluations of the velocity field per sample", "count", KINETIC),
    define("η(t), gain", "factor on the velocity; the baseline is η = 1", NONE, KINETIC),
    define("KTS", "η = 1 + α(t) before the split τ, 1 − β(t) from it on", NONE, KINETIC),
    define("SSC", "η = 1 + α (1 − t)^p", NONE, Source::Arxiv("2605.14819")),
    define(
        "empirical field",
        "the exact minimiser of the flow-matching loss on the training set; it memorizes perfectly",
        "data units per unit time",
        Source::Arxiv("2506.03719"),
    ),
    define(
        "gap ratio",
        "d1/d2, L2 distances to the nearest and second nearest different training record, in the \
         space where copies are sought; a sample is memorized where it is below 1/3",
        NONE,
        KINETIC,
    ),
    define(
        "false-alarm rate",
        "share of reference records with gap ratio below 1/3",
        "share, in %",
        Source::Text("kinepath"),
    ),
    define(
        "kNN support",
        "−log r, r the distance to the k-th nearest training record in feature space",
        "log feature units",
        KINETIC,
    ),
    define(
        "kernel support",
        "log mean exp(−‖f − fᵢ‖²/(2h²)) over training records, h the median r",
        "log",
        KINETIC,
    ),
    define("Spearman's ρ", "correlation of ranks", "none, [−1, 1]", Source::Text("Spearman 1904")),
    define(
        "partial ρ",
        "the same after regressing ranks on those of ‖x(1)‖² and displacement energy",
        "none, [−1, 1]",
        Source::Text("kinepath"),
    ),
    define(
        "paired difference",
        "gain minus baseline over the same noise, resampled together",
        "the metric's",
        Source::Text("Efron 1979"),
    ),
    define(
        "p adj.",
        "two-sided p-value of the paired permutation test, adjusted for the false discovery rate \
         over gains and metrics",
        NONE,
        Source::Text("Phipson & Smyth 2010; Benjamini & Hochberg 1995"),
    ),
    define(
        "detectable",
        "the difference whose two-sided test finds it with probability 0.8, (z_{1−α/2} + z_{0.8}) \
         times the standard error",
        "the metric's",
        Source::Text("kinepath"),
    ),
    define(
        "FD∞",
        "intercept of a line through Fréchet distances against 1/n, at 15 numbers n of samples",
        "squared feature units",
        Source::Arxiv("1911.07023"),
    ),
    define(
        "noise left",
        "share of the starting noise that a path leaves in its sample once its target is settled",
        "none, [0, 1]",
        Source::Text("kinepath"),
    ),
    define(
        "posterior entropy",
        "of the empirical field's weights over training records, which sum to 1",
        "nats",
        Source::Arxiv("2506.03719"),
    ),
    define(
        "collapse time",
        "first node from which on the largest of those weights stays above 0.99",
        "time",
        KINETIC,
    ),
    define(
        "energy–density law",
        "½‖v‖² ≈ a − b log p̂(x), with p̂ the density of the empirical field's path at that time",
        "squared data units per nat",
        KINETIC,
    ),
    define(
        "Goldilocks band",
        "KPE bins where margin is not significantly below its best and F_mem not significantly \
         above its lowest",
        SQUARED,
        KINETIC,
    ),
];

/// The table of definitions.
pub(super) fn section() -> Markup {
    let caption = html! { "Every quantity of this report that is not a metric." };
    let rows = html! {
        thead { tr {
            th scope="col" { "quantity" } th scope="col" { "meaning" } th scope="col" { "unit" }
            th scope="col" { "source" }
        } }
        tbody {
            @for definition in DEFINITIONS {
                tr {
                    th scope="row" { (definition.name) }
                    td.words { (definition.meaning) }
                    td data-label="unit:" { (definition.unit) }
                    td data-label="source:" { (definition.source) }
                }
            }
        }
    };
    html! {
        section id="definitions" aria-labelledby="definitions-title" {
            h2 id="definitions-title" { "Definitions" }
            p {
                "Energies, shaping and the memorization audit follow Li et al., "
                cite { "A Kinetic Energy Perspective of Flow Matching" } ", "
                (KINETIC) "."
            }
            (parts::wordy_table(&caption, &rows))
        }
    }
}
