//! The kernels with AVX2 and with AVX-512.

use std::arch::x86_64::{__m256, __m512};

use super::{Form, GROUP, Hit, Task, go};

/// 24 sums, 2 vectors of points and a query fit 32 registers.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn with_avx512(
    form: Form,
    task: Task<'_>,
    limits: &mut [f32; GROUP],
    visit: impl FnMut(Hit<'_>, &mut f32),
) {
    // SAFETY: the caller's.
    unsafe {
        match (form, task.count) {
            (Form::Differences, ..=4) => go::<__m512, 4, 2, true>(task, limits, visit),
            (Form::Differences, _) => go::<__m512, 12, 2, true>(task, limits, visit),
            (Form::Products, ..=4) => go::<__m512, 4, 2, false>(task, limits, visit),
            (Form::Products, _) => go::<__m512, 12, 2, false>(task, limits, visit),
        }
    }
}

/// 12 sums, 2 vectors of points and a query fit 16 registers.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn with_avx2(
    form: Form,
    task: Task<'_>,
    limits: &mut [f32; GROUP],
    visit: impl FnMut(Hit<'_>, &mut f32),
) {
    // SAFETY: the caller's.
    unsafe {
        match form {
            Form::Differences => go::<__m256, 6, 2, true>(task, limits, visit),
            Form::Products => go::<__m256, 6, 2, false>(task, limits, visit),
        }
    }
}
