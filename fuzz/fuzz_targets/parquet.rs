#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    kinepath_fuzz::PARQUET.check(input);
});
