//! The results of a study for people.

use std::fmt::Write;

use kinepath::stats::Interval;
use kinepath_study::format::{MISSING, Style, Unit, fixed, p_value};
use kinepath_study::study::results::{
    Association, Comparison, Control, DataResults, Effect, EnergyResults, ModelResults, Risk,
    RunResults, Tercile, metrics_of,
};
use kinepath_study::study::{CLASSES_ASKED_FOR, StudyResults};

use super::{lone, narrow, number, numbers, optional, text, words};

/// Runs side by side in one table of 100 columns.
const RUNS_A_TABLE: usize = 5;

/// Classes in one table.
const CLASSES_SHOWN: usize = 20;

/// The results of a study; `all` adds the paired differences that were not detected.
pub(crate) fn study(results: &StudyResults, all: bool) -> String {
    let mut page = format!("{}\n", results.settings.title);
    page += &describe("training set", &results.training);
    if let Some(reference) = &results.reference {
        page += &describe("held-out set", reference);
    }
    if let Some(decoded) = results.settings.data.decoded_in_words() {
        let _ = writeln!(page, "  {:<15} {decoded}", "samples");
    }
    let _ =
        writeln!(page, "  {:<15} in {}", "copies sought", results.settings.data.copies_in_words());
    if let Some(calibration) = &results.calibration {
        let _ = writeln!(
            page,
            "  false alarms    {} of the held-out records would count as memorized",
            lone(Unit::Percent, &calibration.false_alarm)
        );
    }
    for model in &results.models {
        section(&mut page, model, all);
    }
    page
}

fn describe(what: &str, data: &DataResults) -> String {
    let copies = match data.count - data.distinct {
        0 => String::new(),
        copies => format!(" ({copies} of them copies)"),
    };
    format!(
        "  {what:<15} {}, {} records{copies} of shape {:?}, values {} to {}\n",
        data.name,
        data.count,
        data.shape,
        number(data.values.min),
        number(data.values.max)
    )
}

fn section(page: &mut String, model: &ModelResults, all: bool) {
    let heading = match model.name == model.spec {
        true => model.name.clone(),
        false => format!("{} ({})", model.name, model.spec),
    };
    let _ = writeln!(page, "\n{heading}\n{}\n", "═".repeat(heading.chars().count()));
    for finding in &model.findings {
        page.push_str(&wrapped("• ", finding));
    }
    for (block, runs) in model.runs.chunks(RUNS_A_TABLE).enumerate() {
        let _ = writeln!(page, "\n{}", figures(runs, block == 0));
    }
    page.push_str(match model.has_energies() {
        true => "below the figures their 95 % intervals, below KPE the sd over samples\n",
        false => "below the figures their 95 % intervals\n",
    });
    if model.runs.len() > 1 {
        page.push_str("✓ better and ✗ worse than the baseline, adjusted q\n");
        let _ = writeln!(page, "\n{}", differences(&model.runs, all));
        page.push_str(if all {
            "paired differences to the baseline on the same noise\n"
        } else {
            "paired differences that were detected; -v or `kinepath compare` shows all\n"
        });
        if let Some(table) = controls(&model.runs) {
            let _ = writeln!(page, "\n{table}");
            page.push_str("what something simpler does to F_mem and what the gain improves\n");
        }
        page.push_str(&controls_not_made(&model.runs));
    }
    for run in &model.runs {
        if let Some(table) = classes(run) {
            let _ = writeln!(page, "\n{table}");
        }
    }
    if !model.associations.is_empty() {
        let _ = writeln!(page, "\n{}", associations(&model.associations));
        page.push_str("Spearman's ρ; partial: controlling for ‖x(1)‖² and displacement energy\n");
    }
    if !model.terciles.is_empty() {
        let _ = writeln!(page, "\n{}", terciles(&model.terciles));
        page.push_str("scores as mean ± sd over the samples, F_mem with its 95 % interval\n");
    }
    if let Some(risk) = &model.risk {
        let _ = writeln!(page, "\n{}", flags(risk));
        page.push_str("flags for copies, chosen on half of the samples, measured on the other\n");
    }
}

/// Runs side by side, a row a figure.
fn figures(runs: &[RunResults], first: bool) -> String {
    let mut headers = vec![if first { "figure" } else { "" }];
    headers.extend(runs.iter().map(|run| run.name.as_str()));
    let mut table = numbers(&headers);
    narrow(&mut table, 0, 14);
    let mut row = |name: &str, cell: &dyn Fn(&RunResults) -> String| {
        let cells = std::iter::once(name.to_owned()).chain(runs.iter().map(cell));
        table.add_row(cells.collect::<Vec<_>>());
    };
    type Figure = fn(&EnergyResults) -> String;
    let energies: [(&str, Figure); 5] = [
        ("KPE", |energy| format!("{}\nsd {}", number(energy.kpe.mean), number(energy.kpe.sd))),
        ("KPE / D", |energy| number(energy.kpe_per_dimension)),
        ("efficiency", |energy| fixed(energy.efficiency.mean, 3)),
        ("KPE, t≥0.95", |energy| format!("{} %", fixed(100.0 * energy.terminal_spike.mean, 1))),
        ("NFE", |energy| number(energy.nfe.mean)),
    ];
    if runs.iter().any(|run| run.energy.is_some()) {
        for (name, figure) in energies {
            row(name, &|run| run.energy.as_ref().map_or(MISSING.to_owned(), figure));
        }
    }
    for metric in metrics_of(runs) {
        let key = metric.metric.as_str();
        let together = runs.iter().filter_map(|run| run.figure(key));
        let style = Style::of(Unit::of(key), together.map(|result| &result.value));
        row(&metric.name, &|run| {
            let Some(result) = run.figure(key) else { return MISSING.to_owned() };
            let mark = run.difference(key).map_or("", |difference| mark(difference.effect));
            let Interval { estimate, .. } = result.value;
            format!("{}{mark}\n{}", style.estimate(estimate), style.ends(&result.value))
        });
    }
    text(&table)
}

/// The paired differences of every gain, and its verdict.
fn differences(runs: &[RunResults], all: bool) -> String {
    let mut table =
        words(&["gain", "verdict", "metric", "difference", "q", "", "detectable at", "needs n"]);
    for run in runs {
        let Some(Comparison { differences, verdict, .. }) = &run.comparison else { continue };
        let mut head = [run.name.as_str(), verdict.name()];
        let mut shown = 0;
        for difference in differences {
            if !all && difference.effect == Effect::Undetected {
                continue;
            }
            shown += 1;
            let style = Style::lone(Unit::of(&difference.metric), &difference.difference);
            table.add_row([
                head[0].to_owned(),
                head[1].to_owned(),
                difference.name.clone(),
                style.difference(&difference.difference),
                p_value(difference.q_value),
                mark(difference.effect).trim().to_owned(),
                style.amount(difference.detectable),
                difference.samples_needed.map_or(MISSING.to_owned(), |n| n.to_string()),
            ]);
            head = ["", ""];
        }
        if shown == 0 {
            table.add_row([head[0], head[1], "", "", "", "", "", ""]);
        }
    }
    text(&table)
}

/// The controls that were run, if any.
fn controls(runs: &[RunResults]) -> Option<String> {
    let mut table = words(&["gain", "control", "metric", "value", "to baseline", "to gain"]);
    let mut empty = true;
    for run in runs {
        let Some(comparison) = &run.comparison else { continue };
        let mut gain = run.name.as_str();
        for control in &comparison.controls {
            let mut kind = control.kind.name();
            for figure in &control.figures {
                let differences = [&figure.to_baseline, &figure.to_gain];
                let style = Style::of(Unit::of(&figure.metric), differences.into_iter());
                table.add_row([
                    gain.to_owned(),
                    kind.to_owned(),
                    figure.name.clone(),
                    style.estimate(figure.value),
                    style.difference(&figure.to_baseline) + mark(figure.to_baseline_effect),
                    style.difference(&figure.to_gain) + mark(figure.to_gain_effect),
                ]);
                (gain, kind, empty) = ("", "", false);
            }
        }
    }
    (!empty).then(|| text(&table))
}

/// Why controls of gains with an advantage to explain were not made, a paragraph a reason.
fn controls_not_made(runs: &[RunResults]) -> String {
    let mut paragraphs = String::new();
    for run in runs {
        let Some(Comparison { differences, controls, .. }) = &run.comparison else { continue };
        if differences.iter().all(|difference| difference.effect != Effect::Better) {
            continue;
        }
        let not_made: Vec<&Control> =
            controls.iter().filter(|control| control.figures.is_empty()).collect();
        for alike in not_made.chunk_by(|a, b| a.sentence == b.sentence) {
            let kinds: Vec<&str> = alike.iter().map(|control| control.kind.name()).collect();
            let reason = &alike[0].sentence;
            let told = format!("{}: controls not made ({}): {reason}", run.name, kinds.join(", "));
            paragraphs.push_str(&wrapped("", &told));
        }
    }
    paragraphs
}

/// How well the flags find copies.
fn flags(risk: &Risk) -> String {
    let mut table = words(&["flag", "copies are", "of all", "flagged", "precision", "recall"]);
    let scores = risk.flags.iter().flat_map(|flag| [&flag.precision, &flag.recall]).flatten();
    let style = Style::of(Unit::Percent, scores);
    let score = |score: &Option<Interval>| {
        score.as_ref().map_or("undefined".to_owned(), |score| style.interval(score))
    };
    for flag in &risk.flags {
        table.add_row([
            flag.flag.clone(),
            flag.truth.clone(),
            style.estimate(flag.base_rate),
            style.estimate(flag.flagged),
            score(&flag.precision),
            score(&flag.recall),
        ]);
    }
    text(&table)
}

fn associations(associations: &[Association]) -> String {
    let mut table = words(&["KPE goes with", "ρ", "partial ρ"]);
    let rho = |interval: &Option<Interval>| {
        interval.as_ref().map_or("undefined".to_owned(), |rho| lone(Unit::Plain, rho))
    };
    for Association { name, plain, partial, .. } in associations {
        table.add_row([name.clone(), rho(plain), rho(partial)]);
    }
    text(&table)
}

/// Fidelity as mean ± sd by tercile of energy, the way arXiv 2602.07928 prints it.
fn terciles(terciles: &[Tercile]) -> String {
    let scores = terciles.first().map_or(&[][..], |tercile| &tercile.scores);
    let mut headers = vec!["KPE tercile", "n", "mean KPE"];
    headers.extend(scores.iter().map(|(name, _, _)| name.as_str()));
    headers.push("F_mem");
    let mut table = numbers(&headers);
    for (tercile, name) in terciles.iter().zip(["low", "middle", "high"]) {
        let mut cells = vec![name.to_owned(), tercile.count.to_string(), number(tercile.kpe)];
        cells.extend(
            tercile
                .scores
                .iter()
                .map(|(_, mean, sd)| format!("{} ± {}", fixed(*mean, 3), fixed(*sd, 3))),
        );
        cells.push(lone(Unit::Percent, &tercile.f_mem));
        table.add_row(cells);
    }
    text(&table)
}

/// Energy and memorization by the class asked for, where there are not too many for a screen.
fn classes(run: &RunResults) -> Option<String> {
    let audit = &run.memorization;
    if audit.classes_by != CLASSES_ASKED_FOR || audit.classes.is_empty() {
        return None;
    }
    if audit.classes.len() > CLASSES_SHOWN {
        let count = audit.classes.len();
        return Some(format!("{}: figures of {count} classes are in the report\n", run.name));
    }
    let mut table = numbers(&[&format!("{}, class", run.name), "n", "mean KPE", "F_mem"]);
    for share in &audit.classes {
        table.add_row([
            share.class.to_string(),
            share.count.to_string(),
            optional(Unit::Plain, share.kpe.as_ref()),
            optional(Unit::Percent, share.f_mem.as_ref()),
        ]);
    }
    Some(text(&table))
}

/// A mark where something was detected.
pub(super) fn mark(effect: Effect) -> &'static str {
    match effect {
        Effect::Better => " ✓",
        Effect::Worse => " ✗",
        Effect::Undetected => "",
    }
}

/// A sentence after a bullet, broken into lines of at most 98 columns.
pub(super) fn wrapped(bullet: &str, sentence: &str) -> String {
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > 96 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let indent = " ".repeat(bullet.chars().count());
    format!("{bullet}{}\n", lines.join(&format!("\n{indent}")))
}
