//! What the scenarios stand on: real containers, the programs' own `run`, and verbs that read like the domain. It knows
//! no promise; those are in `scenarios/`.
//!
//! 1. [`containers`]: RabbitMQ and PostgreSQL, shared by all tests or a test's own.
//! 2. [`programs`]: ingest and worker, in this process or as the real binaries.
//! 3. [`setup`], [`system`]: what a test wishes for, and all of it together, with what a test says and sees.
//! 4. [`standalone`]: the edition of one process.
//! 5. [`merchant`], [`mailbox`], [`proxy`]: the shop's endpoint, the customers' mails, and a connection that can be cut.
//! 6. [`simulated`]: the providers' APIs.
//! 7. [`databases`], [`queues`]: either side of a seam, as the tests of the seam need it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a harness that can't go on must fail its test, there and then")]

pub mod broker;
pub mod containers;
pub mod databases;
pub mod eventually;
pub mod mailbox;
pub mod merchant;
pub mod posting;
pub mod programs;
pub mod proxy;
pub mod queues;
pub mod setup;
pub mod simulated;
pub mod sources;
pub mod standalone;
pub mod system;
pub mod tables;

pub use eventually::eventually;
pub use setup::Setup;
pub use standalone::Standalone;
pub use system::System;
