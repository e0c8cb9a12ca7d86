//! The proof that the state does not depend on the order of arrival, and that each promise is made once: the table of
//! contents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these functions are a test's, and fail it")]

mod confirmations;
mod laws;
mod lives;
mod permutations;
mod promises;
mod said;
mod states;
