//! What Prometheus is told. Label values come from the sources' file and from our own words, never from a request.

use std::fmt;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use runtime::queue::Publish;
use runtime::spool::Spool;

/// What a source counts as that is not in the sources' file.
pub(crate) const UNKNOWN: &str = "unknown";

/// Upper bounds in seconds; a confirm usually takes a few milliseconds, and the confirm timeout is 1 s.
const DURATION_BUCKETS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Accepted {
    pub source: String,
    /// `queue` or `spool`.
    pub path: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Refused {
    pub source: String,
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub reason: &'static str,
}

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub accepted: Family<Accepted, Counter>,
    pub rejected: Family<Refused, Counter>,
    pub observed: Family<Refused, Counter>,
    pub publish_failures: Family<Reason, Counter>,
    pub spooled: Counter,
    pub drained: Counter,
    pub duration: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry, spool: Spool, queue: impl Publish) -> Self {
        let metrics = Self {
            accepted: Family::default(),
            rejected: Family::default(),
            observed: Family::default(),
            publish_failures: Family::default(),
            spooled: Counter::default(),
            drained: Counter::default(),
            duration: Histogram::new(DURATION_BUCKETS),
        };
        registry.register("webhooks_accepted", "Webhooks answered with 200", metrics.accepted.clone());
        registry.register("webhooks_rejected", "Requests that were refused", metrics.rejected.clone());
        registry.register(
            "signatures_observed",
            "Wrong signatures accepted because the source says verify = \"observe\"",
            metrics.observed.clone(),
        );
        registry.register(
            "publish_failures",
            "Messages that the broker did not take; they are in the spool",
            metrics.publish_failures.clone(),
        );
        registry.register("spooled", "Webhooks that went to the spool", metrics.spooled.clone());
        registry.register("drained", "Webhooks that went from the spool to the broker", metrics.drained.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from a webhook's head to its answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register_collector(Box::new(Now { spool, queue }));
        metrics
    }
}

/// What is so at the moment of asking.
struct Now<P> {
    spool: Spool,
    queue: P,
}

impl<P> fmt::Debug for Now<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now").finish_non_exhaustive()
    }
}

impl<P: Publish> Collector for Now<P> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.spool.stats();
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge("broker_connected", "1 while the queue takes webhooks", f64::from(self.queue.is_ready()))?;
        gauge("spool_events", "Webhooks in the spool", float(stats.events()))?;
        gauge("spool_bytes", "Bytes in the spool, as SPOOL_MAX_BYTES counts them", float(stats.bytes()))?;
        let age = stats.oldest_at().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        gauge("spool_oldest_age_seconds", "Age of the oldest webhook in the spool", age.as_secs_f64())
    }
}

/// Exact up to 2⁵³, which no spool reaches.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(number: u64) -> f64 {
    number as f64
}
