//! An event from an envelope, by any dialect: from a webhook, from an answer of the API, or from our own clock.

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::Timestamp;
use shared::block::Heard;
use shared::clock::Deadline;
use shared::confirmation::Proof;
use shared::envelope::Envelope;
use shared::event::{Event, Malformed, occurrence_key};
use shared::fact::EntityKey;
use shared::origin::Origin;

use crate::dialect::Dialect;
use crate::reading::parse_body;
use crate::webhook::{Reading, ReceivedWebhook};
use crate::{answer, canonical, limits};

/// A provider's clock may be ahead of ours by so much; a time beyond that is not believed.
const CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

impl Dialect {
    pub(crate) fn decode(&self, envelope: &Envelope) -> Result<Event, Malformed> {
        let body = parse_body(&envelope.body)?;
        let body_hash = hash(&body, self.changes_per_attempt);
        let reading = match envelope.origin {
            Origin::Clock => read_deadline(&body),
            Origin::Fetch => answer::read(self.lookups, &body),
            Origin::Webhook | Origin::Replay => {
                (self.read_webhook)(ReceivedWebhook { body: &body, envelope, body_hash: &body_hash })
            }
        }?;
        let proof = self.proof(envelope, reading.asked_at);
        let event = settle(reading, body_hash, envelope, proof);
        limits::check(&event)?;
        Ok(event)
    }

    /// `ingest` leaves a signature in the envelope only if it was right.
    fn proof(&self, envelope: &Envelope, asked_at: Option<Timestamp>) -> Proof {
        let is_signed = self.signature_headers().iter().any(|name| envelope.headers.contains_key(*name));
        match (envelope.origin, asked_at) {
            (Origin::Clock, _) => Proof::Ours,
            (Origin::Fetch, Some(asked_at)) => Proof::Answered(asked_at),
            _ if is_signed => Proof::Signed,
            (Origin::Webhook | Origin::Fetch | Origin::Replay, _) => Proof::Unsigned(envelope.received_at),
        }
    }
}

/// All providers share the dialect of our own clock.
fn read_deadline(body: &Value) -> Result<Reading, Malformed> {
    let deadline = Deadline::parse(body)?;
    let fact = deadline.fact();
    let (order_ref, esim_ref) = match &fact.key {
        EntityKey::Order(reference) => (Some(reference.clone()), None),
        EntityKey::Esim(reference) => (None, Some(reference.clone())),
        EntityKey::Payment(_) | EntityKey::Return(_) => (None, None),
    };
    Ok(Reading { kind: deadline.kind().to_owned(), order_ref, esim_ref, facts: vec![fact], ..Reading::default() })
}

fn hash(body: &Value, changes_per_attempt: &[&str]) -> String {
    hex::encode(Sha256::digest(canonical::bytes(body, changes_per_attempt)))
}

/// Drops times that lie too far after the receipt, and gives each fact what all facts carry.
fn settle(mut reading: Reading, body_hash: String, envelope: &Envelope, proof: Proof) -> Event {
    let believed_until = envelope.received_at.checked_add_signed(CLOCK_SKEW).unwrap_or(envelope.received_at);
    let mode = reading.mode.unwrap_or(envelope.mode);
    // A deadline of our own clock is nothing that the provider said, and each worker's clock would give another time.
    let is_heard = envelope.origin != Origin::Clock && !reading.is_unknown;
    let heard = if is_heard { Heard::at(envelope.received_at) } else { Heard::default() };
    for fact in &mut reading.facts {
        fact.settle(heard, believed_until, mode, proof);
    }
    let believed = |at: &Timestamp| *at <= believed_until;
    Event {
        kind: reading.kind,
        key: if reading.recurs { occurrence_key(&body_hash, envelope.received_at) } else { body_hash },
        recurs: reading.recurs,
        provider_event_id: reading.provider_event_id,
        occurred_at: reading.occurred_at.filter(believed),
        disbelieved_at: reading.occurred_at.filter(|at| !believed(at)),
        mode,
        origin: envelope.origin,
        order_ref: reading.order_ref,
        esim_ref: reading.esim_ref,
        facts: reading.facts,
        credit: reading.credit,
    }
}

#[cfg(test)]
mod tests;
