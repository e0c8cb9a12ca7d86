//! A life at Airtm: a payment in or out, in the one generation or the other.

use chrono::TimeDelta;
use samples::Source;

use super::Story;
use crate::dialect::airtm::{Form, Payment, State};

const AMOUNTS: [&str; 5] = ["200.00", "1.00", "24.9", "50", "0.01"];
const REASONS: [&str; 2] = ["The user can't receive payments", "Insufficient funds"];
const DESCRIPTIONS: [&str; 2] = ["eSIM Europe 10 GB", "Some description provided by the partner"];

/// (word, verb, whether a reason comes with it)
type Step = (&'static str, &'static str, bool);

pub(super) fn tell(story: &mut Story, source: Source) {
    let is_payout = story.random.chance(0.5);
    let form = match source {
        Source::Airtm => Form::One,
        _ if story.random.chance(0.3) => Form::TwoBare,
        _ => Form::Two,
    };
    let payment = payment(story, form, is_payout);
    let mut at = story.born;
    for (word, verb, has_reason) in steps(story, form, is_payout) {
        at += story.seconds(2, 90_000);
        let reason = has_reason.then(|| story.random.pick(&REASONS));
        let millis = TimeDelta::milliseconds(story.random.between(0..=999));
        let state = State { word, verb, reason, updated_at: story.clock(at - TimeDelta::seconds(1) + millis) };
        let inbox = payment.inbox(&state, &story.message_id());
        story.tell(at, payment.body(&state), payment.meaning(&state), inbox);
    }
}

fn steps(story: &mut Story, form: Form, is_payout: bool) -> Vec<Step> {
    let lot = story.random.below(20);
    let (done, pending) = if is_payout { ("completed", "committed") } else { ("confirmed", "processing") };
    let mut steps: Vec<Step> = vec![("created", "created", false)];
    if form != Form::Two {
        // V2 has four types of event, of which none is for the states in between.
        steps.push((pending, pending, false));
    }
    match lot {
        0..12 => steps.push((done, done, false)),
        12..15 => steps.push(("failed", "failed", true)),
        15..17 => steps.push(("canceled", "canceled", false)),
        17 if is_payout => steps.extend([(done, done, false), ("failed", "failed", true)]),
        18 if form == Form::Two => steps.push(("bridge_failed", "failed", true)),
        _ => {}
    }
    // V1 calls back for what is final; the rest is sent here now and then.
    if form == Form::One && story.random.chance(0.7) {
        steps.retain(|(word, ..)| *word != "created" && *word != pending);
    }
    steps
}

fn payment(story: &mut Story, form: Form, is_payout: bool) -> Payment {
    let has_code = form != Form::One || !is_payout;
    Payment {
        id: story.ids.uuid(),
        form,
        is_payout,
        code: has_code.then(|| format!("order-{}", story.ids.digits(9))),
        amount: story.random.pick(&AMOUNTS),
        email: format!("traveller-{}@example.com", story.ids.hex(6)),
        user_id: story.ids.uuid(),
        operation_id: story.ids.uuid(),
        description: story.random.pick(&DESCRIPTIONS),
        created_at: story.clock(story.born),
        in_upper_case: story.random.chance(0.2),
    }
}
