//! What the worker does with events, without its database: an inbox that admits each once, a fold over rows that are
//! kept as JSON, an outbox that keeps each promise once. Every step is checked on the way.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::Timestamp;
use shared::action::{Action, decide};
use shared::envelope::Envelope;
use shared::esim::Esim;
use shared::fact::{EntityKey, State};
use shared::fold::{EntityId, Fold, touched};
use shared::order::Order;
use shared::payment::Payment;
use shared::premise::{Premise, premise_holds};
use shared::provider::{Event, decode, is_same_occurrence};
use shared::return_request::ReturnRequest;
use shared::rules::Rules;

/// Entities as they stand.
pub type States = BTreeMap<EntityId, State>;

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
    /// By source and key.
    outbox: BTreeMap<(String, String), Action>,
}

impl Worker {
    /// Applies a batch, in this order. Answers what it promised that was not promised before.
    pub fn apply<'a>(&mut self, inbox: Inbox, batch: impl IntoIterator<Item = &'a Arrival>) -> Vec<Action> {
        let mut states = self.states();
        let mut new = Vec::new();
        for arrival in batch {
            if inbox == Inbox::Once && !self.admit(arrival) {
                continue;
            }
            let source = &arrival.envelope.source;
            for action in step(&mut states, source, &arrival.event, &self.rules) {
                new.extend(self.promise(source, action));
            }
        }
        self.rows = states.into_iter().map(|(id, state)| (id, blocks(&state))).collect();
        new
    }

    /// The entities as the rows have them.
    pub fn states(&self) -> States {
        self.rows.iter().map(|(id, blocks)| (id.clone(), state_of(&id.key, blocks.clone()))).collect()
    }

    /// Of all that was promised what is still true at `now`, each in a line: what a relay would send that slept until then.
    pub fn holding(&self, now: Timestamp) -> BTreeSet<String> {
        let states = self.states();
        let holds = |source: &str, action: &Action| {
            premise_holds(&action.premise, subject(&states, source, &action.premise), &self.rules, now).is_ok()
        };
        let holding = self.outbox.iter().filter(|((source, _), action)| holds(source, action));
        holding.map(|((source, _), action)| told(source, action)).collect()
    }

    /// Of all that was promised what holds in the end is what the end is worth telling, no less and no more.
    pub fn check_end(&self) {
        let worth = self.states().into_iter().flat_map(|(id, state)| {
            let news = decide(&id.key, &State::unknown(&id.key), &state, &self.rules);
            news.into_iter().map(move |action| told(&id.source, &action))
        });
        let mut holding = self.holding(Timestamp::MIN_UTC);
        holding.retain(|told| !told.ends_with(ALWAYS));
        assert_eq!(holding, worth.collect(), "promised and true on the left, worth telling on the right");
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

    fn promise(&mut self, source: &str, action: Action) -> Option<Action> {
        match self.outbox.entry((source.to_owned(), action.key.clone())) {
            Entry::Vacant(entry) => Some(entry.insert(action).clone()),
            Entry::Occupied(entry) => {
                let known = entry.get();
                assert_eq!(told(source, known), told(source, &action), "one key for two promises: {}", action.key);
                None
            }
        }
    }
}

/// How the premise of what nothing can make untrue ends in [`told`].
const ALWAYS: &str = r#" "always""#;

/// What is told, of whom, and when it is true.
fn told(source: &str, action: &Action) -> String {
    let premise = serde_json::to_string(&action.premise).unwrap_or_default();
    format!("{source} {} {premise}", action.kind.as_str())
}

fn subject<'a>(states: &'a States, source: &str, premise: &Premise) -> Option<&'a State> {
    states.get(&EntityId { source: source.to_owned(), key: premise.subject()?.clone() })
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
        assert_eq!(state_of(&id.key, blocks(state)), *state, "a row reads back as what was written");
    }
    states.extend(after);
    actions
}

fn fold(states: States, source: &str, event: &Event, rules: &Rules) -> (States, Vec<Action>) {
    let mut fold = Fold::new(states, rules.clone());
    let actions = fold.apply(source, event);
    (fold.into_states(), actions)
}

/// What is promised is true, and was not before. It is judged at a time when no plan has ended yet: deciding knows no
/// clock.
fn check_news(source: &str, action: &Action, before: &States, after: &States, rules: &Rules) {
    let holds =
        |states| premise_holds(&action.premise, subject(states, source, &action.premise), rules, Timestamp::MIN_UTC);
    assert_eq!(holds(after), Ok(()), "promised and not true: {}", told(source, action));
    let was_true = holds(before).is_ok() && action.premise != Premise::Always;
    assert!(!was_true, "promised and no news: {}", told(source, action));
}

/// As they stand in a row.
fn blocks(state: &State) -> Value {
    let blocks = match state {
        State::Order(state) => serde_json::to_string(state),
        State::Esim(state) => serde_json::to_string(state),
        State::Payment(state) => serde_json::to_string(state),
        State::Return(state) => serde_json::to_string(state),
    };
    blocks.and_then(|blocks| serde_json::from_str(&blocks)).expect("a state is JSON")
}

fn state_of(key: &EntityKey, blocks: Value) -> State {
    let state = match key {
        EntityKey::Order(_) => serde_json::from_value::<Order>(blocks).map(State::Order),
        EntityKey::Esim(_) => serde_json::from_value::<Esim>(blocks).map(State::Esim),
        EntityKey::Payment(_) => serde_json::from_value::<Payment>(blocks).map(State::Payment),
        EntityKey::Return(_) => serde_json::from_value::<ReturnRequest>(blocks).map(State::Return),
    };
    state.expect("what was written can be read")
}
