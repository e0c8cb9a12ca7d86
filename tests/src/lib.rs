//! Integration tests; see `scenarios/`.
