//! What a file holds and how it would be used.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::engine::{Model, Source};
use crate::roles::{FEATURES, LOGITS};
use crate::{
    Batch, Engine, Graph, NetworkError, Problem, Provider, Reason, RowInput, Rows, Signature,
    field, text,
};

/// What an ONNX file holds and how it would be used: for a person to check before trusting a run.
///
/// It prints as a short text and serialises to JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The file.
    pub path: String,
    /// What it declares.
    pub graph: Graph,
    /// The inputs in their roles, or why that is not clear.
    #[serde(serialize_with = "result")]
    pub signature: Result<Signature, Problem>,
    /// What it looks like, or why it is nothing that can be used.
    #[serde(serialize_with = "result")]
    pub kind: Result<Kind, Problem>,
    /// What each engine says of it, on the processor.
    pub engines: Vec<Verdict>,
}

/// Whether an engine can run a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The engine.
    pub engine: Engine,
    /// The version of its library, where it is not part of this crate.
    pub version: Option<String>,
    /// Why it cannot run the network, if so.
    #[serde(serialize_with = "problem")]
    pub problem: Option<Problem>,
}

/// What a network looks like from its inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It takes a time: a velocity field, or a data or noise prediction to be converted to one.
    VelocityField,
    /// It takes images alone and names an output `logits`.
    Classifier,
    /// It takes images alone and names an output `features`, or has only one.
    Encoder,
    /// It takes tokens alone and gives a row of features a prompt.
    TextEncoder,
}

impl Inspection {
    /// Inspects the file at `path`. A network that is read but cannot be used is no error: the
    /// inspection says what stands in the way.
    ///
    /// # Errors
    /// [`Problem::Unreadable`], [`Problem::Empty`] and [`Problem::NotOnnx`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, NetworkError> {
        Self::sized(path, None)
    }

    /// As [`Inspection::read`], where the axes of a sample that the graph leaves free are as long as
    /// those of `shape`.
    ///
    /// # Errors
    /// As [`Inspection::read`].
    pub fn sized(path: impl AsRef<Path>, shape: Option<&[usize]>) -> Result<Self, NetworkError> {
        let path = path.as_ref();
        Ok(Self::of(
            path.display().to_string(),
            Graph::read(path)?,
            &Source::File(path.into()),
            shape,
        ))
    }

    /// Inspects the bytes of an ONNX file; `name` stands for it.
    ///
    /// # Errors
    /// [`Problem::Empty`] and [`Problem::NotOnnx`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, NetworkError> {
        let graph = Graph::parse(bytes).map_err(|problem| problem.of(name))?;
        Ok(Self::of(name.to_owned(), graph, &Source::Bytes(bytes.into()), None))
    }

    fn of(path: String, graph: Graph, source: &Source, shape: Option<&[usize]>) -> Self {
        let signature = Signature::sized(&graph, shape);
        let kind = match &signature {
            // Tokens are no state, but they may be a text encoder's.
            Err(Problem::NoState { .. }) if text::Interface::of(&graph).is_ok() => {
                Ok(Kind::TextEncoder)
            }
            Err(problem) => Err(problem.clone()),
            Ok(signature) => Kind::of(&graph, signature),
        };
        let engines = [Engine::Rten, Engine::Ort(Provider::Cpu)].map(|engine| {
            let (version, problem) = match Model::load(&graph, source, engine) {
                Ok(model) => (model.library_version().map(str::to_owned), None),
                Err(problem) => (None, Some(problem)),
            };
            Verdict { engine, version, problem }
        });
        Self { path, graph, signature, kind, engines: engines.into() }
    }

    /// Whether an engine can run it.
    pub fn runs(&self) -> bool {
        self.engines.iter().any(|verdict| verdict.problem.is_none())
    }
}

impl Kind {
    fn of(graph: &Graph, signature: &Signature) -> Result<Self, Problem> {
        if signature.time.is_some() {
            field::interface(&graph.inputs, &graph.outputs, signature).map(|_| Self::VelocityField)
        } else if let Some(label) = &signature.label {
            Err(Problem::NotImageOnly { input: label.name.clone() })
        } else if let Ok((_, Reason::Name)) = LOGITS.find(&graph.outputs) {
            Ok(Self::Classifier)
        } else {
            FEATURES.find(&graph.outputs).map(|_| Self::Encoder)
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VelocityField => "velocity field",
            Self::Classifier => "classifier",
            Self::Encoder => "encoder",
            Self::TextEncoder => "text encoder",
        })
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.path)?;
        match &self.kind {
            Ok(kind) => writeln!(f, "  kind        {kind}")?,
            Err(problem) => writeln!(f, "  kind        unclear: {problem}")?,
        }
        for port in &self.graph.inputs {
            writeln!(f, "  input       {port}{}", self.role_of(&port.name))?;
        }
        for port in &self.graph.outputs {
            writeln!(f, "  output      {port}{}", self.output_role(&port.name))?;
        }
        if let Ok(Signature { batch, .. }) = self.signature {
            match batch {
                Batch::Any => writeln!(f, "  batch       any")?,
                Batch::Fixed(rows) => writeln!(f, "  batch       {rows} at a time")?,
            }
        }
        writeln!(f, "  parameters  {}", self.graph.parameters)?;
        let total: usize = self.graph.operators.values().sum();
        let mut operators: Vec<_> = self.graph.operators.iter().collect();
        operators.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let operators: Vec<_> =
            operators.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(f, "  operators   {total}: {}", operators.join(", "))?;
        writeln!(f, "  opset       {}", self.graph.opset)?;
        if let Some(producer) = &self.graph.producer {
            writeln!(f, "  producer    {producer}")?;
        }
        for file in &self.graph.external_files {
            writeln!(f, "  weights     in {file}")?;
        }
        let engines: Vec<_> = self.engines.iter().map(ToString::to_string).collect();
        write!(f, "{}", engines.join("\n"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  on {:<8} ", self.engine)?;
        match (&self.problem, &self.version) {
            (None, None) => f.write_str("yes"),
            (None, Some(version)) => write!(f, "yes, version {version}"),
            (Some(problem), _) => write!(f, "no: {problem}"),
        }
    }
}

impl Inspection {
    /// What is taken of an output, as a remark behind its declaration.
    fn output_role(&self, output: &str) -> &'static str {
        let Ok(signature) = &self.signature else { return "" };
        match field::interface(&self.graph.inputs, &self.graph.outputs, signature) {
            Ok((_, found)) if found.name == output && found.with_variance => {
                "  → the first half of the channels; the second is a learned variance"
            }
            _ => "",
        }
    }

    /// The role of an input, as a remark behind its declaration.
    fn role_of(&self, input: &str) -> String {
        let Ok(signature) = &self.signature else { return String::new() };
        if signature.state.name == input {
            return format!("  → state, {}", signature.state.reason);
        }
        let is_it = |row: &&RowInput| row.name == input;
        let (role, row) = if let Some(row) = signature.time.as_ref().filter(is_it) {
            ("time", row)
        } else if let Some(row) = signature.label.as_ref().filter(is_it) {
            ("label", row)
        } else {
            let further = signature.conditions.iter().find(|further| further.name == input);
            return further.map_or(String::new(), |further| {
                format!("  → further condition, {}", rows_of(further.rows))
            });
        };
        let kind = match (role, row.integer) {
            ("time", true) => "discrete ",
            ("time", false) => "continuous ",
            _ => "",
        };
        let classes = match (row.classes, row.labels) {
            (Some(classes), _) => format!(" of {classes} classes, one-hot"),
            (None, Some(labels)) => format!(" from 0 to {}", labels.saturating_sub(1)),
            (None, None) => String::new(),
        };
        format!("  → {kind}{role}{classes}, {}, {}", rows_of(row.rows), row.reason)
    }
}

fn rows_of(rows: Rows) -> &'static str {
    match rows {
        Rows::Each => "one a sample",
        Rows::Shared => "one for the whole batch",
    }
}

fn result<T: Serialize, S: serde::Serializer>(
    result: &Result<T, Problem>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match result {
        Ok(value) => value.serialize(serializer),
        Err(problem) => std::collections::BTreeMap::from([("problem", problem.to_string())])
            .serialize(serializer),
    }
}

fn problem<S: serde::Serializer>(
    problem: &Option<Problem>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    problem.as_ref().map(ToString::to_string).serialize(serializer)
}
