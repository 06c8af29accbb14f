//! The kernels with AVX2 and with AVX-512.

use std::arch::x86_64::{
    __m256, __m512, _CMP_LE_OQ, _mm256_add_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps,
    _mm256_loadu_ps, _mm256_movemask_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm256_sub_ps,
    _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps,
    _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::{Form, GROUP, Hit, Task, Vector, go};

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

/// Implements [`Vector`] by intrinsics.
macro_rules! vector {
    ($type:ty, $width:literal, $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident,
     $add_product:ident, $sub_product:ident, |$key:ident, $limit:ident| $at_most:expr) => {
        impl Vector for $type {
            const WIDTH: usize = $width;

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller's, here and below.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: see above.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: see above.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: see above.
                unsafe { $sub(self, other) }
            }

            #[inline(always)]
            unsafe fn add_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $add_product(a, b, self) }
            }

            #[inline(always)]
            unsafe fn sub_product(self, a: Self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $sub_product(a, b, self) }
            }

            #[inline(always)]
            unsafe fn at_most(self, limit: Self) -> u32 {
                let ($key, $limit) = (self, limit);
                // SAFETY: see above.
                unsafe { $at_most }
            }
        }
    };
}

vector!(
    __m512,
    16,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    |key, limit| u32::from(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(key, limit))
);
vector!(
    __m256,
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    |key, limit| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(key, limit)) as u32
);
