//! The five providers, played. It makes lives from a seed, sends them over real HTTP as each provider would, knows from its
//! own model what must have become of them, and compares. It knows nothing of the programs but their public face.

pub mod chaos;
pub mod client;
pub mod credentials;
pub mod dialect;
pub mod event;
pub mod journal;
pub mod knobs;
pub mod life;
pub mod plan;
pub mod progress;
pub mod provider_api;
pub mod random;
pub mod report;
pub mod request;
pub mod schedule;
pub mod sender;
pub mod tables;
pub mod truth;
pub mod verify;
