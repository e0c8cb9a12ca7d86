//! The outbox: each promise once, and which of them are still true.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use shared::Timestamp;
use shared::action::Action;
use shared::fact::State;
use shared::fold::EntityId;
use shared::premise::{Premise, premise_holds};
use shared::rules::Rules;

/// Entities as they stand.
pub type States = BTreeMap<EntityId, State>;

/// How a line of [`told`] ends where nothing can make it untrue.
const ALWAYS: &str = r#" "always""#;

/// All that was ever promised, by source and key, each with the line that tells it.
#[derive(Debug, Clone, Default)]
pub struct Outbox(BTreeMap<(String, String), (Action, String)>);

impl Outbox {
    /// Notes a promise; answers it if it was not made before.
    pub fn promise(&mut self, source: &str, action: Action) -> Option<Action> {
        let told = told(source, &action);
        match self.0.entry((source.to_owned(), action.key.clone())) {
            Entry::Vacant(entry) => Some(entry.insert((action, told)).0.clone()),
            Entry::Occupied(entry) => {
                assert_eq!(entry.get().1, told, "one key for two promises: {}", action.key);
                None
            }
        }
    }

    /// Of all that was promised what is true in these `states`, each in a line: what a relay would send that slept until
    /// `now`.
    pub fn holding(&self, states: &States, rules: &Rules, now: Timestamp) -> BTreeSet<String> {
        let holds = |source: &str, action: &Action| holds(source, action, states, rules, now).is_ok();
        let holding = self.0.iter().filter(|((source, _), (action, _))| holds(source, action));
        holding.map(|(_, (_, told))| told.clone()).collect()
    }

    /// The same without what nothing can make untrue.
    pub(crate) fn holding_of_entities(&self, states: &States, rules: &Rules, now: Timestamp) -> BTreeSet<String> {
        let holding = self.holding(states, rules, now);
        holding.into_iter().filter(|told| !told.ends_with(ALWAYS)).collect()
    }
}

/// What is told, of whom, and when it is true.
pub(crate) fn told(source: &str, action: &Action) -> String {
    let premise = serde_json::to_string(&action.premise).unwrap_or_default();
    format!("{source} {} {premise}", action.kind.as_str())
}

/// Whether the action is true in these states.
pub(crate) fn holds(
    source: &str,
    action: &Action,
    states: &States,
    rules: &Rules,
    now: Timestamp,
) -> Result<(), String> {
    premise_holds(&action.premise, subject(states, source, &action.premise), rules, now)
}

fn subject<'a>(states: &'a States, source: &str, premise: &Premise) -> Option<&'a State> {
    states.get(&EntityId { source: source.to_owned(), key: premise.subject()?.clone() })
}
