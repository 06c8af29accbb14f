//! A network as a velocity field.

use std::sync::Arc;

use kinepath::field::{Condition, FieldError, VelocityField, check_shapes};
use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::conditions::given;
use crate::execute::Call;
use crate::given::{Given, Numbers};
use crate::roles::{VELOCITY, list};
use crate::{Axis, Network, NetworkError, Port, Problem, RowInput, Signature};

/// A network with a time input, as a [`VelocityField`].
///
/// What the network computes is the velocity, as it is; the time it is asked for goes in as it
/// comes. A network that was trained with another convention (data or noise prediction, reversed,
/// discrete or scaled time) belongs in a wrapper of [`kinepath::field`] that converts it. For an
/// integer time input the time is rounded to the nearest integer, so a discrete-time network
/// *needs* such a wrapper: [`Signature::time`] tells.
///
/// An output of twice the channels of the state has a learned variance in its second half, as those of
/// improved DDPM (arXiv 2102.09672) and of DiT do; the first half is taken.
///
/// ```no_run
/// use kinepath::field::{Condition, VelocityField};
/// use kinepath_onnx::{Network, OnnxField};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let field = OnnxField::new(Network::load("unet.onnx")?)?;
/// let x = ndarray::Array2::<f32>::zeros((4, field.dim()));
/// let mut v = x.clone();
/// field.velocity(x.view(), &[0.0, 0.25, 0.5, 0.75], Condition::None, v.view_mut())?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct OnnxField {
    network: Arc<Network>,
    time: RowInput,
    output: FieldOutput,
}

/// The output that is the velocity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldOutput {
    /// Its name in the graph.
    pub(crate) name: String,
    /// Whether it has a learned variance in as many channels more.
    pub(crate) with_variance: bool,
}

impl OnnxField {
    /// Takes a network for a velocity field. Its output is the one named `velocity`, `v`,
    /// `out_sample`, `output`, …, or its only one.
    ///
    /// # Errors
    /// [`Problem::NoTime`] for a network without a time input, [`Problem::NoOutput`] when it is
    /// open which output is the velocity, and [`Problem::Output`] when that output is declared
    /// with another shape than the state.
    pub fn new(network: impl Into<Arc<Network>>) -> Result<Self, NetworkError> {
        let network = network.into();
        let (time, output) =
            interface(&network.graph.inputs, &network.graph.outputs, &network.signature)
                .map_err(|problem| problem.of(&network.name))?;
        Ok(Self { network, time, output })
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// The shape of one sample, `[C, H, W]` for images; its product is the dimension D.
    pub fn sample_shape(&self) -> &[usize] {
        &self.network.signature.state.sample_shape
    }

    fn times(&self, t: &[f64]) -> Result<Numbers<'static>, FieldError> {
        if let Some(row) = t.iter().position(|t| !t.is_finite()) {
            return Err(FieldError::Invalid(format!("the time of row {row} is {}", t[row])));
        }
        Ok(if self.time.integer {
            Numbers::Integer(t.iter().map(|t| t.round() as i32).collect())
        } else {
            Numbers::Float(t.iter().map(|&t| t as f32).collect())
        })
    }
}

/// The time input and the velocity output.
pub(crate) fn interface(
    inputs: &[Port],
    outputs: &[Port],
    signature: &Signature,
) -> Result<(RowInput, FieldOutput), Problem> {
    let time = signature.time.clone();
    let time = time.ok_or_else(|| Problem::NoTime { inputs: list(inputs) })?;
    let port = &outputs[VELOCITY.find(outputs)?.0];
    Ok((time, velocity_output(port, &signature.state.sample_shape)?))
}

/// An output as the velocity: its declared shape is, or can be, that of the state, or has twice the
/// channels.
fn velocity_output(port: &Port, sample_shape: &[usize]) -> Result<FieldOutput, Problem> {
    let output = |with_variance| Ok(FieldOutput { name: port.name.clone(), with_variance });
    let Some(axes) = &port.shape else { return output(false) };
    let sample = axes.get(1..).unwrap_or_default();
    let is_of = |shape: &[usize]| {
        let fits = |(axis, length): (&Axis, &usize)| match axis {
            Axis::Fixed(declared) => declared == length,
            Axis::Free(_) => true,
        };
        sample.len() == shape.len() && sample.iter().zip(shape).all(fits)
    };
    if is_of(sample_shape) {
        return output(false);
    }
    // Vectors have no channels of which some could be a variance.
    if let [channels, rest @ ..] = sample_shape
        && !rest.is_empty()
        && is_of(&[&[2 * channels], rest].concat())
    {
        return output(true);
    }
    let expected =
        sample_shape.iter().fold("[batch".to_owned(), |s, n| s + &format!(", {n}")) + "]";
    Err(Problem::Output { output: port.name.clone(), actual: port.shape_text(), expected })
}

impl VelocityField for OnnxField {
    fn dim(&self) -> usize {
        self.network.signature.dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        let network = &*self.network;
        let mut given = given(&network.name, &network.signature, condition, t.len())?;
        given.push(Given::for_rows(&self.time, 1, self.times(t)?));
        if t.is_empty() {
            return Ok(());
        }
        let FieldOutput { name, with_variance } = &self.output;
        let velocity = Call { network, given, output: name }
            .run(x)
            .map_err(|problem| FieldError::Model(problem.of(&network.name).to_string()))?;
        let kept = if *with_variance { velocity.ncols() / 2 } else { velocity.ncols() };
        let velocity = velocity.slice(s![.., ..kept]);
        if velocity.dim() != out.dim() {
            let problem = Problem::Output {
                output: name.clone(),
                actual: format!("{:?} (flattened)", velocity.shape()),
                expected: format!("{:?}", out.shape()),
            };
            return Err(FieldError::Model(problem.of(&network.name).to_string()));
        }
        out.assign(&velocity);
        Ok(())
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        given(&self.network.name, &self.network.signature, condition, rows).map(drop)
    }
}
