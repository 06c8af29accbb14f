//! The results of a study for people.

use std::fmt::Write;

use kinepath::stats::Interval;
use kinepath_study::study::results::{
    Association, Comparison, Control, ControlKind, DataResults, Effect, EnergyResults,
    ModelResults, Risk, RunResults, Tercile, Verdict,
};
use kinepath_study::study::{CLASSES_ASKED_FOR, StudyResults};

use super::{Form, narrow, number, numbers, text, words};

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
            Form::Percent.both(calibration.false_alarm)
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
        ("efficiency", |energy| format!("{:.3}", energy.efficiency.mean)),
        ("KPE, t≥0.95", |energy| format!("{:.1} %", 100.0 * energy.terminal_spike.mean)),
        ("NFE", |energy| number(energy.nfe.mean)),
    ];
    if runs.iter().any(|run| run.energy.is_some()) {
        for (name, figure) in energies {
            row(name, &|run| run.energy.as_ref().map_or("–".to_owned(), figure));
        }
    }
    let metrics = runs.first().map_or(&[][..], |run| &run.metrics);
    for (index, metric) in metrics.iter().enumerate() {
        let form = form(&metric.metric);
        row(&metric.name, &|run| {
            let Some(result) = run.metrics.get(index) else { return String::new() };
            let mark = run
                .comparison
                .as_ref()
                .and_then(|comparison| comparison.differences.get(index))
                .map_or("", |difference| mark(difference.effect));
            format!("{}{mark}\n{}", form.estimate(result.value), form.range(result.value))
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
        let mut head = [run.name.as_str(), verdict_words(*verdict)];
        let mut shown = 0;
        for difference in differences {
            if !all && difference.effect == Effect::Undetected {
                continue;
            }
            shown += 1;
            table.add_row([
                head[0].to_owned(),
                head[1].to_owned(),
                difference.name.clone(),
                form(&difference.metric).difference(difference.difference),
                q_value(difference.q_value),
                mark(difference.effect).trim().to_owned(),
                form(&difference.metric).size(difference.detectable),
                difference.samples_needed.map_or("–".to_owned(), |n| n.to_string()),
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
            let mut kind = control_words(control.kind);
            for figure in &control.figures {
                let form = form(&figure.metric);
                table.add_row([
                    gain.to_owned(),
                    kind.to_owned(),
                    figure.name.clone(),
                    form.size(figure.value),
                    form.difference(figure.to_baseline) + mark(figure.to_baseline_effect),
                    form.difference(figure.to_gain) + mark(figure.to_gain_effect),
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
            let kinds: Vec<&str> =
                alike.iter().map(|control| control_words(control.kind)).collect();
            let reason = &alike[0].sentence;
            let told = format!("{}: controls not made ({}): {reason}", run.name, kinds.join(", "));
            paragraphs.push_str(&wrapped("", &told));
        }
    }
    paragraphs
}

fn control_words(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::NoiseMatched => "noise added",
        ControlKind::Denoised => "denoised",
        ControlKind::Constant => "constant gain",
        ControlKind::EarlyStop => "early stop",
    }
}

/// How well the flags find copies.
fn flags(risk: &Risk) -> String {
    let mut table = words(&["flag", "copies are", "of all", "flagged", "precision", "recall"]);
    let share = |interval: Option<Interval>| {
        interval.map_or("undefined".to_owned(), |interval| Form::Percent.both(interval))
    };
    for flag in &risk.flags {
        table.add_row([
            flag.flag.clone(),
            flag.truth.clone(),
            Form::Percent.size(flag.base_rate),
            Form::Percent.size(flag.flagged),
            share(flag.precision),
            share(flag.recall),
        ]);
    }
    text(&table)
}

fn associations(associations: &[Association]) -> String {
    let mut table = words(&["KPE goes with", "ρ", "partial ρ"]);
    let rho = |interval| {
        Option::map_or(interval, "undefined".to_owned(), |interval| Form::Plain.both(interval))
    };
    for Association { name, plain, partial, .. } in associations {
        table.add_row([name.clone(), rho(*plain), rho(*partial)]);
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
        cells.extend(tercile.scores.iter().map(|(_, mean, sd)| format!("{mean:.3} ± {sd:.3}")));
        cells.push(Form::Percent.both(tercile.f_mem));
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
        let cell = |interval: Option<Interval>, form: Form| {
            interval.map_or("–".to_owned(), |interval| form.both(interval))
        };
        table.add_row([
            share.class.to_string(),
            share.count.to_string(),
            cell(share.kpe, Form::Plain),
            cell(share.f_mem, Form::Percent),
        ]);
    }
    Some(text(&table))
}

/// How a metric is written: memorization and authenticity are shares that people know in percent.
pub(super) fn form(metric: &str) -> Form {
    if ["f_mem", "authenticity"].contains(&metric) { Form::Percent } else { Form::Plain }
}

fn mark(effect: Effect) -> &'static str {
    match effect {
        Effect::Better => " ✓",
        Effect::Worse => " ✗",
        Effect::Undetected => "",
    }
}

fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improves => "improves",
        Verdict::Trades => "trades",
        Verdict::Harms => "harms",
        Verdict::LeavesNoise => "leaves noise",
        Verdict::NoDetectableEffect => "no detectable effect",
    }
}

fn q_value(q: f64) -> String {
    if q < 0.001 { "< 0.001".to_owned() } else { format!("{q:.3}") }
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
