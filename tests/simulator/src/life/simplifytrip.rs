//! A life at SimplifyTrip: an order of eSIMs, or of a physical SIM on its way, and sometimes its return.

use super::Story;
use crate::dialect::simplifytrip::{Envelope, Esim, Order, Return, Step};
use crate::event::Time;

const SKUS: [&str; 3] = ["E23XY06GB08DFX", "AS7BCUNL03DPY", "JP15D20GB77QWE"];
const FAILURES: [&str; 2] = ["Out of stock", "The supplier refused the order"];
const REASONS: [&str; 3] = ["Trip cancelled", "Wrong product", "reason"];
/// Dong and dollars: whole and with cents.
const REFUNDS: [&str; 3] = ["205000", "12.5", "7.90"];

pub(super) fn tell(story: &mut Story) {
    let is_test = story.random.chance(0.15);
    let is_physical = story.random.chance(0.4);
    let order = order(story, is_physical);
    let end = if is_physical { tell_delivery(story, &order, is_test) } else { tell_esims(story, &order, is_test) };
    if story.random.chance(0.3) {
        tell_return(story, &order, is_test, end);
    }
}

fn tell_esims(story: &mut Story, order: &Order, is_test: bool) -> Time {
    let at = story.born + story.seconds(3, 900);
    let step =
        if story.random.chance(0.12) { Step::Fail { reason: story.random.pick(&FAILURES) } } else { Step::Success };
    tell_step(story, order, &step, is_test, at);
    at
}

fn tell_delivery(story: &mut Story, order: &Order, is_test: bool) -> Time {
    let is_cancelled = story.random.chance(0.2);
    let words: &[&str] =
        if is_cancelled { &["NEW", "CONFIRMED", "CANCELED"] } else { &["NEW", "CONFIRMED", "DELIVERING", "SUCCESS"] };
    let mut at = story.born;
    for word in words {
        at += story.minutes(1, 60 * 48);
        tell_step(story, order, &Step::Update(word), is_test, at);
    }
    at
}

fn tell_step(story: &mut Story, order: &Order, step: &Step, is_test: bool, at: Time) {
    let envelope = envelope(story, is_test, at);
    story.tell(at, order.body(&envelope, step), order.meaning(&envelope, step), order.inbox(&envelope, step));
}

fn tell_return(story: &mut Story, order: &Order, is_test: bool, after: Time) {
    let mut at = after + story.hours(1, 200);
    let request = Return {
        id: story.object_id(),
        requested_at: story.clock(at),
        order_id: order.order_id.clone(),
        track_id: story.ids.uuid(),
        reason: story.random.pick(&REASONS),
        is_full: story.random.chance(0.5),
        refund: story.random.pick(&REFUNDS),
        sku: order.sku,
    };
    let decision = if story.random.chance(0.6) { "APPROVED" } else { "REJECTED" };
    let asked = story.random.chance(0.5).then_some("REQUESTED");
    for status in asked.into_iter().chain(["REVIEWING", decision]) {
        let envelope = envelope(story, is_test, at);
        let (body, meaning) = (request.body(&envelope, status), request.meaning(&envelope, status));
        story.tell(at, body, meaning, request.inbox(&envelope));
        at += story.hours(1, 96);
    }
}

fn envelope(story: &mut Story, is_test: bool, at: Time) -> Envelope {
    let millis = chrono::TimeDelta::milliseconds(story.random.between(0..=999));
    // Cut off from the second, so that nothing lies after what it is told at.
    let created_at = story.clock(at - chrono::TimeDelta::seconds(1) + millis);
    Envelope { id: story.object_id(), created_at, skew: story.skew, is_test }
}

fn order(story: &mut Story, is_physical: bool) -> Order {
    let count = match story.random.below(10) {
        _ if is_physical => 0,
        0 => 3,
        1 => 2,
        _ => 1,
    };
    let esims = (0..count).map(|_| esim(story)).collect();
    let quantity = if is_physical { story.random.between(1..=3) } else { count };
    Order {
        order_id: story.ids.digits(10),
        track_id: story.ids.uuid(),
        sub_order_id: story.object_id(),
        sub_track_id: story.ids.uuid(),
        sku: story.random.pick(&SKUS),
        quantity: quantity.unsigned_abs(),
        esims,
    }
}

fn esim(story: &mut Story) -> Esim {
    let iccid = story.iccid();
    Esim { iccid, matching_id: story.ids.hex(32).to_uppercase() }
}
