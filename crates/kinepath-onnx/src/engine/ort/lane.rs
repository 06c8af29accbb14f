//! A session with the buffers of its calls.

use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::DynTensor;

use super::cast;
use crate::Problem;
use crate::engine::{Feed, Floats};

/// Shapes of calls whose buffers are kept. The slices of a batch have two lengths, and so have
/// those of a last batch that is shorter.
const SHAPES: usize = 4;

/// A session, and the buffers of its calls: made once a shape, and bound to its inputs and output.
pub(super) struct Lane {
    session: Session,
    calls: Vec<BoundCall>,
}

struct BoundCall {
    output: String,
    inputs: Vec<BoundInput>,
    binding: IoBinding,
}

struct BoundInput {
    name: String,
    shape: Vec<usize>,
    tensor: DynTensor,
}

impl Lane {
    pub(super) fn new(session: Session) -> Self {
        Self { session, calls: Vec::new() }
    }

    /// Runs the network on `feeds` and gives the output of this name.
    pub(super) fn run(&mut self, feeds: &[Feed<'_>], output: &str) -> Result<Floats, Problem> {
        let failed = |error: ort::Error| Problem::Run(error.to_string());
        let at = match self.calls.iter().position(|call| call.is_for(feeds, output)) {
            Some(at) => at,
            None => {
                let call = BoundCall::new(&self.session, feeds, output).map_err(failed)?;
                if self.calls.len() == SHAPES {
                    self.calls.remove(0);
                }
                self.calls.push(call);
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at];
        for (input, feed) in call.inputs.iter_mut().zip(feeds) {
            let given = cast::write(&mut input.tensor, &feed.values)
                // On a GPU this is what copies.
                .and_then(|()| call.binding.bind_input(&*input.name, &input.tensor));
            given.map_err(|e| Problem::Run(format!("input `{}`: {e}", input.name)))?;
        }
        let outputs = self.session.run_binding(&call.binding).map_err(failed)?;
        let value = outputs.get(output).ok_or_else(|| Floats::missing(output))?;
        let data = cast::read(value).ok_or_else(|| Floats::missing(output))?;
        let shape = value.shape().iter().map(|&length| length.max(0) as usize).collect();
        Ok(Floats { shape, data })
    }
}

impl BoundCall {
    fn new(session: &Session, feeds: &[Feed<'_>], output: &str) -> ort::Result<Self> {
        let mut binding = session.create_binding()?;
        let processor = MemoryInfo::new(
            AllocationDevice::CPU,
            0,
            AllocatorType::Device,
            MemoryType::CPUOutput,
        )?;
        // The library makes the output at the first run and keeps it for those that follow.
        binding.bind_output_to_device(output, &processor)?;
        let inputs = feeds.iter().map(|feed| {
            let port = session.inputs().iter().find(|port| port.name() == feed.name);
            let element = port.and_then(|port| port.dtype().tensor_type());
            let element = element.ok_or_else(|| {
                ort::Error::new(format!("there is no input tensor `{}`", feed.name))
            })?;
            let tensor = DynTensor::new(&Allocator::default(), element, feed.shape.clone())?;
            Ok(BoundInput { name: feed.name.to_owned(), shape: feed.shape.clone(), tensor })
        });
        Ok(Self { output: output.to_owned(), inputs: inputs.collect::<ort::Result<_>>()?, binding })
    }

    fn is_for(&self, feeds: &[Feed<'_>], output: &str) -> bool {
        let same = |(input, feed): (&BoundInput, &Feed<'_>)| {
            input.name == feed.name && input.shape == feed.shape
        };
        self.output == output
            && self.inputs.len() == feeds.len()
            && self.inputs.iter().zip(feeds).all(same)
    }
}
