//! The laws of the join as properties: commutative, associative, idempotent, with nothing as its neutral element, for
//! every block and for whole entities. Times, numbers and values come from small sets, so that ties happen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use shared::Timestamp;
use shared::block::{Heard, Join, Latest};
use shared::confirmation::{Confirmation, Verdict};
use shared::envelope::Mode;
use shared::esim::{Alert, Esim, Install, PlanStatus, ProfileStatus, Usage};
use shared::fact::State;
use shared::order::{Order, OrderStatus, Product, Standing};
use shared::payment::{Direction, Payment, PaymentStatus};
use shared::return_request::{ReturnRequest, ReturnStatus};

fn joined<T: Join>(mut left: T, right: T) -> T {
    left.join(right);
    left
}

fn check_laws<T: Join + Default + Clone + PartialEq + Debug>(a: T, b: T, c: T) {
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

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0_i64..3).prop_map(|second| Timestamp::from_timestamp(1_780_000_000 + second, 0).expect("a valid time"))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned())]
}

/// A block with a claim of any strength, time and number, or without one. Boxed, because an entity has so many that
/// their strategies would not fit on a test's stack.
fn latest<T: Debug + Clone + 'static>(value: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Latest<T>> {
    let claim = (value, option::of(any_time()), option::of(0_u64..2), any::<bool>());
    let claim = claim.prop_map(|(value, at, sequence, is_weak)| {
        let claim = Latest::claim(value, at).numbered(sequence);
        if is_weak { claim.weak() } else { claim }
    });
    prop_oneof![1 => Just(Latest::default()), 4 => claim].boxed()
}

fn any_heard() -> impl Strategy<Value = Heard> {
    (option::of(any_time()), option::of(any_time())).prop_map(|(first, last)| Heard { first, last })
}

fn confirmation<T: Debug + Clone + Ord + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Confirmation<T>> {
    let value = value.boxed();
    let minutes =
        || option::of((0_i64..3).prop_map(|minute| Timestamp::from_timestamp(minute * 60, 0).expect("a time")));
    let rung = (option::of(value.clone()), minutes()).prop_map(|(value, at)| Latest::maybe(value, at));
    let vouched = (option::of(option::of(value.clone())), minutes()).prop_map(|(value, at)| Latest::maybe(value, at));
    let ever = proptest::collection::btree_set(value, 0..3);
    (rung, vouched, ever).prop_map(|(rung, vouched, ever)| Confirmation { rung, vouched, ever }).boxed()
}

fn any_mode() -> impl Strategy<Value = Latest<Mode>> {
    option::of(prop_oneof![Just(Mode::Live), Just(Mode::Test)]).prop_map(|mode| Latest::maybe(mode, None))
}

fn any_order_status() -> impl Strategy<Value = OrderStatus> {
    prop_oneof![
        Just(OrderStatus::Pending),
        Just(OrderStatus::Shipping),
        Just(OrderStatus::Failed),
        Just(OrderStatus::Cancelled),
        Just(OrderStatus::Completed),
    ]
}

fn any_order() -> impl Strategy<Value = Order> {
    let standing =
        (any_order_status(), option::of(any_text())).prop_map(|(status, reason)| Standing { status, reason });
    let product = prop_oneof![Just(Product::Esim), Just(Product::TopUp), Just(Product::PhysicalSim)];
    let statuses = proptest::collection::btree_set(any_order_status(), 0..3);
    let unknown = proptest::collection::btree_set(any_text(), 0..2);
    let said = (latest(standing), latest(any_text()), statuses, unknown, latest(product));
    let bought = (latest(any_text()), latest(0_i64..2), latest(any_text()), latest(0_u32..2), any_mode(), any_heard());
    (said, bought, confirmation(any_order_status())).prop_map(|(said, bought, confirmation)| {
        let (standing, provider_status, untimed_finals, unknown_statuses, product) = said;
        let (package_code, amount, currency, quantity, mode, heard) = bought;
        let amount = amount.value().map(|amount| (*amount).into());
        Order {
            standing,
            provider_status,
            untimed_finals,
            unknown_statuses,
            product,
            package_code,
            amount: Latest::maybe(amount, None),
            currency,
            quantity,
            mode,
            confirmation,
            heard,
            ..Order::default()
        }
    })
}

fn any_plan() -> impl Strategy<Value = PlanStatus> {
    prop_oneof![
        Just(PlanStatus::Allocated),
        Just(PlanStatus::Active),
        Just(PlanStatus::Depleted),
        Just(PlanStatus::Expired),
    ]
}

fn any_profile() -> impl Strategy<Value = ProfileStatus> {
    prop_oneof![Just(ProfileStatus::Released), Just(ProfileStatus::Enabled), Just(ProfileStatus::Disabled)]
}

fn any_usage() -> impl Strategy<Value = Usage> {
    (1_u64..3, 0_u64..3).prop_map(|(total, used)| Usage { total_bytes: total * 1000, used_bytes: used * 500 })
}

fn any_alert() -> impl Strategy<Value = Alert> {
    (0_u32..2, any_text()).prop_map(|(level, event_key)| Alert { level, event_key })
}

fn any_esim() -> impl Strategy<Value = Esim> {
    let named = (latest(any_text()), latest(any_text()), latest(any_text().prop_map(Install::new)));
    let status = (latest(any_plan()), latest(any_text()), latest(any_profile()), latest(any_text()));
    let thresholds = proptest::collection::btree_map(1_u64..3, 50_u8..53, 0..3);
    let used = (latest(any_usage()), thresholds, latest(any_alert()));
    let notices = proptest::collection::btree_set((any_time(), 1_u32..3), 0..3);
    let passed = proptest::collection::btree_set(any_time(), 0..3);
    let valid = (latest(any_time()), notices, latest(any_alert()), any_mode(), any_heard(), passed);
    (named, status, used, valid, confirmation(any_text())).prop_map(|(named, status, used, valid, confirmation)| Esim {
        order_ref: named.0,
        eid: named.1,
        install: named.2,
        plan: status.0,
        provider_plan_status: status.1,
        profile: status.2,
        provider_profile_status: status.3,
        usage: used.0,
        reached_percent: used.1,
        low_data_alert: used.2,
        expires_at: valid.0,
        expiry_notices: valid.1,
        expiry_alert: valid.2,
        mode: valid.3,
        heard: valid.4,
        passed_ends: valid.5,
        confirmation,
        ..Esim::default()
    })
}

fn any_payment() -> impl Strategy<Value = Payment> {
    let status = prop_oneof![
        Just(PaymentStatus::Pending),
        Just(PaymentStatus::Failed),
        Just(PaymentStatus::Cancelled),
        Just(PaymentStatus::Succeeded),
    ];
    let direction = prop_oneof![Just(Direction::Payin), Just(Direction::Payout)];
    let claimed = (status, option::of(any_text()), option::of(any_time()), any_text());
    let proven = confirmation(prop_oneof![Just(PaymentStatus::Failed), Just(PaymentStatus::Succeeded)]);
    (claimed, latest(direction), any_heard(), proven).prop_map(
        |((status, reason, at, said), direction, heard, confirmation)| Payment {
            direction,
            heard,
            confirmation,
            ..Payment::with_status(&said, Some(status), reason, at)
        },
    )
}

fn any_return() -> impl Strategy<Value = ReturnRequest> {
    let status = prop_oneof![Just(ReturnStatus::Reviewing), Just(ReturnStatus::Rejected), Just(ReturnStatus::Approved)];
    (option::of(status), option::of(any_time()), any_text(), latest(any_text())).prop_map(
        |(status, at, said, reason)| ReturnRequest { reason, ..ReturnRequest::with_status(&said, status, at) },
    )
}

/// Facts of one eSIM as they are joined to its row, one after the other.
fn fold(facts: impl IntoIterator<Item = Esim>) -> State {
    let mut state = State::Esim(Esim::default());
    facts.into_iter().for_each(|fact| state.join(State::Esim(fact)));
    state
}

/// What once failed is kept beside this file, and tried first ever after.
fn config(cases: u32) -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(persistence)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn the_newest_claim_wins_whatever_the_order(a in latest(0_u8..3), b in latest(0_u8..3), c in latest(0_u8..3)) {
        check_laws(a, b, c);
    }

    #[test]
    fn first_and_last_heard_are_the_same_in_any_order(a in any_heard(), b in any_heard(), c in any_heard()) {
        check_laws(a, b, c);
    }

    #[test]
    fn sets_and_maps_only_grow(
        a in proptest::collection::btree_map(0_u8..3, 0_u8..3, 0..3),
        b in proptest::collection::btree_map(0_u8..3, 0_u8..3, 0..3),
        c in proptest::collection::btree_map(0_u8..3, 0_u8..3, 0..3),
    ) {
        let keys = |map: &BTreeMap<u8, u8>| map.keys().copied().collect::<BTreeSet<_>>();
        check_laws(keys(&a), keys(&b), keys(&c));
        check_laws(a, b, c);
    }

    #[test]
    fn what_is_confirmed_is_the_same_in_any_order(
        a in confirmation(0_u8..3),
        b in confirmation(0_u8..3),
        c in confirmation(0_u8..3),
    ) {
        check_laws(a, b, c);
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
        weak in 0_u8..3,
        weak_at in option::of(any_time()),
    ) {
        let strong = Latest::claim(strong, strong_at);
        let weak = Latest::claim(weak, weak_at).weak();
        prop_assert_eq!(joined(weak, strong.clone()), strong);
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn orders_join(a in any_order(), b in any_order(), c in any_order()) {
        check_laws(a, b, c);
    }

    #[test]
    fn esims_join(a in any_esim(), b in any_esim(), c in any_esim()) {
        check_laws(a, b, c);
    }

    #[test]
    fn payments_join(a in any_payment(), b in any_payment(), c in any_payment()) {
        check_laws(a, b, c);
    }

    #[test]
    fn returns_join(a in any_return(), b in any_return(), c in any_return()) {
        check_laws(a, b, c);
    }

    #[test]
    fn the_same_facts_end_in_the_same_esim(
        (facts, shuffled) in proptest::collection::vec(any_esim(), 0..6)
            .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
    ) {
        let twice = shuffled.iter().chain(facts.iter().rev()).cloned();
        prop_assert_eq!(fold(facts.clone()), fold(twice));
    }

    #[test]
    fn disbelief_does_not_break_the_join(a in any_esim(), b in any_esim(), limit in any_time()) {
        let believed = |mut esim: Esim| {
            esim.distrust_after(limit);
            esim
        };
        let (a, b) = (believed(a), believed(b));
        let both = joined(a.clone(), b.clone());
        prop_assert_eq!(believed(both.clone()), both.clone());
        check_laws(a, b, both);
    }

    /// What is stored is what was joined: a state read back from its JSON form goes on as if it had never left.
    #[test]
    fn a_stored_state_reads_back_the_same(esim in any_esim(), order in any_order()) {
        let json = serde_json::to_string(&esim).unwrap();
        prop_assert_eq!(serde_json::from_str::<Esim>(&json).unwrap(), esim);
        let json = serde_json::to_string(&order).unwrap();
        prop_assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), order);
    }
}
