//! Networks of text alone: the text half of a pair such as CLIP.

use std::fmt;
use std::ops::Range;

use ndarray::{Array2, s};

use crate::engine::{Feed, Model, Seat, Values};
use crate::execute::filled_up;
use crate::roles::{MASK, TEXT_FEATURES, TOKENS, joint, list};
use crate::slices::cut;
use crate::{Axis, Batch, Engine, Graph, NetworkError, NetworkFile, Port, Problem};

/// Prompts encoded at a time: all threads share them, and they stay in the cache.
const MOST_ROWS: usize = 16;

/// A network that turns tokens into feature vectors in the space of an image encoder.
///
/// Its tokens are the integer input `[batch, length]` named `input_ids`, `tokens`, …, or its only
/// one; a second input named `attention_mask` gets 1 where there are tokens and 0 where there is
/// padding. Its features are the output `[batch, F]` named `text_embeds`, `text_features`, …, or
/// its only one.
///
/// ```no_run
/// # fn main() -> Result<(), kinepath_onnx::NetworkError> {
/// use kinepath_onnx::{Engine, NetworkFile, TextEncoder};
///
/// let encoder = TextEncoder::load(NetworkFile::read("clip-text.onnx")?, Engine::Auto)?;
/// println!("prompts of {:?} tokens", encoder.length());
/// # Ok(()) }
/// ```
pub struct TextEncoder {
    name: String,
    interface: Interface,
    model: Model,
}

/// Prompts as tokens: one row each, of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Numbers of the tokens, `[P, L]`.
    pub ids: Array2<i32>,
    /// 1 for a token, 0 for padding, `[P, L]`.
    pub mask: Array2<i32>,
    /// Prompts that were longer and lost tokens.
    pub truncated: Vec<usize>,
}

/// How a text encoder is called.
#[derive(Debug, PartialEq)]
pub(crate) struct Interface {
    tokens: String,
    mask: Option<String>,
    batch: Batch,
    length: Option<usize>,
    output: String,
}

impl TextEncoder {
    /// Loads the network in `file` on `engine`.
    ///
    /// # Errors
    /// As [`NetworkFile::load`] for a file that cannot be used;
    /// [`Problem::NoTokens`], [`Problem::Ambiguous`], [`Problem::Unfit`] and [`Problem::Unused`]
    /// for other inputs; [`Problem::Joint`] for a graph that takes images as well;
    /// [`Problem::NoOutput`] and [`Problem::Output`] for other outputs.
    pub fn load(file: NetworkFile, engine: Engine) -> Result<Self, NetworkError> {
        let name = file.name();
        let build = || {
            let interface = Interface::of(&file.graph)?;
            Ok((interface, Model::load(&file.graph, &file.source(), engine)?))
        };
        let (interface, model) = build().map_err(|problem: Problem| problem.of(&name))?;
        Ok(Self { name, interface, model })
    }

    /// How many tokens a prompt has to have, where the network fixes it.
    pub fn length(&self) -> Option<usize> {
        self.interface.length
    }

    /// Features `[P, F]` of prompts.
    ///
    /// # Errors
    /// [`Problem::MaskShape`] for a mask of another shape than the tokens,
    /// [`Problem::TokenLength`] for prompts of another length than the network takes, or of none,
    /// [`Problem::Run`] for one that fails, as with a token it does not know, and
    /// [`Problem::Output`] if it gives anything but one row of floats a prompt.
    pub fn features(&self, tokens: &Tokens) -> Result<Array2<f32>, NetworkError> {
        self.run(tokens).map_err(|problem| problem.of(&self.name))
    }

    fn run(&self, tokens: &Tokens) -> Result<Array2<f32>, Problem> {
        let (rows, length) = tokens.ids.dim();
        if tokens.mask.dim() != tokens.ids.dim() {
            let (ids, mask) = (tokens.ids.dim(), tokens.mask.dim());
            return Err(Problem::MaskShape { ids, mask });
        }
        let expected = match self.interface.length {
            Some(fixed) => (fixed != length).then(|| fixed.to_string()),
            None => (length == 0).then(|| "some".into()),
        };
        if let Some(expected) = expected {
            return Err(Problem::TokenLength { actual: length, expected });
        }
        let mut features = Vec::new();
        for slice in cut(rows, self.interface.batch, (1, MOST_ROWS), |_, _| true) {
            features.extend(self.run_slice(tokens, slice)?);
        }
        let width = features.len().checked_div(rows).unwrap_or(0);
        Array2::from_shape_vec((rows, width), features)
            .map_err(|_| not_rows(&self.interface.output, "of varying width".into()))
    }

    fn run_slice(&self, tokens: &Tokens, slice: Range<usize>) -> Result<Vec<f32>, Problem> {
        let Self { model, interface, .. } = self;
        let fed = interface.batch.fed(slice.len());
        let feed = |name, values: &Array2<i32>| {
            let rows: Vec<_> = values.slice(s![slice.clone(), ..]).iter().copied().collect();
            let values = Values::Integer(filled_up(&rows, slice.len(), fed));
            Feed { name, shape: vec![fed, tokens.ids.ncols()], values }
        };
        let mut feeds = vec![feed(&interface.tokens, &tokens.ids)];
        if let Some(mask) = &interface.mask {
            feeds.push(feed(mask, &tokens.mask));
        }
        let floats = model.run(Seat::All, feeds, &interface.output, fed)?;
        let [_, width] = floats.shape[..] else {
            return Err(not_rows(&interface.output, format!("{:?}", floats.shape)));
        };
        let mut data = floats.data;
        data.truncate(slice.len() * width);
        Ok(data)
    }
}

impl fmt::Debug for TextEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("TextEncoder");
        fields.field("name", &self.name).field("interface", &self.interface).finish_non_exhaustive()
    }
}

impl Interface {
    /// Finds the roles of a graph's inputs and outputs.
    pub(crate) fn of(graph: &Graph) -> Result<Self, Problem> {
        let ports = &graph.inputs;
        if let Some(problem) = joint(ports) {
            return Err(problem);
        }
        let mask_at = if MASK.is_named_in(ports) { MASK.find(ports, &[])? } else { None };
        let mut taken: Vec<_> = mask_at.iter().map(|(at, _)| *at).collect();
        let no_tokens = || Problem::NoTokens { inputs: list(ports) };
        let (tokens_at, _) = TOKENS.find(ports, &taken)?.ok_or_else(no_tokens)?;
        taken.push(tokens_at);
        if let Some(at) = (0..ports.len()).find(|at| !taken.contains(at)) {
            return Err(Problem::Unused { input: ports[at].to_string() });
        }
        let tokens = &ports[tokens_at];
        let (batch, length) = text_shape(tokens).ok_or_else(|| TOKENS.unfit(tokens))?;
        if let Some(mask) = mask_at.map(|(at, _)| &ports[at])
            && text_shape(mask) != Some((batch, length))
        {
            return Err(MASK.unfit(mask));
        }
        let output = &graph.outputs[TEXT_FEATURES.find(&graph.outputs)?.0];
        if output.rank().is_some_and(|rank| rank != 2) {
            return Err(not_rows(&output.name, output.shape_text()));
        }
        Ok(Self {
            tokens: tokens.name.clone(),
            mask: mask_at.map(|(at, _)| ports[at].name.clone()),
            batch,
            length,
            output: output.name.clone(),
        })
    }
}

/// Rows and length of an integer input `[batch, length]`.
fn text_shape(port: &Port) -> Option<(Batch, Option<usize>)> {
    let [batch, length] = port.shape.as_deref()? else { return None };
    let length = match length {
        Axis::Fixed(0) => return None,
        Axis::Fixed(length) => Some(*length),
        Axis::Free(_) => None,
    };
    port.element.is_integer().then_some((Batch::of(batch)?, length))
}

fn not_rows(output: &str, actual: String) -> Problem {
    Problem::Output { output: output.to_owned(), actual, expected: "[batch, features]".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Element;

    fn port(name: &str, element: Element, lengths: &[Option<usize>]) -> Port {
        let axis =
            |length: &Option<usize>| length.map_or_else(|| Axis::Free("n".into()), Axis::Fixed);
        Port { name: name.into(), element, shape: Some(lengths.iter().map(axis).collect()) }
    }

    fn interface(inputs: Vec<Port>, outputs: Vec<Port>) -> Result<Interface, Problem> {
        Interface::of(&Graph { inputs, outputs, ..Graph::default() })
    }

    fn ids() -> Port {
        port("input_ids", Element::Int64, &[None, Some(77)])
    }

    fn embeds() -> Port {
        port("text_embeds", Element::Float32, &[None, Some(8)])
    }

    #[test]
    fn tokens_mask_and_features_are_found_by_name() {
        let mask = port("attention_mask", Element::Int64, &[None, Some(77)]);
        let states = port("last_hidden_state", Element::Float32, &[None, Some(77), Some(8)]);
        let found = interface(vec![mask, ids()], vec![states, embeds()]).unwrap();
        assert_eq!(found.tokens, "input_ids");
        assert_eq!(found.mask.as_deref(), Some("attention_mask"));
        assert_eq!((found.length, found.batch), (Some(77), Batch::Any));
        assert_eq!(found.output, "text_embeds");
    }

    #[test]
    fn without_names_the_only_fit_counts() {
        let arg = port("arg0", Element::Int32, &[Some(4), None]);
        let found = interface(vec![arg], vec![port("y", Element::Float32, &[None, None])]).unwrap();
        assert_eq!((found.length, found.batch), (None, Batch::Fixed(4)));
        assert_eq!(found.mask, None);
    }

    #[test]
    fn what_is_no_text_encoder_is_named() {
        let of = |inputs| interface(inputs, vec![embeds()]).unwrap_err();
        let image = port("pixel_values", Element::Float32, &[None, Some(3), Some(8), Some(8)]);
        assert!(matches!(of(vec![ids(), image.clone()]), Problem::Joint { .. }));
        assert!(matches!(of(vec![image]), Problem::NoTokens { .. }));
        let position = port("position_ids", Element::Int64, &[None, Some(77)]);
        assert!(matches!(of(vec![ids(), position]), Problem::Unused { .. }));
        let flat = port("input_ids", Element::Int64, &[None]);
        assert!(matches!(of(vec![flat]), Problem::Unfit { role: "tokens", .. }));
        let floats = port("input_ids", Element::Float32, &[None, Some(77)]);
        assert!(matches!(of(vec![floats]), Problem::Unfit { role: "tokens", .. }));
        let mask = port("attention_mask", Element::Int64, &[None, Some(76)]);
        assert!(matches!(of(vec![ids(), mask]), Problem::Unfit { role: "attention mask", .. }));
        let states = port("last_hidden_state", Element::Float32, &[None, Some(77), Some(8)]);
        assert_eq!(
            interface(vec![ids()], vec![states]),
            Err(not_rows("last_hidden_state", "[n, 77, 8]".into()))
        );
    }
}
