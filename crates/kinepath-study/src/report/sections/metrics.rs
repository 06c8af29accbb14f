//! What every metric says, how to read it, and where it misleads.

use maud::{Markup, html};

use super::source::{KINETIC, Source};
use crate::report::parts;
use crate::study::{DataSettings, Metric, metric};

/// A metric in words.
struct Explanation {
    /// Its key in the study's table of metrics.
    key: &'static str,
    /// The formula in words.
    formula: &'static str,
    /// What it cannot say, or how it misleads.
    pitfall: &'static str,
    source: Source,
}

const fn explain(
    key: &'static str,
    formula: &'static str,
    pitfall: &'static str,
    source: Source,
) -> Explanation {
    Explanation { key, formula, pitfall, source }
}

const PRECISION_RECALL: Source = Source::Arxiv("1904.06991");
const DENSITY_COVERAGE: Source = Source::Arxiv("2002.09797");
const CLIP: Source = Source::Arxiv("2104.08718");

const EXPLANATIONS: &[Explanation] = &[
    explain(
        "f_mem",
        "The share of memorized samples: those whose gap ratio, the distance to the nearest \
         training record over that to the second nearest different one, is below 1/3.",
        "Noise left in a sample makes it look less like a copy, which the controls test; and some \
         new real records pass for copies, which the false-alarm rate counts.",
        KINETIC,
    ),
    explain(
        "authenticity",
        "The share of samples that are further from their nearest training record than that record \
         is from its own nearest other one. AuthPct is the same figure.",
        "Where records stand far apart, even a new sample counts as a copy; where they stand \
         close, a copy with a little noise does not.",
        Source::Arxiv("2102.08921"),
    ),
    explain(
        "copying_test",
        "Space is divided into cells around the training features. In each, the distances of the \
         samples to the training set are ranked against those of held-out records, the \
         Mann–Whitney U as a z-score; C_T is the mean of these over cells, weighted by the share of \
         held-out records. Far below 0, samples are closer to the training set than real records \
         are: copies. Far above 0, they are further: underfitting.",
        "It grows with the number of samples, so it compares at equal numbers only; and it asks \
         about the bulk: a few copied records may not move it.",
        Source::Arxiv("2004.05675"),
    ),
    explain(
        "frechet_distance",
        "The squared distance between the means of the features of samples and of held-out \
         records, plus how much their covariances differ, both taken as Gaussians: tr (S₁ + S₂ − \
         2 (S₁S₂)^½).",
        "It falls with the number of samples, so it compares at equal numbers only; it is the FID \
         of the literature only with the Inception network and its preprocessing; and copies of \
         the training set score well.",
        Source::Arxiv("1706.08500"),
    ),
    explain(
        "kernel_distance",
        "The mean similarity among samples, plus that among held-out records, less twice that \
         between the two, with the similarity (⟨x, y⟩/F + 1)³ of F features: the squared maximum \
         mean discrepancy, KID with Inception features.",
        "Unbiased at any number of samples, so it may come out slightly negative; its size means \
         nothing outside one encoder.",
        Source::Arxiv("1801.01401"),
    ),
    explain(
        "precision",
        "The share of samples within the neighbourhood of some held-out record: a ball in feature \
         space that reaches to the record's 5th nearest other one.",
        "A single outlier among the records has a huge ball that lets much pass; density is \
         steadier.",
        PRECISION_RECALL,
    ),
    explain(
        "recall",
        "The share of held-out records within the neighbourhood of some sample: a ball in feature \
         space that reaches to the sample's 5th nearest other one.",
        "Scattered samples have large balls, so bad samples can have a high recall; coverage is \
         steadier.",
        PRECISION_RECALL,
    ),
    explain(
        "density",
        "In how many neighbourhoods of held-out records a sample lies on average, divided by k = 5; \
         it can exceed 1.",
        "Samples that crowd where records are densest raise it, whatever they leave out.",
        DENSITY_COVERAGE,
    ),
    explain(
        "coverage",
        "The share of held-out records whose neighbourhood holds a sample.",
        "It grows with the number of samples, so it compares at equal numbers only.",
        DENSITY_COVERAGE,
    ),
    explain(
        "vendi",
        "The effective number of different samples: the exponential of the entropy of the \
         eigenvalues of the samples' cosine similarities, divided by their number. 1 if all point \
         one way in feature space, at most the number of samples or features.",
        "It knows no reference and no quality: noise is diverse.",
        Source::Arxiv("2210.02410"),
    ),
    explain(
        "confidence",
        "The classifier's largest class probability, averaged over samples.",
        "A classifier can be sure of nonsense, and samples of a single easy class score well.",
        KINETIC,
    ),
    explain(
        "margin",
        "The classifier's largest class probability less its second largest, averaged over \
         samples: 1 is a sample without doubt, 0 a tie.",
        "As for confidence; brightness and contrast move it too.",
        KINETIC,
    ),
    explain(
        "clip_score",
        "100 times the cosine between the CLIP features of a sample and of its prompt, 0 where it \
         is negative, averaged over samples.",
        "It depends on the version of CLIP and on the wording of the prompts; without a label, the \
         prompt that fits best counts, which says how recognisable a sample is and not whether it \
         shows what was asked for.",
        CLIP,
    ),
    explain(
        "clip_margin",
        "100 times the cosine of a sample to its own prompt less that to the best of the other \
         prompts, averaged over samples; below 0 where another prompt fits better.",
        "It depends on which other prompts there are: two that mean nearly the same leave no \
         margin.",
        KINETIC,
    ),
];

fn explanation(key: &str) -> Option<&'static Explanation> {
    EXPLANATIONS.iter().find(|explanation| explanation.key == key)
}

/// The name of a metric, leading to what it means.
pub(in crate::report) fn link(key: &str, name: &str) -> Markup {
    match explanation(key) {
        Some(known) => html! { a.term href={ "#metric-" (known.key) } { (name) } },
        None => html! { (name) },
    }
}

/// A paragraph on every metric of these keys, of samples judged by `data`; nothing where there is
/// none.
pub(in crate::report) fn section<'a>(
    keys: impl Iterator<Item = &'a str>,
    data: &DataSettings,
) -> Markup {
    let shown: Vec<(&Metric, &Explanation)> =
        keys.filter_map(|key| Some((metric(key)?, explanation(key)?))).collect();
    if shown.is_empty() {
        return html! {};
    }
    html! {
        section id="metrics" aria-labelledby="metrics-title" {
            h2 id="metrics-title" { "The metrics" }
            p {
                "How each is made, which way is better, and where it misleads. Features are the \
                 encoder's, or the pixels where there is none. F_mem, authenticity and the copying \
                 test go by distances to training records in "
                (data.copies_in_words()) "."
            }
            dl.metrics {
                @for (metric, explanation) in shown {
                    div id={ "metric-" (explanation.key) } {
                        dt {
                            (metric.name) " "
                            span.quiet { (parts::direction(metric.better)) }
                        }
                        dd {
                            (explanation.formula) " " b { "Beware: " } (explanation.pitfall) " "
                            span.quiet { (explanation.source) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::METRICS;

    #[test]
    fn every_metric_of_a_study_is_explained_once() {
        let explained: Vec<&str> = EXPLANATIONS.iter().map(|known| known.key).collect();
        assert_eq!(explained, METRICS.each_ref().map(|metric| metric.key));
    }

    #[test]
    fn only_known_metrics_are_links() {
        assert!(link("f_mem", "F_mem").into_string().contains(r##"href="#metric-f_mem""##));
        assert_eq!(link("unheard_of", "<b>").into_string(), "&lt;b&gt;");
    }
}
