//! The laws of the join as properties: commutative, associative, idempotent, with nothing as its neutral element, for
//! every kind of block and for whole entities; and what `decide` owes to any two states.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::Timestamp;
use shared::action::{Action, decide};
use shared::block::{Claim, Heard, Join, Latest, Strength};
use shared::confirmation::{Confirmation, Verdict};
use shared::fact::{EntityKey, State};
use shared::premise::premise_holds;
use shared::rules::Rules;

use crate::states::{
    any_esim, any_heard, any_order, any_payment, any_return, any_time, any_two, config, confirmation, latest,
};

fn joined<T: Join>(mut left: T, right: T) -> T {
    left.join(right);
    left
}

fn check_laws<T: Join + Default + Clone + PartialEq + Debug>([a, b, c]: [T; 3]) {
    assert_eq!(joined(a.clone(), b.clone()), joined(b.clone(), a.clone()), "commutative");
    let left = joined(joined(a.clone(), b.clone()), c.clone());
    let right = joined(a.clone(), joined(b.clone(), c));
    assert_eq!(left, right, "associative");
    assert_eq!(joined(a.clone(), a.clone()), a, "idempotent");
    let both = joined(a.clone(), b.clone());
    assert_eq!(joined(both.clone(), b), both, "what was joined changes nothing any more");
    assert_eq!(joined(T::default(), a.clone()), a, "nothing is neutral");
    assert_eq!(joined(a.clone(), T::default()), a, "nothing is neutral");
}

/// What is stored is what was joined: it goes on from its row as if it had never left.
fn check_stored<T: Serialize + DeserializeOwned + PartialEq + Debug>(state: &T) {
    let text = serde_json::to_string(state).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), state, "{text}");
    let value = serde_json::to_value(state).unwrap();
    assert_eq!(&serde_json::from_value::<T>(value).unwrap(), state, "{text}");
}

/// Once times are judged, nothing is dated after the limit, and judging again finds nothing more.
fn check_disbelief<T>(states: [T; 3], limit: Timestamp)
where
    T: Join + Default + Clone + PartialEq + Debug + Serialize,
{
    let believed = states.map(|mut state| {
        state.distrust_after(limit);
        assert!(dates(&serde_json::to_value(&state).unwrap()).into_iter().all(|at| at <= limit), "dated after {limit}");
        let once = state.clone();
        assert!(!state.distrust_after(limit), "judged twice");
        assert_eq!(state, once);
        state
    });
    let mut both = joined(believed[0].clone(), believed[1].clone());
    assert!(!both.distrust_after(limit), "two that are believed are believed together");
    check_laws(believed);
}

/// By what the claims in a row are dated.
fn dates(row: &Value) -> Vec<Timestamp> {
    match row {
        Value::Object(fields) => {
            let own = fields.get("at").and_then(|at| at.as_str()?.parse().ok());
            own.into_iter().chain(fields.values().flat_map(dates)).collect()
        }
        Value::Array(items) => items.iter().flat_map(dates).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// All laws of a whole entity.
fn check_entity<T>(states: [T; 3], limit: Timestamp)
where
    T: Join + Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned,
{
    states.iter().for_each(check_stored);
    check_laws(states.clone());
    check_disbelief(states, limit);
}

/// Of several claims the newest, as the README says it: by strength, provider's time, sequence number, rank.
fn newest(claims: &[Latest<u8>]) -> Option<u8> {
    let rank = |claim: &&Claim<u8>| {
        let is_strong = claim.strength == Strength::Strong;
        (is_strong, claim.at.is_some(), claim.at, claim.sequence.is_some(), claim.sequence, claim.value)
    };
    let claims: Vec<Claim<u8>> = claims.iter().filter_map(claim).collect();
    claims.iter().max_by_key(rank).map(|claim| claim.value)
}

fn claim(block: &Latest<u8>) -> Option<Claim<u8>> {
    serde_json::from_value(serde_json::to_value(block).unwrap()).unwrap()
}

/// Three pieces of what is known of one thing.
fn three<T: Debug>(any: impl Fn() -> BoxedStrategy<T>) -> impl Strategy<Value = [T; 3]> {
    [any(), any(), any()]
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn the_newest_claim_wins_whatever_the_order(claims in three(|| latest(0_u8..3))) {
        check_laws(claims);
    }

    #[test]
    fn strength_then_time_then_number_then_rank_decide(claims in vec(latest(0_u8..4), 0..6)) {
        let block = claims.iter().cloned().fold(Latest::default(), joined);
        prop_assert_eq!(block.value().copied(), newest(&claims));
    }

    #[test]
    fn first_and_last_heard_are_the_same_in_any_order(heard in three(|| any_heard().boxed())) {
        check_laws(heard);
    }

    #[test]
    fn first_is_the_first_and_last_the_last(times in vec(any_time(), 1..5)) {
        let heard = times.iter().map(|at| Heard::at(*at)).fold(Heard::default(), joined);
        prop_assert_eq!(heard, Heard { first: times.iter().min().copied(), last: times.iter().max().copied() });
    }

    #[test]
    fn sets_and_maps_only_grow(maps in three(|| btree_map(0_u8..3, 0_u8..3, 0..3).boxed())) {
        let [a, b, _] = maps.clone();
        let both = joined(a.clone(), b.clone());
        for (key, value) in &both {
            prop_assert_eq!(Some(value), a.get(key).max(b.get(key)), "the greatest that was ever said");
        }
        prop_assert!(a.keys().chain(b.keys()).all(|key| both.contains_key(key)));
        check_laws(maps.clone().map(|map: BTreeMap<u8, u8>| map.into_keys().collect::<BTreeSet<_>>()));
        check_laws(maps);
    }

    #[test]
    fn what_is_confirmed_is_the_same_in_any_order(pieces in three(|| confirmation(0_u8..3))) {
        check_laws(pieces);
    }

    /// Proof is never lost to a doorbell: whoever rings, what the provider stands behind stays confirmed.
    #[test]
    fn no_doorbell_unproves_anything(proven in confirmation(0_u8..3), rung in latest(0_u8..3), current in 0_u8..3) {
        let doorbell = Confirmation { rung, ..Confirmation::default() };
        let is_confirmed = |state: &Confirmation<u8>| state.verdict(Some(&current)) == Some(Verdict::Confirmed);
        prop_assert_eq!(is_confirmed(&proven), is_confirmed(&joined(proven.clone(), doorbell)));
    }

    /// What was ever proven is not called forged.
    #[test]
    fn what_was_ever_proven_is_not_refuted(state in confirmation(0_u8..3)) {
        if let Some(refutation) = state.refutation() {
            prop_assert!(!state.ever.contains(refutation.claimed));
        }
    }

    #[test]
    fn a_weak_claim_never_overrides_a_strong_one(
        strong in 0_u8..3,
        strong_at in option::of(any_time()),
        weak in latest(0_u8..3),
    ) {
        let strong = Latest::claim(strong, strong_at);
        prop_assert_eq!(joined(weak.weak(), strong.clone()), strong);
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn orders_join(orders in three(|| any_order().boxed()), limit in any_time()) {
        check_entity(orders, limit);
    }

    #[test]
    fn esims_join(esims in three(|| any_esim().boxed()), limit in any_time()) {
        check_entity(esims, limit);
    }

    #[test]
    fn payments_join(payments in three(|| any_payment().boxed()), limit in any_time()) {
        check_entity(payments, limit);
    }

    #[test]
    fn returns_join(returns in three(|| any_return().boxed()), limit in any_time()) {
        check_entity(returns, limit);
    }
}

/// Whether the action is true of the state, at a time when no plan has ended yet.
fn holds(action: &Action, state: &State) -> bool {
    premise_holds(&action.premise, Some(state), &Rules::default(), Timestamp::MIN_UTC).is_ok()
}

/// What would be told of the state to whoever knows nothing.
fn worth_telling(key: &EntityKey, state: &State) -> Vec<Action> {
    decide(key, &State::unknown(key), state, &Rules::default())
}

fn in_short<'a>(actions: impl IntoIterator<Item = &'a Action>) -> BTreeSet<String> {
    actions.into_iter().map(|action| format!("{:?} {:?}", action.kind, action.premise)).collect()
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn what_changes_nothing_promises_nothing((key, state, _) in any_two()) {
        prop_assert_eq!(decide(&key, &state, &state, &Rules::default()), []);
    }

    /// What is promised is true, and was not told before; and with what was told before, and is still true, it is all that
    /// is worth telling.
    #[test]
    fn what_is_promised_is_true_and_new((key, before, claims) in any_two()) {
        let mut after = before.clone();
        after.join(claims);
        let told = worth_telling(&key, &before);
        let news = decide(&key, &before, &after, &Rules::default());
        let is_told = |news: &Action| told.iter().any(|told| (told.kind, &told.premise) == (news.kind, &news.premise));
        prop_assert!(news.iter().all(|action| holds(action, &after)), "not true: {:?}", news);
        prop_assert!(!news.iter().any(is_told), "not new: {:?}", news);
        let known = told.iter().chain(&news).filter(|action| holds(action, &after));
        prop_assert_eq!(in_short(known), in_short(&worth_telling(&key, &after)));
    }

    /// What may be told more than once of an entity is told apart by its key, and nothing else is.
    #[test]
    fn one_promise_has_one_key((key, one, other) in any_two()) {
        let mut known = BTreeMap::new();
        for action in worth_telling(&key, &one).into_iter().chain(worth_telling(&key, &other)) {
            let promise = (action.kind, action.premise);
            let same = known.entry(action.key.clone()).or_insert_with(|| promise.clone());
            prop_assert_eq!(&*same, &promise, "{}", action.key);
        }
    }
}
