//! States of every kind, reachable or not, with something in every block. Times, numbers and values come from small sets,
//! so that ties happen.

use std::fmt::Debug;

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use rust_decimal::Decimal;
use shared::Timestamp;
use shared::block::{Heard, Latest};
use shared::confirmation::Confirmation;
use shared::esim::{Alert, Esim, Install, PlanStatus, ProfileStatus, Usage};
use shared::fact::{EntityKey, State};
use shared::order::{Order, OrderStatus, Product};
use shared::origin::Mode;
use shared::payment::{Direction, Payment, PaymentStatus};
use shared::return_request::{ReturnRequest, ReturnStatus};
use shared::status::StatusWithReason;

use crate::said::at;

/// What once failed is kept beside the source, and tried first ever after. `PROPTEST_CASES=25600` tries a hundred times as
/// many cases as usual.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: cases.saturating_mul(default.cases) / 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        max_shrink_iters: 2_000,
        max_shrink_time: 30_000,
        ..default
    }
}

pub(crate) fn any_time() -> impl Strategy<Value = Timestamp> {
    select(vec![at(0), at(1), at(59), at(60), at(120)])
}

fn any_text() -> impl Strategy<Value = String> {
    select(vec!["a".to_owned(), "b".to_owned(), "ü\"\\\u{1}".to_owned()])
}

/// A block with a claim of any strength, time and number, or without one. Boxed, because an entity has so many that
/// their strategies would not fit on a test's stack.
pub(crate) fn latest<T: Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Latest<T>> {
    let claim = (value, option::of(any_time()), option::of(0_u64..2), any::<bool>());
    let claim = claim.prop_map(|(value, at, sequence, is_weak)| {
        let claim = Latest::claim(value, at).numbered(sequence);
        if is_weak { claim.weak() } else { claim }
    });
    prop_oneof![1 => Just(Latest::default()), 4 => claim].boxed()
}

fn text() -> BoxedStrategy<Latest<String>> {
    latest(any_text())
}

pub(crate) fn any_heard() -> impl Strategy<Value = Heard> {
    (option::of(any_time()), option::of(any_time())).prop_map(|(first, last)| Heard { first, last })
}

pub(crate) fn confirmation<T: Debug + Clone + Ord + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Confirmation<T>> {
    let value = value.boxed();
    let rung = latest(value.clone());
    let vouched = latest(option::of(value.clone()));
    (rung, vouched, btree_set(value, 0..3))
        .prop_map(|(rung, vouched, ever)| Confirmation { rung, vouched, ever })
        .boxed()
}

fn mode() -> BoxedStrategy<Latest<Mode>> {
    latest(select(vec![Mode::Live, Mode::Test]))
}

fn amount() -> BoxedStrategy<Latest<Decimal>> {
    latest(select(vec![Decimal::ONE, Decimal::new(95, 1), Decimal::MAX]))
}

fn order_status() -> impl Strategy<Value = OrderStatus> {
    use OrderStatus::{Cancelled, Completed, Failed, Pending, Processing, Shipping};
    select(vec![Pending, Processing, Shipping, Failed, Cancelled, Completed])
}

pub(crate) fn any_order() -> impl Strategy<Value = Order> {
    let standing =
        (order_status(), option::of(any_text())).prop_map(|(status, reason)| StatusWithReason { status, reason });
    let product = select(vec![Product::Esim, Product::TopUp, Product::PhysicalSim]);
    let said = (latest(standing), text(), btree_set(order_status(), 0..3), btree_set(any_text(), 0..2));
    let bought = (latest(product), text(), text(), amount(), text(), latest(0_u32..2));
    let rest = (latest(any_time()), text(), mode(), confirmation(order_status()), any_heard());
    (said, bought, rest).prop_map(|(said, bought, rest)| {
        let (standing, provider_status, untimed_finals, unknown_statuses) = said;
        let (product, package_code, package_name, amount, currency, quantity) = bought;
        let (silent_since, track_ref, mode, confirmation, heard) = rest;
        Order {
            standing,
            provider_status,
            untimed_finals,
            unknown_statuses,
            product,
            package_code,
            package_name,
            amount,
            currency,
            quantity,
            silent_since,
            track_ref,
            mode,
            confirmation,
            heard,
        }
    })
}

fn plan_status() -> impl Strategy<Value = PlanStatus> {
    use PlanStatus::{Active, Allocated, Cancelled, Depleted, Expired, Pending, Revoked, Suspended};
    select(vec![Pending, Allocated, Suspended, Active, Depleted, Expired, Cancelled, Revoked])
}

fn profile_status() -> impl Strategy<Value = ProfileStatus> {
    use ProfileStatus::{Deleted, Disabled, Downloaded, Enabled, Installed, Released};
    select(vec![Released, Downloaded, Installed, Enabled, Disabled, Deleted])
}

fn any_usage() -> impl Strategy<Value = Usage> {
    (0_u64..3, 0_u64..4).prop_map(|(total, used)| Usage { total_bytes: total * 1000, used_bytes: used * 500 })
}

fn any_alert() -> impl Strategy<Value = Alert> {
    // An event gives one level.
    let alert = |(level, text): (u32, String)| Alert { level, event_key: format!("{level} {text}") };
    (select(vec![1, 3, 75, 90]), any_text()).prop_map(alert)
}

fn any_install() -> impl Strategy<Value = Install> {
    (any_text(), option::of(any_text())).prop_map(|(code, pin)| Install {
        pin: pin.clone(),
        puk: pin.clone(),
        apn: pin.clone(),
        confirmation_code: pin.clone(),
        qr_code_url: pin.clone(),
        apple_install_url: pin,
        ..Install::new(code)
    })
}

pub(crate) fn any_esim() -> impl Strategy<Value = Esim> {
    let named = (text(), text(), text(), text(), latest(any_install()), confirmation(any_text()));
    let status = (latest(plan_status()), text(), latest(profile_status()), text());
    let reached = btree_map((0_u64..3).prop_map(|total| total * 1000), 49_u8..92, 0..3);
    let used = (latest(any_usage()), reached, latest(any_alert()));
    let end = || select(vec![at(0), at(60)]);
    let notices = btree_set((end(), 1_u32..4), 0..4);
    let passed = btree_set(end(), 0..3);
    let valid = (latest(end()), passed, notices, latest(any_alert()), text(), mode(), any_heard());
    (named, status, used, valid).prop_map(|(named, status, used, valid)| {
        let (order_ref, iccid, eid, provider_esim_ref, install, confirmation) = named;
        let (plan, provider_plan_status, profile, provider_profile_status) = status;
        let (usage, reached_percent, low_data_alert) = used;
        let (expires_at, passed_ends, expiry_notices, expiry_alert, package_name, mode, heard) = valid;
        Esim {
            order_ref,
            iccid,
            eid,
            provider_esim_ref,
            plan,
            provider_plan_status,
            profile,
            provider_profile_status,
            install,
            usage,
            reached_percent,
            low_data_alert,
            expires_at,
            passed_ends,
            expiry_notices,
            expiry_alert,
            package_name,
            mode,
            confirmation,
            heard,
        }
    })
}

fn payment_status() -> impl Strategy<Value = PaymentStatus> {
    use PaymentStatus::{Cancelled, Failed, Pending, Succeeded};
    select(vec![Pending, Failed, Cancelled, Succeeded])
}

pub(crate) fn any_payment() -> impl Strategy<Value = Payment> {
    let standing = (payment_status(), option::of(any_text()));
    let standing = standing.prop_map(|(status, reason)| StatusWithReason { status, reason });
    let direction = select(vec![Direction::Payin, Direction::Payout]);
    let said = (latest(standing), text(), latest(direction), amount(), text(), text());
    let rest = (text(), text(), mode(), confirmation(payment_status()), any_heard());
    (said, rest).prop_map(|(said, rest)| {
        let (standing, provider_status, direction, amount, code, payer_email) = said;
        let (operation_ref, description, mode, confirmation, heard) = rest;
        Payment {
            standing,
            provider_status,
            direction,
            amount,
            code,
            payer_email,
            operation_ref,
            description,
            mode,
            confirmation,
            heard,
        }
    })
}

pub(crate) fn any_return() -> impl Strategy<Value = ReturnRequest> {
    use ReturnStatus::{Approved, Rejected, Requested, Reviewing};
    let status = latest(select(vec![Requested, Reviewing, Rejected, Approved]));
    let said = (status, text(), text(), text(), amount(), text(), text(), mode(), any_heard());
    said.prop_map(|said| {
        let (status, provider_status, order_ref, return_type, refund_amount, reason, track_ref, mode, heard) = said;
        ReturnRequest { status, provider_status, order_ref, return_type, refund_amount, reason, track_ref, mode, heard }
    })
}

/// An entity, and two pieces of what is known of it.
pub(crate) fn any_two() -> impl Strategy<Value = (EntityKey, State, State)> {
    fn two<T: Debug>(
        key: fn(String) -> EntityKey,
        state: fn(T) -> State,
        any: impl Fn() -> BoxedStrategy<T>,
    ) -> impl Strategy<Value = (EntityKey, State, State)> {
        (any(), any()).prop_map(move |(one, other)| (key("e".to_owned()), state(one), state(other)))
    }
    prop_oneof![
        two(EntityKey::Order, State::Order, || any_order().boxed()),
        two(EntityKey::Esim, State::Esim, || any_esim().boxed()),
        two(EntityKey::Payment, State::Payment, || any_payment().boxed()),
        two(EntityKey::Return, State::Return, || any_return().boxed()),
    ]
}
