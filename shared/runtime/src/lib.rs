//! The plumbing that both programs stand on: broker, retry, HTTP server, telemetry, shutdown and settings. It knows
//! nothing of what an event means.

pub mod broker;
pub mod http;
pub mod retry;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
