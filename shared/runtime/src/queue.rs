//! The queue between ingest and worker, as both see it: durable, at least once, in no particular order. It is one seam
//! with two sides: [`crate::broker`], which many programs share, and [`crate::spool`], which is a file of one process.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use shared::envelope::Envelope;
use shared::origin::Provider;
use thiserror::Error as ThisError;
use uuid::Uuid;

/// The way in. Cheap to clone.
#[trait_variant::make(Send)]
pub trait Publish: Clone + fmt::Debug + Send + Sync + 'static {
    /// `Ok` only when the envelope is durable in the queue. After an error it may be there all the same.
    async fn publish(&self, envelope: &Envelope) -> Result<(), NotPublished>;

    /// Whether a publish has a chance now.
    fn is_ready(&self) -> bool;
}

/// The way out.
#[trait_variant::make(Send)]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    type Session: Session;

    /// Begins to consume.
    async fn connect(&self) -> Result<Self::Session, QueueError>;
}

/// What is consumed through one connection. What is not acknowledged by its end is handed out again.
#[trait_variant::make(Send)]
pub trait Session: Send + Sync + 'static {
    type Lane: Lane;

    /// A consumer of `queue`, which is handed at most `prefetch` unacknowledged messages.
    async fn lane(&self, queue: &str, prefetch: u16) -> Result<Self::Lane, QueueError>;

    /// How many messages wait in `queue`, not counting those that consumers hold.
    async fn depth(&self, queue: &str) -> Result<u64, QueueError>;

    /// Where the queue is; for logs.
    fn address(&self) -> &str;

    /// Says goodbye, and does not wait long for an answer.
    async fn close(self);
}

/// One consumer. Each message goes to one lane of all; it is handed out again if the lane ends before it is acknowledged.
#[trait_variant::make(Send)]
pub trait Lane: Send + 'static {
    /// Waits for the next message; nothing is lost if the wait is broken off. An error is final.
    async fn next(&mut self) -> Result<Message, QueueError>;

    /// The next message, if one is here already.
    fn next_ready(&mut self) -> Option<Result<Message, QueueError>>;

    /// Settles this message and every earlier one of the lane: they are not handed out again.
    async fn acknowledge_through(&mut self, tag: u64) -> Result<(), QueueError>;
}

/// What the queue handed to us, and takes back unless we acknowledge it.
#[derive(Debug)]
pub struct Message {
    /// Rising within a lane; names the message when it is settled.
    pub tag: u64,
    pub content: Result<Envelope, NotAnEnvelope>,
    /// Only on what comes from the dead-letter queue.
    pub dead: Option<DeathNote>,
}

/// Why the queue gave a message up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeathNote {
    /// The broker's word: `rejected`, `delivery_limit`, `expired`, `maxlen`.
    pub reason: String,
    /// How often it died of that in its queue.
    pub count: u64,
}

/// A message that is not one of ours, with all that can be kept of it.
#[derive(Clone, PartialEq, Eq)]
pub struct NotAnEnvelope {
    /// What is missing or wrong.
    pub detail: String,
    pub source: Option<String>,
    pub provider: Option<Provider>,
    pub message_id: Option<Uuid>,
    /// The properties and headers that it came with.
    pub headers: Value,
    pub body: Vec<u8>,
}

impl fmt::Debug for NotAnEnvelope {
    /// Without headers and body, which may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotAnEnvelope")
            .field("detail", &self.detail)
            .field("message_id", &self.message_id)
            .field("source", &self.source)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a message is not known to be durable in the queue. It may be there all the same.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum NotPublished {
    #[error("the broker is not connected")]
    Disconnected,
    /// A resource alarm at the broker (memory, disk).
    #[error("the broker has paused publishers")]
    Blocked,
    #[error("too many messages wait for the broker")]
    Busy,
    /// The queue is full, or could not store it.
    #[error("the broker refused the message")]
    Nacked,
    #[error("the broker found no queue for the message: {0}")]
    Returned(String),
    #[error("the broker did not confirm the message in time")]
    TimedOut,
    /// A queue that is a file could not take it; why.
    #[error("{0}")]
    NotStored(String),
}

impl NotPublished {
    /// One word, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Blocked => "blocked",
            Self::Busy => "busy",
            Self::Nacked => "nacked",
            Self::Returned(_) => "returned",
            Self::TimedOut => "timed_out",
            Self::NotStored(_) => "not_stored",
        }
    }
}

pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why the queue can't be consumed from.
#[derive(Debug, ThisError)]
pub enum QueueError {
    #[error("the broker can't be reached at {address}")]
    Unreachable { address: String, source: Cause },
    #[error("the queue did not answer within {after:?} at {address}")]
    NoAnswer { address: String, after: Duration },
    /// Not fatal: an operator may be about to create the user or the virtual host.
    #[error("the broker at {address} refuses us: {reason}; check user, password, virtual host and permissions")]
    Refused { address: String, reason: String },
    /// Which argument of which queue or exchange, what is there, what we want, what to do.
    #[error("{0}")]
    TopologyDiffers(String),
    #[error("the connection to the queue is gone")]
    Closed(#[source] Cause),
    /// The queue was deleted, or its leader moved.
    #[error("the broker cancelled our consumer of {queue}")]
    Cancelled { queue: String },
}

impl QueueError {
    /// Whether trying again is useless until somebody changes the broker or the settings.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::TopologyDiffers(_))
    }

    pub(crate) fn closed(error: impl Into<Cause>) -> Self {
        Self::Closed(error.into())
    }
}
