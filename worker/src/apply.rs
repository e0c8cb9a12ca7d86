//! One batch, one transaction: admit, lock, fold, save, promise. Where it fails, nothing of it has happened.

use std::collections::{BTreeMap, BTreeSet};

use providers::dialect;
use shared::Timestamp;
use shared::action::Action;
use shared::envelope::{Envelope, Origin};
use shared::event::{Event, RECURS_AFTER, is_same_occurrence};
use shared::fact::State;
use shared::fold::{EntityId, Fold, touched};
use shared::lookup::LookupRequest;
use shared::origin::Provider;
use store::dead_letters::DeadLetter;
use store::outbox::ActionRow;
use store::{Store, StoreError, Tables};
use uuid::Uuid;

use crate::routing::Routing;

/// What came out of the queue, read.
#[derive(Debug)]
pub enum Arrival {
    Event { envelope: Envelope, event: Event },
    Dead(DeadLetter),
}

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// The receipt times of the events that changed something.
    pub fresh: Vec<Timestamp>,
    /// How many were copies.
    pub duplicates: usize,
    /// The kinds of the promises that were made.
    pub promised: Vec<&'static str>,
    /// The reasons of the dead letters that were kept.
    pub buried: Vec<String>,
    /// How many questions to providers' APIs were noted.
    pub wanted: usize,
    /// How many deliveries wait no longer for the confirmation of an unsigned webhook.
    pub released: u64,
}

/// What a batch is applied by, besides the tables.
#[derive(Debug, Clone, Copy)]
pub struct ApplyContext<'a> {
    pub routing: &'a Routing,
    pub channels: &'a [&'static str],
    /// Names of the sources whose provider's API can be asked.
    pub askable: &'a [String],
    /// Names of the sources whose unsigned claims of value wait until the provider's API confirms them.
    pub waiting: &'a [String],
}

/// Applies the batch whole or not at all.
pub async fn apply(
    store: &dyn Store,
    batch: &[Arrival],
    ApplyContext { routing, channels, askable, waiting }: ApplyContext<'_>,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let mut tx = store.begin().await?;
    let arrived = keep_dead_letters(&mut *tx, batch, &mut applied).await?;
    let fresh = admit(&mut *tx, &arrived).await?;
    applied.duplicates = arrived.len() - fresh.len();
    applied.fresh = fresh.iter().map(|(envelope, _)| envelope.received_at).collect();

    let mut fold = Fold::new(tx.lock_entities(&entities_of(&fresh)).await?, routing.rules.clone());
    let mut promises = Vec::new();
    for (envelope, event) in &fresh {
        let actions = fold.apply(&envelope.source, event);
        promises.extend(actions.into_iter().map(|action| promise(envelope, action)));
    }
    // What two events of a batch promise is promised by the first, as if each had come alone.
    let mut promised = BTreeSet::new();
    promises.retain(|promise| promised.insert(promise.id));
    let states = fold.into_states();
    tx.save_entities(&states).await?;
    let wants = wants(&fresh, &states, askable);
    tx.want_lookups(&wants).await?;
    applied.wanted = wants.len();

    let new = made(&promises, tx.make_promises(&promises).await?);
    tx.add_deliveries(&deliveries(&new, routing, channels)).await?;
    if fresh.iter().any(|(envelope, _)| envelope.origin == Origin::Fetch) {
        applied.released = tx.release_confirmed(waiting).await?;
    }
    applied.promised = new.iter().map(|promise| promise.kind.as_str()).collect();
    tx.commit().await?;
    Ok(applied)
}

type Arrived<'a> = (&'a Envelope, &'a Event);

async fn keep_dead_letters<'a>(
    db: &mut dyn Tables,
    batch: &'a [Arrival],
    applied: &mut Applied,
) -> Result<Vec<Arrived<'a>>, StoreError> {
    let mut arrived = Vec::with_capacity(batch.len());
    for arrival in batch {
        match arrival {
            Arrival::Event { envelope, event } => arrived.push((envelope, event)),
            Arrival::Dead(letter) => {
                db.bury(letter).await?;
                applied.buried.push(letter.reason.clone());
            }
        }
    }
    Ok(arrived)
}

/// Writes the events that are new into the inbox, and answers those.
async fn admit<'a>(db: &mut dyn Tables, arrived: &[Arrived<'a>]) -> Result<Vec<Arrived<'a>>, StoreError> {
    let candidates = without_copies_of_recurring(db, arrived).await?;
    if candidates.is_empty() {
        return Ok(candidates);
    }
    let fresh: BTreeSet<Uuid> = db.admit_events(&candidates).await?.into_iter().collect();
    let mut seen = BTreeSet::new();
    let is_fresh = |(envelope, _): &Arrived<'_>| fresh.contains(&envelope.id) && seen.insert(envelope.id);
    Ok(candidates.into_iter().filter(is_fresh).collect())
}

/// The unique key knows copies by their bodies; a body without an identity of its own is a copy only for a time, so
/// who is about to admit one looks first, alone.
async fn without_copies_of_recurring<'a>(
    db: &mut dyn Tables,
    arrived: &[Arrived<'a>],
) -> Result<Vec<Arrived<'a>>, StoreError> {
    let recurring: Vec<_> = arrived
        .iter()
        .filter(|(_, event)| event.recurs)
        .map(|(envelope, event)| (envelope.source.as_str(), event.body_hash()))
        .collect();
    if recurring.is_empty() {
        return Ok(arrived.to_vec());
    }
    db.lock_recurring(&recurring).await?;
    let mut admitted: BTreeMap<(&str, &str), Vec<Timestamp>> = BTreeMap::new();
    let mut candidates = Vec::with_capacity(arrived.len());
    for (envelope, event) in arrived {
        if !event.recurs {
            candidates.push((*envelope, *event));
            continue;
        }
        let body = (envelope.source.as_str(), event.body_hash());
        let around = (envelope.received_at - RECURS_AFTER, envelope.received_at + RECURS_AFTER);
        let mut known = db.find_recurring(body.0, body.1, around).await?;
        let in_batch = admitted.entry(body).or_default();
        known.extend(in_batch.iter());
        if !known.into_iter().any(|other| is_same_occurrence(envelope.received_at, other)) {
            in_batch.push(envelope.received_at);
            candidates.push((*envelope, *event));
        }
    }
    Ok(candidates)
}

fn entities_of(events: &[Arrived<'_>]) -> BTreeMap<EntityId, Provider> {
    let ids = |(envelope, event): &Arrived<'_>| {
        let provider = envelope.provider;
        touched(&envelope.source, event).map(move |id| (id, provider)).collect::<Vec<_>>()
    };
    events.iter().flat_map(ids).collect()
}

/// What the events leave open, of the providers that can be asked.
fn wants<'a>(
    events: &[Arrived<'a>],
    states: &BTreeMap<EntityId, State>,
    askable: &[String],
) -> Vec<(&'a str, LookupRequest)> {
    let mut wanted = Vec::new();
    for (envelope, event) in events.iter().filter(|(envelope, _)| askable.contains(&envelope.source)) {
        for id in touched(&envelope.source, event) {
            let Some(state) = states.get(&id) else { continue };
            let wants = dialect(envelope.provider).lookups_after(event, &id.key, state);
            wanted.extend(wants.into_iter().map(|want| (envelope.source.as_str(), want)));
        }
    }
    wanted
}

fn promise(envelope: &Envelope, action: Action) -> ActionRow<'_> {
    ActionRow {
        id: action.id(&envelope.source),
        source: &envelope.source,
        kind: action.kind,
        audience: action.kind.audience(),
        action_key: action.key,
        mode: action.mode,
        order_ref: action.order_ref,
        esim_ref: action.esim_ref,
        payload: action.payload,
        premise: action.premise,
        caused_by: envelope.id,
        traceparent: envelope.traceparent.as_deref(),
    }
}

/// Of the promises those that were not made before.
fn made<'a>(promises: &'a [ActionRow<'a>], new: Vec<Uuid>) -> Vec<&'a ActionRow<'a>> {
    let new: BTreeSet<Uuid> = new.into_iter().collect();
    promises.iter().filter(|promise| new.contains(&promise.id)).collect()
}

fn deliveries(promises: &[&ActionRow<'_>], routing: &Routing, channels: &[&'static str]) -> Vec<(Uuid, &'static str)> {
    let routed = |promise: &&ActionRow<'_>| {
        let id = promise.id;
        routing.channels(promise.kind, promise.mode, channels).into_iter().map(move |channel| (id, channel))
    };
    promises.iter().flat_map(routed).collect()
}

impl Arrival {
    /// When it was received, as far as that is known.
    pub fn received_at(&self) -> Option<Timestamp> {
        match self {
            Self::Event { envelope, .. } => Some(envelope.received_at),
            Self::Dead(letter) => letter.received_at,
        }
    }
}
