//! What an ONNX file declares, read without building anything that can run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, Cursor, Seek};
use std::path::{Component, Path};

use rten_onnx::onnx::{
    GraphProto, ModelProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use rten_onnx::protobuf::ProtobufError;
use serde::Serialize;

use crate::embedding::labels_known;
use crate::engine::{Source, departure};
use crate::finding::Finding;
use crate::nodes::{is_standard, qualified};
use crate::training::unsteady;
use crate::{Element, NetworkError, Problem, frame};

/// The declared interface and the size of an ONNX graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Inputs that a caller must give, in the file's order.
    pub inputs: Vec<Port>,
    /// Outputs, in the file's order.
    pub outputs: Vec<Port>,
    /// Number of floating-point weights.
    pub parameters: u64,
    /// How often each operator occurs, subgraphs included. Operators outside the standard set are
    /// written `domain::Name`.
    pub operators: BTreeMap<String, usize>,
    /// Version of the standard operator set.
    pub opset: i64,
    /// The program that wrote the file, where the file says so.
    pub producer: Option<String>,
    /// Files beside this one that hold its weights, by their paths from its folder, in the order of
    /// their first use.
    pub external_files: Vec<String>,
    /// How many labels each input can be that selects rows of a table of weights.
    #[serde(skip)]
    pub(crate) labels_known: HashMap<String, usize>,
    /// The operator at each named node.
    #[serde(skip)]
    pub(crate) nodes: HashMap<String, String>,
    /// Whether an input, an output or a weight is a bfloat16.
    #[serde(skip)]
    pub(crate) brain_floats: bool,
    /// What makes its output no function of the sample.
    #[serde(skip)]
    pub(crate) unsteady: Option<Finding>,
    /// What rten would compute otherwise than ONNX says.
    #[serde(skip)]
    pub(crate) departure: Option<Finding>,
    /// The byte that the weights in each file beside this one reach to.
    #[serde(skip)]
    pub(crate) reach: HashMap<String, u64>,
}

/// An input or output of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name in the graph.
    pub name: String,
    /// Its element type.
    pub element: Element,
    /// Its axes, or `None` where the file declares no shape.
    pub shape: Option<Vec<Axis>>,
}

/// The declared length of one axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Axis {
    /// Always this long.
    Fixed(usize),
    /// As long as the caller makes it; the name is the exporter's, empty where it gave none.
    Free(String),
}

impl Graph {
    /// Reads the declarations of the ONNX file at `path`. Weights are read and dropped.
    ///
    /// # Errors
    /// [`Problem::Unreadable`], [`Problem::Empty`] and [`Problem::NotOnnx`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, NetworkError> {
        let path = path.as_ref();
        Self::read_file(path).map_err(|problem| problem.of(path.display()))
    }

    fn read_file(path: &Path) -> Result<Self, Problem> {
        let unreadable = |error: std::io::Error| Problem::Unreadable(error.to_string());
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Problem::Unreadable("it is a folder".into()));
        }
        if metadata.len() == 0 {
            return Err(Problem::Empty);
        }
        let external =
            frame::check(BufReader::new(&file), metadata.len()).map_err(Problem::NotOnnx)?;
        file.rewind().map_err(unreadable)?;
        Self::of(ModelProto::parse_file(file), external)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Err(Problem::Empty);
        }
        let external =
            frame::check(Cursor::new(bytes), bytes.len() as u64).map_err(Problem::NotOnnx)?;
        Self::of(ModelProto::parse_buf(bytes), external)
    }

    /// What a model declares, in which so many lines tell of files with weights.
    fn of(model: Result<ModelProto, ProtobufError>, external: usize) -> Result<Self, Problem> {
        let model = model.map_err(|error| Problem::NotOnnx(error.to_string()))?;
        let opset = model
            .opset_import
            .iter()
            .find(|set| is_standard(set.domain.as_deref()))
            .and_then(|set| set.version);
        let graph = model.graph.ok_or_else(|| Problem::NotOnnx("it holds no graph".into()))?;
        // The version follows the graph in a file, so its absence betrays a cut that the parser
        // takes for the end.
        let opset = opset.ok_or_else(|| Problem::NotOnnx("it names no operator set".into()))?;
        if graph.output.is_empty() {
            return Err(Problem::NotOnnx("its graph has no outputs".into()));
        }
        let (mut operators, mut nodes) = (BTreeMap::new(), HashMap::new());
        list_operators(&graph, &mut operators, &mut nodes);
        let (mut external_files, mut reach) = (Vec::new(), HashMap::new());
        // An engine may read more parts of a file than the parser here, and with them files that
        // nobody has checked.
        if list_external(&graph, &mut external_files, &mut reach) != external {
            let reason = "it has weights in other files where a graph has no weights";
            return Err(Problem::NotOnnx(reason.into()));
        }
        // Files of old versions list their weights among the inputs as well.
        let weights: HashSet<_> = graph.initializer.iter().map(|w| w.name.as_deref()).collect();
        let is_input = |value: &&ValueInfoProto| !weights.contains(&value.name.as_deref());
        let inputs: Vec<_> = graph.input.iter().filter(is_input).map(Port::of).collect();
        let outputs: Vec<_> = graph.output.iter().map(Port::of).collect();
        let brain = |element: Element| element == Element::Bfloat16;
        Ok(Self {
            brain_floats: inputs.iter().chain(&outputs).any(|port| brain(port.element))
                || graph.initializer.iter().any(|weight| brain(Element::of(weight.data_type))),
            labels_known: labels_known(&graph),
            departure: departure(&graph, opset),
            unsteady: unsteady(&graph, opset),
            inputs,
            outputs,
            parameters: graph.initializer.iter().map(weights_in).sum(),
            operators,
            opset,
            producer: model.producer_name,
            external_files,
            reach,
            nodes,
        })
    }

    /// Checks that the files with weights are there. Their paths must stay in the folder of the
    /// network: a file from elsewhere has no business with other files of this machine. Where the
    /// network is a link, as in the cache of a model hub, they may lie beside what it leads to.
    pub(crate) fn check_external(&self, source: &Source) -> Result<(), Problem> {
        let check = |file: &String| {
            let Source::File(network) = source else {
                return Err("the network came as bytes; load it by its path".to_owned());
            };
            if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err("its path leads out of the network's folder".to_owned());
            }
            // The parent of a bare name has no name itself.
            let folder = network.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let weights = folder.join(file);
            let metadata = fs::metadata(&weights).map_err(|error| error.to_string())?;
            if !metadata.is_file() {
                return Err("it is no file".to_owned());
            }
            // Engines ask for memory for all of it before they read.
            let end = self.reach.get(file).copied().unwrap_or(0);
            if end > metadata.len() {
                let length = metadata.len();
                return Err(format!("it has {length} bytes, and weights that reach to byte {end}"));
            }
            let whole = |path: &Path| fs::canonicalize(path).map_err(|error| error.to_string());
            let (weights, network) = (whole(&weights)?, whole(network)?);
            let linked = network.parent().is_some_and(|folder| weights.starts_with(folder));
            if linked || weights.starts_with(whole(folder)?) {
                Ok(())
            } else {
                Err("it is a link that leads out of the network's folder".to_owned())
            }
        };
        self.external_files.iter().try_for_each(|file| {
            check(file).map_err(|reason| Problem::External { file: file.clone(), reason })
        })
    }

    /// Bytes that the weights of the network at `source` take: as they are there, or as floats if that
    /// is more, as engines turn half floats into floats.
    pub(crate) fn weight_bytes(&self, source: &Source) -> u64 {
        // A file that is not there has no weight: loading says so.
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let stored = match source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::File(network) => {
                let beside = self.external_files.iter().map(|file| {
                    let length = length(&network.with_file_name(file));
                    // Several networks may share a file.
                    match self.reach.get(file) {
                        None | Some(0) => length,
                        Some(&end) => length.min(end),
                    }
                });
                length(network).saturating_add(beside.sum())
            }
        };
        stored.max(self.parameters.saturating_mul(size_of::<f32>() as u64))
    }

    /// The operator at a node, as `domain::Name` outside the standard set.
    pub(crate) fn operator_of(&self, node: &str) -> String {
        self.nodes.get(node).cloned().unwrap_or_else(|| "at an unnamed node".into())
    }
}

fn list_operators(
    graph: &GraphProto,
    counts: &mut BTreeMap<String, usize>,
    nodes: &mut HashMap<String, String>,
) {
    for node in &graph.node {
        let qualified = qualified(node);
        if let Some(name) = &node.name {
            nodes.insert(name.clone(), qualified.clone());
        }
        *counts.entry(qualified).or_default() += 1;
        for subgraph in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
            list_operators(subgraph, counts, nodes);
        }
    }
}

/// Lists the files with weights, and gives the number of lines that tell of them.
fn list_external(
    graph: &GraphProto,
    files: &mut Vec<String>,
    reach: &mut HashMap<String, u64>,
) -> usize {
    let attributes = || graph.node.iter().flat_map(|node| &node.attribute);
    let constants = attributes().filter_map(|attribute| attribute.t.as_ref());
    let mut lines = 0;
    for tensor in graph.initializer.iter().chain(constants) {
        let entries = &tensor.external_data;
        lines += entries.len();
        let values = |key| {
            let is_it = move |entry: &&StringStringEntryProto| entry.key.as_deref() == Some(key);
            entries.iter().filter(is_it).filter_map(|entry| entry.value.as_ref())
        };
        let number = |key| values(key).filter_map(|value| value.parse().ok()).max().unwrap_or(0);
        let end = u64::saturating_add(number("offset"), number("length"));
        for file in values("location") {
            if !files.contains(file) {
                files.push(file.clone());
            }
            let reach = reach.entry(file.clone()).or_default();
            *reach = end.max(*reach);
        }
    }
    let graphs = attributes().filter_map(|attribute| attribute.g.as_ref());
    lines + graphs.map(|graph| list_external(graph, files, reach)).sum::<usize>()
}

fn weights_in(tensor: &TensorProto) -> u64 {
    let float = Element::of(tensor.data_type).is_float();
    let dims = tensor.dims.iter().map(|&d| u64::try_from(d).unwrap_or(0));
    if float { dims.fold(1, u64::saturating_mul) } else { 0 }
}

impl Port {
    fn of(value: &ValueInfoProto) -> Self {
        let tensor = value.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let axis = |axis: &rten_onnx::onnx::Dimension| match axis.dim_value {
            Some(length) if length >= 0 => Axis::Fixed(length as usize),
            _ => Axis::Free(axis.dim_param.clone().unwrap_or_default()),
        };
        Self {
            name: value.name.clone().unwrap_or_default(),
            element: Element::of(tensor.and_then(|t| t.elem_type)),
            shape: tensor
                .and_then(|t| t.shape.as_ref())
                .map(|shape| shape.dim.iter().map(axis).collect()),
        }
    }

    /// Its shape for a person to read: `[batch, 1, 28, 28]`.
    pub(crate) fn shape_text(&self) -> String {
        let Some(axes) = &self.shape else { return "of undeclared shape".into() };
        let axes: Vec<_> = axes.iter().map(ToString::to_string).collect();
        format!("[{}]", axes.join(", "))
    }

    /// Number of axes, where declared.
    pub fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }
}

impl fmt::Display for Port {
    /// `name: float32 [batch, 1, 28, 28]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.name, self.element, self.shape_text())
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Free(name) if name.is_empty() => f.write_str("?"),
            Self::Free(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_reads_like_a_declaration() {
        let port = |shape| Port { name: "x".into(), element: Element::Float32, shape };
        let axes = vec![Axis::Free("batch".into()), Axis::Fixed(3), Axis::Free(String::new())];
        assert_eq!(port(Some(axes)).to_string(), "x: float32 [batch, 3, ?]");
        assert_eq!(port(Some(vec![])).to_string(), "x: float32 []");
        assert_eq!(port(None).to_string(), "x: float32 of undeclared shape");
    }

    #[test]
    fn bytes_that_are_no_model_are_refused() {
        assert_eq!(Graph::parse(b""), Err(Problem::Empty));
        assert!(matches!(Graph::parse(b"PK\x03\x04 a zip file"), Err(Problem::NotOnnx(_))));
        assert!(matches!(Graph::parse(&[0x08, 0x08]), Err(Problem::NotOnnx(_))));
    }
}
