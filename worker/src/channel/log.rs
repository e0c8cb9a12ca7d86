//! The channel that needs no configuration: a line in the log, without what is secret or personal.

use shared::trace::TraceContext;
use store::outbox::Claimed;

use super::Outcome;

pub const NAME: &str = "log";

/// Writes the line.
pub fn send(delivery: &Claimed) -> Outcome {
    let trace = delivery.traceparent.as_deref().and_then(TraceContext::parse);
    tracing::info!(
        action.id = %delivery.action_id,
        action.kind = delivery.kind,
        action.audience = delivery.audience,
        source = delivery.source,
        mode = delivery.mode,
        order.r#ref = delivery.order_ref,
        trace.id = trace.map(|trace| trace.trace_id()),
        "action"
    );
    Outcome::Sent
}
