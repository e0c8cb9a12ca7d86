//! What the worker does with events, without its database: an inbox that admits each once, a fold over rows that are
//! kept as JSON, an outbox that keeps each promise once. Every step is checked on the way.

use std::collections::{BTreeMap, BTreeSet};

use providers::decode;
use serde::Deserialize as _;
use serde_json::Value;
use shared::Timestamp;
use shared::action::{Action, decide};
use shared::envelope::Envelope;
use shared::esim::Esim;
use shared::event::{Event, is_same_occurrence};
use shared::fact::{EntityKey, State};
use shared::fold::{EntityId, Fold, touched};
use shared::order::Order;
use shared::payment::Payment;
use shared::premise::Premise;
use shared::return_request::ReturnRequest;
use shared::rules::Rules;

use crate::outbox::{Outbox, States, holds, told};

/// What came out of the queue, read.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub envelope: Envelope,
    pub event: Event,
}

impl Arrival {
    /// Reads what is an event.
    pub fn read(envelope: Envelope) -> Self {
        let event = decode(&envelope).unwrap_or_else(|why| unreachable!("{why}"));
        Self { envelope, event }
    }
}

/// Whether somebody looks for copies before an event is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbox {
    /// As the worker's: a copy is not applied.
    Once,
    /// There is none: each copy is applied, too.
    EveryTime,
}

/// All that would be in the tables.
#[derive(Debug, Clone, Default)]
pub struct Worker {
    rules: Rules,
    /// When each body was received that was admitted, by source and hash.
    admitted: BTreeMap<(String, String), Vec<Timestamp>>,
    rows: BTreeMap<EntityId, Value>,
    outbox: Outbox,
}

impl Worker {
    /// With rules of its own, and nothing in its tables.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Applies a batch, in this order. Answers what it promised that was not promised before.
    pub fn apply<'a>(&mut self, inbox: Inbox, batch: impl IntoIterator<Item = &'a Arrival>) -> Vec<Action> {
        let is_fresh = |arrival: &&Arrival| inbox == Inbox::EveryTime || self.admit(arrival);
        let fresh: Vec<&Arrival> = batch.into_iter().filter(is_fresh).collect();
        let touched = fresh.iter().flat_map(|arrival| touched(&arrival.envelope.source, &arrival.event));
        let mut states: States =
            touched.filter_map(|id| Some((id.clone(), state_of(&id.key, self.rows.get(&id)?)))).collect();
        let mut new = Vec::new();
        for Arrival { envelope, event } in fresh {
            for action in step(&mut states, &envelope.source, event, &self.rules) {
                new.extend(self.outbox.promise(&envelope.source, action));
            }
        }
        self.rows.extend(states.into_iter().map(|(id, state)| (id, blocks(&state))));
        new
    }

    /// The entities as the rows have them.
    pub fn states(&self) -> States {
        self.rows.iter().map(|(id, blocks)| (id.clone(), state_of(&id.key, blocks))).collect()
    }

    /// Of all that was promised what is still true at `now`, each in a line.
    pub fn holding(&self, now: Timestamp) -> BTreeSet<String> {
        self.outbox.holding(&self.states(), &self.rules, now)
    }

    /// Of all that was promised what holds in the end is what the end is worth telling, no less and no more.
    pub fn check_end(&self) {
        let states = self.states();
        let holding = self.outbox.holding_of_entities(&states, &self.rules, Timestamp::MIN_UTC);
        assert_eq!(holding, worth_telling(&states, &self.rules), "promised and true, worth telling");
    }

    /// Whether it is no copy.
    fn admit(&mut self, Arrival { envelope, event }: &Arrival) -> bool {
        let body = (envelope.source.clone(), event.body_hash().to_owned());
        let known = self.admitted.entry(body).or_default();
        let is_copy = known.iter().any(|other| !event.recurs || is_same_occurrence(envelope.received_at, *other));
        if !is_copy {
            known.push(envelope.received_at);
        }
        !is_copy
    }
}

/// Applies one event, and checks what must hold of it whatever was before.
fn step(states: &mut States, source: &str, event: &Event, rules: &Rules) -> Vec<Action> {
    let ids: BTreeSet<EntityId> = touched(source, event).collect();
    let before: States = ids.iter().filter_map(|id| Some((id.clone(), states.get(id)?.clone()))).collect();
    let (after, actions) = fold(before.clone(), source, event, rules);
    for action in &actions {
        check_news(source, action, &before, &after, rules);
    }
    let (again, copied) = fold(after.clone(), source, event, rules);
    assert_eq!(again, after, "a copy changes nothing");
    let is_of_no_entity = |action: &Action| action.premise == Premise::Always;
    assert!(copied.iter().all(is_of_no_entity), "a copy promises nothing, but: {copied:?}");
    for (id, state) in &after {
        assert_eq!(decide(&id.key, state, state, rules), [], "what changes nothing promises nothing");
        assert_eq!(state_of(&id.key, &blocks(state)), *state, "a row reads back as what was written");
    }
    states.extend(after);
    actions
}

fn fold(states: States, source: &str, event: &Event, rules: &Rules) -> (States, Vec<Action>) {
    let mut fold = Fold::new(states, rules.clone());
    let actions = fold.apply(source, event);
    (fold.into_states(), actions)
}

/// What is promised is true, and was not told of what was before. It is judged at a time when no plan has ended yet:
/// deciding knows no clock.
fn check_news(source: &str, action: &Action, before: &States, after: &States, rules: &Rules) {
    let told = told(source, action);
    assert_eq!(holds(source, action, after, rules, Timestamp::MIN_UTC), Ok(()), "promised and not true: {told}");
    assert!(!worth_telling(before, rules).contains(&told), "promised and no news: {told}");
}

/// All that is worth telling of whoever knows nothing.
fn worth_telling(states: &States, rules: &Rules) -> BTreeSet<String> {
    let worth = states.iter().flat_map(|(id, state)| {
        let news = decide(&id.key, &State::unknown(&id.key), state, rules).into_iter();
        news.map(|action| told(&id.source, &action))
    });
    worth.collect()
}

/// As they stand in a row.
fn blocks(state: &State) -> Value {
    let blocks = match state {
        State::Order(state) => serde_json::to_value(state),
        State::Esim(state) => serde_json::to_value(state),
        State::Payment(state) => serde_json::to_value(state),
        State::Return(state) => serde_json::to_value(state),
    };
    blocks.expect("a state is JSON")
}

fn state_of(key: &EntityKey, blocks: &Value) -> State {
    let state = match key {
        EntityKey::Order(_) => Order::deserialize(blocks).map(State::Order),
        EntityKey::Esim(_) => Esim::deserialize(blocks).map(State::Esim),
        EntityKey::Payment(_) => Payment::deserialize(blocks).map(State::Payment),
        EntityKey::Return(_) => ReturnRequest::deserialize(blocks).map(State::Return),
    };
    state.expect("what was written can be read")
}
