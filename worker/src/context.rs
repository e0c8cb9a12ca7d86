//! What the tasks of one worker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::Store;
use tokio::sync::Notify;

use crate::metrics::Metrics;
use crate::provider_api::Apis;
use crate::routing::Routing;
use crate::settings::Limits;
use crate::sources::Sources;

/// Shared by all tasks of a worker.
#[derive(Debug)]
pub struct Context {
    pub store: Arc<dyn Store>,
    /// Names of the channels over which every action is delivered.
    pub channels: Vec<&'static str>,
    pub limits: Limits,
    pub routing: Routing,
    pub sources: Sources,
    /// Base address of ingest as providers see it, if it is configured.
    pub public_url: Option<String>,
    pub metrics: Metrics,
    pub health: Health,
    /// APIs that the worker has credentials for.
    pub apis: Apis,
    /// Names of the sources that have one of them.
    pub askable: Vec<String>,
    /// Names of the sources whose unsigned claims of value wait until the provider's API confirms them.
    pub waiting: Vec<String>,
    /// Notified when this worker stores a lookup, so that the fetch role need not wait for its next poll.
    pub lookups_added: Notify,
    /// Notified when this worker stores an action, so that the relay need not wait for its next poll.
    pub actions_added: Notify,
}

/// Whether the systems that a worker depends on can be reached.
#[derive(Debug, Default)]
pub struct Health {
    queue: AtomicBool,
    store: AtomicBool,
}

impl Health {
    pub(crate) fn set_queue(&self, is_reachable: bool) {
        self.queue.store(is_reachable, Ordering::Relaxed);
    }

    pub(crate) fn set_store(&self, is_reachable: bool) {
        self.store.store(is_reachable, Ordering::Relaxed);
    }

    /// The error lists what is missing, one sentence each.
    pub(crate) fn ready(&self, needs_queue: bool) -> Result<(), Vec<String>> {
        let mut missing = Vec::new();
        if needs_queue && !self.queue.load(Ordering::Relaxed) {
            missing.push("the queue is away".to_owned());
        }
        if !self.store.load(Ordering::Relaxed) {
            missing.push("the database is away".to_owned());
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }
}
