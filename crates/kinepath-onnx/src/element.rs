//! Element types of tensors.

use std::fmt;

use rten_onnx::onnx::DataType;
use serde::Serialize;

/// The element type that an ONNX graph declares for a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// 32-bit float.
    Float32,
    /// 16-bit float. States are rounded to it where they go in; rten computes with it in 32 bits.
    Float16,
    /// 16-bit float with the exponents of 32 bits. States are rounded to it where they go in; rten
    /// cannot compute with it.
    Bfloat16,
    /// 64-bit float; rten computes with it in 32 bits.
    Float64,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer; rten computes with it in 32 bits.
    Int64,
    /// A truth value; computed as a 32-bit integer.
    Bool,
    /// Anything else, or nothing declared: no input of a field, encoder or classifier.
    Other,
}

impl Element {
    pub(crate) fn of(declared: Option<DataType>) -> Self {
        match declared {
            Some(DataType::FLOAT) => Self::Float32,
            Some(DataType::FLOAT16) => Self::Float16,
            Some(DataType::BFLOAT16) => Self::Bfloat16,
            Some(DataType::DOUBLE) => Self::Float64,
            Some(DataType::INT32) => Self::Int32,
            Some(DataType::INT64) => Self::Int64,
            Some(DataType::BOOL) => Self::Bool,
            _ => Self::Other,
        }
    }

    /// Whether it is a float of any width.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float16 | Self::Bfloat16 | Self::Float64)
    }

    /// Whether it is an integer that a time index or a label can be given as.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Int32 | Self::Int64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Float64 => "float64",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Bool => "bool",
            Self::Other => "another type",
        })
    }
}
