//! The one thing that changes state: events, one after the other, each joined to what it is about; and what each change
//! promises.

use std::collections::BTreeMap;

use crate::action::{Action, announce_credit, decide};
use crate::event::Event;
use crate::fact::{EntityKey, State};
use crate::rules::Rules;

/// An entity among those of all sources. Ordered, so that everybody who locks several does it in one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityId {
    pub source: String,
    pub key: EntityKey,
}

/// The entities that some events are about, as they stand, and what is told of them.
#[derive(Debug, Default)]
pub struct Fold {
    states: BTreeMap<EntityId, State>,
    rules: Rules,
}

/// The entities that an event of `source` is about.
pub fn touched<'a>(source: &'a str, event: &'a Event) -> impl Iterator<Item = EntityId> + 'a {
    event.facts.iter().map(|fact| EntityId { source: source.to_owned(), key: fact.key.clone() })
}

impl Fold {
    /// Starts from what is known; an entity that is not in `states` is one of which nothing is known.
    pub fn new(states: BTreeMap<EntityId, State>, rules: Rules) -> Self {
        Self { states, rules }
    }

    /// Joins one event, and answers what it promises. It is one change, even if it says more than one thing of an entity.
    pub fn apply(&mut self, source: &str, event: &Event) -> Vec<Action> {
        let mut before: Vec<(EntityId, State)> = Vec::with_capacity(event.facts.len());
        for fact in &event.facts {
            let id = EntityId { source: source.to_owned(), key: fact.key.clone() };
            let state = self.states.entry(id.clone()).or_insert_with(|| State::unknown(&fact.key));
            if before.iter().all(|(known, _)| *known != id) {
                before.push((id, state.clone()));
            }
            state.join(fact.claims.clone());
        }
        let changes = before.iter().filter_map(|(id, before)| Some((&id.key, before, self.states.get(id)?)));
        let actions = changes.flat_map(|(key, before, after)| decide(key, before, after, &self.rules));
        actions.chain(event.credit.as_ref().map(|alert| announce_credit(event, alert))).collect()
    }

    /// The entities as they stand now.
    pub fn into_states(self) -> BTreeMap<EntityId, State> {
        self.states
    }
}
