//! What can be said in a life, from small sets of words, moments and references, so that ties happen.

use proptest::prelude::*;
use proptest::sample::select;
use shared::clock::Deadline;
use shared::origin::Provider;
use shared::rules::Rules;

use crate::said::{DAY, HOUR, Said, access, airalo, airtm, at, trip, yoni};

const ESIMS: [access::Esim; 3] = [access::Esim("B1", "891"), access::Esim("B1", "892"), access::Esim("B2", "891")];
const PLANS: [&str; 9] =
    ["PAID", "GOT_RESOURCE", "IN_USE", "USED_UP", "SUSPENDED", "USED_EXPIRED", "CANCEL", "REVOKED", "MELTED"];
const PROFILES: [&str; 5] = ["RELEASED", "INSTALLATION", "ENABLED", "DISABLED", "DELETED"];
const ORDERS: [&str; 2] = ["1", "2"];
const ICCIDS: [&str; 2] = ["891", "892"];
const CODES: [&str; 2] = ["A", "B"];
const PAYMENTS: [&str; 2] = ["p", "q"];

/// A life of several entities; it may have anything in it twice.
pub(super) fn life() -> impl Strategy<Value = Vec<Said>> {
    prop::collection::vec(piece(), 1..=40)
}

pub(super) fn any_rules() -> impl Strategy<Value = Rules> {
    let telling = Rules { low_data_percent: vec![50, 75, 90], expiry_notice_days: vec![7, 1] };
    select(vec![Rules::default(), telling, Rules { low_data_percent: vec![], expiry_notice_days: vec![] }])
}

/// Seconds: moments that lie around the minute by which an API may lag, on each of three days.
fn moment() -> impl Strategy<Value = i64> {
    (0_i64..3, select(vec![0, 1, 30, 59, 60, 61, 120])).prop_map(|(day, second)| day * DAY + second)
}

fn piece() -> impl Strategy<Value = Said> {
    let said = prop_oneof![
        3 => access().boxed(),
        1 => access_answers().boxed(),
        2 => airalo().boxed(),
        2 => yoni().boxed(),
        2 => trip().boxed(),
        2 => airtm().boxed(),
        1 => deadline().boxed(),
    ];
    (said, how()).prop_map(|(said, how)| how(said))
}

type How = fn(Said) -> Said;

/// Most of what is said comes as it should.
fn how() -> impl Strategy<Value = How> {
    let ways: [(u32, How); 7] = [
        (12, |said| said),
        (2, Said::undated),
        (1, |said| said.dated(90 * DAY)),
        (1, |said| said.dated(-DAY)),
        (2, |said| said.late(2 * HOUR)),
        (2, Said::unsigned),
        (1, Said::test),
    ];
    prop::strategy::Union::new_weighted(ways.map(|(weight, way)| (weight, Just(way))).to_vec())
}

fn access() -> impl Strategy<Value = Said> {
    let esim = || (moment(), select(&ESIMS[..]));
    prop_oneof![
        (esim(), select(vec!["GOT_RESOURCE", "CANCEL", "FAILED", "LOST"]))
            .prop_map(|((at, esim), status)| esim.order(at, status)),
        (esim(), prop::option::of(1_u64..4), select(&PROFILES[..]))
            .prop_map(|((at, esim), sequence, profile)| esim.profile(at, sequence, profile)),
        (esim(), select(&PLANS[..])).prop_map(|((at, esim), plan)| esim.plan(at, plan)),
        (esim(), select(&PLANS[..]), select(&PROFILES[..]))
            .prop_map(|((at, esim), plan, profile)| esim.status(at, plan, profile)),
        (esim(), 1_u64..4, 0_u64..5).prop_map(|((at, esim), total, used)| esim.usage(at, total * 1000, used * 600)),
        (esim(), end(), select(vec![7_u32, 3, 2, 1])).prop_map(|((at, esim), end, days)| esim.validity(at, end, days)),
    ]
}

/// When a plan ends.
fn end() -> impl Strategy<Value = i64> {
    select(vec![DAY, 9 * DAY])
}

fn access_answers() -> impl Strategy<Value = Said> {
    let about = || (moment(), select(&ESIMS[..]), prop::option::of(select(&CODES[..])));
    prop_oneof![
        (about(), select(&PLANS[..])).prop_map(|((at, esim, code), plan)| esim.answers_order(at, code, plan)),
        (about(), select(&PLANS[..]), 0_u64..5).prop_map(|((at, esim, code), plan, used)| esim.answers_esim(
            at,
            code,
            plan,
            used * 250
        )),
        about().prop_map(|(at, esim, _)| esim.denies_order(at)),
        about().prop_map(|(at, esim, _)| esim.denies_esim(at)),
    ]
}

fn airalo() -> impl Strategy<Value = Said> {
    let order = || (moment(), select(&ORDERS[..]));
    let sim = || (select(&ICCIDS[..]), select(&CODES[..]));
    prop_oneof![
        (order(), sim()).prop_map(|((at, order), (iccid, code))| airalo::order_of(at, order, iccid, code)),
        (order(), sim(), sim()).prop_map(|((at, order), one, other)| airalo::order_with(at, order, &[one, other])),
        order().prop_map(|(at, order)| airalo::top_up(at, order)),
        (order(), select(vec!["no stock", "no credit"]))
            .prop_map(|((at, order), reason)| airalo::failure(at, order, reason)),
        (moment(), select(&ICCIDS[..]), select(vec!["75%", "90%", "3days", "1days", "soon"]))
            .prop_map(|(at, iccid, level)| airalo::warning(at, iccid, level)),
        (moment(), select(vec![50, 90])).prop_map(|(at, percent)| airalo::credit(at, percent)),
        (order(), sim(), select(vec!["completed", "failed", "refunded"]))
            .prop_map(|((at, order), sim, status)| airalo::answers_order(at, order, sim, status)),
        order().prop_map(|(at, order)| airalo::denies_order(at, order)),
        (moment(), select(&ICCIDS[..]), select(vec!["ACTIVE", "FINISHED", "EXPIRED"]), end())
            .prop_map(|(at, iccid, status, end)| airalo::answers_usage(at, iccid, status, 100, end)),
    ]
}

fn yoni() -> impl Strategy<Value = Said> {
    let record = || (moment(), select(&ORDERS[..]), select(&ICCIDS[..]), select(&CODES[..]));
    let result = || select(vec!["COMPLETED", "COMPLETED", "FAILED", "PAUSED"]);
    prop_oneof![
        3 => (record(), result())
            .prop_map(|((at, order, iccid, code), result)| yoni::result(at, order, iccid, code, result)),
        2 => (record(), result())
            .prop_map(|((at, order, iccid, code), result)| yoni::answers(at, order, iccid, code, result)),
        1 => record().prop_map(|(at, order, iccid, _)| yoni::denies(at, order, iccid)),
        1 => record().prop_map(|(at, order, ..)| yoni::denies_order(at, order)),
        1 => (record(), 0_u32..5).prop_map(|((at, _, iccid, _), used)| yoni::answers_usage(at, iccid, 4, used)),
    ]
}

fn trip() -> impl Strategy<Value = Said> {
    let order = || (moment(), select(&ORDERS[..]));
    let sim = || (select(&ICCIDS[..]), select(&CODES[..]));
    let step = || select(vec!["NEW", "CONFIRMED", "DELIVERING", "SUCCESS", "CANCELED"]);
    prop_oneof![
        (order(), sim()).prop_map(|((at, order), (iccid, code))| trip::success(at, order, iccid, code)),
        order().prop_map(|(at, order)| trip::failure(at, order, "no stock")),
        (order(), step()).prop_map(|((at, order), status)| trip::step(at, order, status)),
        (order(), select(vec!["REVIEWING", "APPROVED", "REJECTED"]))
            .prop_map(|((at, order), status)| trip::returned(at, "r", order, status)),
        (order(), sim(), step()).prop_map(|((at, order), sim, status)| trip::answers_order(at, order, sim, status)),
        order().prop_map(|(at, order)| trip::denies_order(at, order)),
        (moment(), select(&ICCIDS[..]), select(vec!["IN_USE", "EXPIRED"]), select(&PROFILES[1..]), end())
            .prop_map(|(at, iccid, plan, profile, end)| trip::answers_esim(at, iccid, plan, (at - HOUR, profile), end)),
    ]
}

fn airtm() -> impl Strategy<Value = Said> {
    let payment = || (moment(), select(&PAYMENTS[..]));
    let operation = || select(vec!["purchase", "payout"]);
    let status = || select(vec!["created", "confirmed", "completed", "failed", "canceled", "bridge_failed"]);
    let event = select(vec!["payin.confirmed", "payin.failed", "payout.completed", "payout.failed"]);
    prop_oneof![
        (payment(), operation(), status())
            .prop_map(|((at, payment), operation, status)| airtm::operation(at, payment, operation, status)),
        (payment(), event, status())
            .prop_map(|((at, payment), event, status)| airtm::event(at, payment, event, status)),
        (payment(), status()).prop_map(|((at, payment), status)| airtm::bare(at, payment, status)),
        (payment(), operation(), status())
            .prop_map(|((at, payment), operation, status)| airtm::answers(at, payment, operation, status, 0)),
        payment().prop_map(|(at, payment)| airtm::denies(at, payment)),
    ]
}

fn deadline() -> impl Strategy<Value = Said> {
    let esim_ref = || select(&ESIMS[..]).prop_map(access::Esim::reference);
    let deadline = prop_oneof![
        (esim_ref(), end(), select(vec!["7", "3", "1"])).prop_map(|(esim_ref, end, days)| Deadline::Expiring {
            esim_ref,
            expires_at: at(end),
            days: days.to_owned()
        }),
        (esim_ref(), end()).prop_map(|(esim_ref, end)| Deadline::Expired { esim_ref, expires_at: at(end) }),
        select(vec!["B1", "B3"]).prop_map(|order| Deadline::Silent { order_ref: order.to_owned(), since: at(0) }),
    ];
    (moment(), deadline).prop_map(|(at, deadline)| Said::deadline(Provider::EsimAccess, at, &deadline))
}
