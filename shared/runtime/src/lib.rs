//! The plumbing that both programs stand on: broker, retry, HTTP server, telemetry, shutdown, settings and secrets. It
//! knows nothing of what an event means.

pub mod broker;
pub mod http;
pub mod retry;
pub mod secret;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
