//! An event of our own making: a deadline that passed, an answer that was fetched. It goes through the queue like any
//! other, and begins a trace.

use std::collections::BTreeMap;
use std::time::SystemTime;

use chrono::{DateTime, SubsecRound as _, Utc};
use shared::envelope::{Envelope, Mode, Origin};
use shared::origin::Provider;
use shared::trace::TraceContext;
use uuid::Uuid;

/// Microseconds, as everything that is stored.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()).trunc_subsecs(6)
}

/// About a source, made at `made_at`.
pub(crate) fn envelope(
    source: String,
    (provider, mode): (Provider, Mode),
    origin: Origin,
    made_at: DateTime<Utc>,
    body: Vec<u8>,
) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        source,
        provider,
        mode,
        origin,
        received_at: made_at,
        content_type: Some("application/json".to_owned()),
        traceparent: Some(TraceContext::start(rand::random()).to_string()),
        headers: BTreeMap::new(),
        body,
    }
}
