//! Between kinepath's numbers and the element types of a network.

use half::{bf16, f16};
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, TensorElementType};

use crate::engine::Values;

/// Writes `values` into a tensor of any element type that a network takes, one after the other.
pub(super) fn write(tensor: &mut DynTensor, values: &Values) -> ort::Result<()> {
    use TensorElementType as T;
    match (values, *tensor.data_type()) {
        (Values::Float(v), T::Float32) => put(tensor, v, |v: f32| v),
        (Values::Float(v), T::Float16) => put(tensor, v, f16::from_f32),
        (Values::Float(v), T::Bfloat16) => put(tensor, v, bf16::from_f32),
        (Values::Float(v), T::Float64) => put(tensor, v, f64::from),
        (Values::Integer(v), T::Int32) => put(tensor, v, |v: i32| v),
        (Values::Integer(v), T::Int64) => put(tensor, v, i64::from),
        (Values::Integer(v), T::Bool) => put(tensor, v, |v: i32| v != 0),
        (_, other) => Err(ort::Error::new(format!("nothing can be given as {other}"))),
    }
}

fn put<S: Copy, T: PrimitiveTensorElementType>(
    tensor: &mut DynTensor,
    values: &[S],
    cast: impl Fn(S) -> T,
) -> ort::Result<()> {
    let (_, target) = tensor.try_extract_tensor_mut::<T>()?;
    if target.len() != values.len() {
        let text = format!("{} numbers for a tensor of {}", values.len(), target.len());
        return Err(ort::Error::new(text));
    }
    target.iter_mut().zip(values).for_each(|(target, &value)| *target = cast(value));
    Ok(())
}

/// The numbers of a tensor of floats, of any width; nothing of another tensor.
pub(super) fn read(value: &DynValue) -> Option<Vec<f32>> {
    fn get<T: PrimitiveTensorElementType + Copy>(
        value: &DynValue,
        cast: impl Fn(T) -> f32,
    ) -> Option<Vec<f32>> {
        let (_, values) = value.try_extract_tensor::<T>().ok()?;
        Some(values.iter().map(|&value| cast(value)).collect())
    }
    match value.dtype().tensor_type()? {
        TensorElementType::Float32 => get(value, |v: f32| v),
        TensorElementType::Float16 => get(value, f16::to_f32),
        TensorElementType::Bfloat16 => get(value, bf16::to_f32),
        TensorElementType::Float64 => get(value, |v: f64| v as f32),
        _ => None,
    }
}
