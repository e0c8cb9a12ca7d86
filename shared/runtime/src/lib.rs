//! The plumbing that both programs stand on: the queue between them ([`queue`], which is the [`broker`] or a [`spool`]),
//! retry, HTTP server, telemetry, shutdown, settings and secrets. It knows nothing of what an event means.

pub mod broker;
pub mod http;
pub mod program;
pub mod queue;
pub mod retry;
pub mod retry_after;
pub mod secret;
pub mod settings;
pub mod shutdown;
pub mod spool;
pub mod telemetry;
pub mod tls;
