//! What the worker counts. Labels come from closed sets only: kinds, channels, reasons.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use shared::Timestamp;

use crate::apply::Applied;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    queue: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    kind: String,
    channel: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fetch {
    source: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    source: String,
}

/// One worker's counters.
#[derive(Debug)]
pub struct Metrics {
    queue_messages: Family<Queue, Gauge>,
    events: Family<Result, Counter>,
    batch_events: Histogram,
    receipt_to_commit_seconds: Histogram,
    actions: Family<Kind, Counter>,
    dead_letters: Family<Reason, Counter>,
    deliveries: Family<Delivery, Counter>,
    fetches: Family<Fetch, Counter>,
    repaired_orders: Family<Source, Counter>,
    in_hand: Arc<InHand>,
}

impl Metrics {
    /// Registers every metric under its name.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            queue_messages: Family::default(),
            events: Family::default(),
            batch_events: Histogram::new([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]),
            receipt_to_commit_seconds: Histogram::new([
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0,
            ]),
            actions: Family::default(),
            dead_letters: Family::default(),
            deliveries: Family::default(),
            fetches: Family::default(),
            repaired_orders: Family::default(),
            in_hand: Arc::default(),
        };
        registry.register("queue_messages", "Messages waiting in the queue", metrics.queue_messages.clone());
        registry.register("events", "Events applied, fresh or duplicate", metrics.events.clone());
        registry.register("batch_events", "Events applied in one transaction", metrics.batch_events.clone());
        registry.register(
            "receipt_to_commit_seconds",
            "Time from the receipt of a webhook to the commit of what it changed",
            metrics.receipt_to_commit_seconds.clone(),
        );
        registry.register("actions", "Promises made", metrics.actions.clone());
        registry.register("dead_letters", "Messages kept as dead letters", metrics.dead_letters.clone());
        registry.register(
            "deliveries",
            "Attempts to deliver a promise, by what came of them",
            metrics.deliveries.clone(),
        );
        registry.register("fetches", "Questions to providers' APIs, by what came of them", metrics.fetches.clone());
        registry.register(
            "repaired_orders",
            "Orders that no webhook completed and the provider's API did",
            metrics.repaired_orders.clone(),
        );
        registry.register_collector(Box::new(OldestInHand(Arc::clone(&metrics.in_hand))));
        metrics
    }

    pub(crate) fn queue_depth(&self, queue: &str, messages: u64) {
        self.queue_messages
            .get_or_create(&Queue { queue: queue.to_owned() })
            .set(i64::try_from(messages).unwrap_or(i64::MAX));
    }

    pub(crate) fn batch(&self, arrivals: usize, applied: &Applied, now: Timestamp) {
        self.batch_events.observe(f64::from(u32::try_from(arrivals).unwrap_or(u32::MAX)));
        self.count_events("fresh", applied.fresh.len());
        self.count_events("duplicate", applied.duplicates);
        for received_at in &applied.fresh {
            self.receipt_to_commit_seconds.observe((now - received_at).as_seconds_f64());
        }
        for kind in &applied.promised {
            self.actions.get_or_create(&Kind { kind }).inc();
        }
        for reason in &applied.buried {
            self.dead_letters.get_or_create(&Reason { reason: reason.clone() }).inc();
        }
    }

    fn count_events(&self, result: &'static str, events: usize) {
        self.events.get_or_create(&Result { result }).inc_by(u64::try_from(events).unwrap_or(u64::MAX));
    }

    pub(crate) fn delivery(&self, kind: &str, channel: &'static str, result: &'static str) {
        self.deliveries.get_or_create(&Delivery { kind: kind.to_owned(), channel, result }).inc();
    }

    pub(crate) fn fetch(&self, source: &str, result: &'static str) {
        self.fetches.get_or_create(&Fetch { source: source.to_owned(), result }).inc();
    }

    pub(crate) fn repair(&self, source: &str) {
        self.repaired_orders.get_or_create(&Source { source: source.to_owned() }).inc();
    }

    /// To be held while a batch is worked on, so that a batch that the database does not take shows its age.
    pub(crate) fn in_hand(&self, oldest: Option<Timestamp>) -> InHandGuard {
        let mut batches = self.in_hand.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = batches.last_key_value().map_or(0, |(last, _)| last + 1);
        batches.extend(oldest.map(|oldest| (number, oldest)));
        InHandGuard { number, in_hand: Arc::clone(&self.in_hand) }
    }
}

/// The oldest receipt time of each batch that is being worked on.
#[derive(Debug, Default)]
struct InHand(Mutex<BTreeMap<u64, Timestamp>>);

#[derive(Debug)]
pub(crate) struct InHandGuard {
    number: u64,
    in_hand: Arc<InHand>,
}

impl Drop for InHandGuard {
    fn drop(&mut self) {
        self.in_hand.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Computed when it is asked for: an age grows by itself.
#[derive(Debug)]
struct OldestInHand(Arc<InHand>);

impl Collector for OldestInHand {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::result::Result<(), std::fmt::Error> {
        let oldest = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied();
        let gauge = ConstGauge::new(oldest.map_or(0.0, |oldest| (Utc::now() - oldest).as_seconds_f64()));
        let encoder = encoder.encode_descriptor(
            "oldest_unapplied_event_age_seconds",
            "Age of the oldest event that was taken from the queue and is not applied; 0 if there is none",
            None,
            gauge.metric_type(),
        )?;
        gauge.encode(encoder)
    }
}
