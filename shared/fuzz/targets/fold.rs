//! See `invariants::TARGETS`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| invariants::check("fold", input));
