//! What the programs must agree on, and everything that can be computed; it touches no clock, file, socket or database.
//!
//! The path of an event, in reading order; the crate `providers` makes the event from the envelope:
//!
//! 1. [`envelope`]: a webhook in transit, and the names of the queue it travels through.
//! 2. [`event`], [`fact`]: what happened, and what that claims about which entity; [`origin`]: who says so, and how.
//! 3. [`block`]: the join, by which the newest claim wins whatever the order of arrival.
//! 4. [`order`], [`esim`], [`payment`], [`return_request`]: the entities, as blocks and as the row that people read.
//! 5. [`confirmation`]: whether the provider itself stands behind what an unsigned webhook said.
//! 6. [`action`], [`premise`]: every effect there is, `decide(before, after)`, and what must hold when it is sent;
//!    [`contact`]: the customer that it is sent to.
//! 7. [`lookup`]: what the providers' APIs are asked, and their answers; [`rate_limit`]: how often.
//! 8. [`fold`]: the one thing that changes state, made of the above.
//!
//! The laws, each of them a test:
//!
//! - The join is commutative, associative and idempotent, so the same events end in the same state in any order.
//! - `decide(state, state)` is empty: what changes nothing promises nothing.
//! - A key is computed from the event alone, never by looking something up.

pub mod action;
pub mod block;
pub mod clock;
pub mod confirmation;
pub mod contact;
pub mod envelope;
pub mod esim;
pub mod event;
pub mod fact;
pub mod fold;
pub mod lookup;
pub mod order;
pub mod origin;
pub mod payment;
pub mod premise;
pub mod rate_limit;
pub mod return_request;
pub mod rules;
pub mod schedule;
pub mod status;
pub mod trace;
pub mod words;

/// A moment in UTC. PostgreSQL keeps microseconds, so every time that enters is cut to them.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
