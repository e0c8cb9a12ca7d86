//! What goes wrong between a provider and us, and what strangers try: how often, and, for each life, what exactly. All of
//! it follows from the seed.

use chrono::TimeDelta;
use samples::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::event::{Body, Event, Forgery, Inbox, Meaning, Nature};
use crate::life::{Clocks, Life, World};
use crate::random::Random;

/// The knobs. Shares are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chaos {
    /// Of the messages that are sent more than once by themselves; one in ten of these comes a dozen times at once.
    pub duplicates: f64,
    /// Of the messages that change places with others.
    pub reorder: f64,
    /// By how many lives' time at most.
    pub window: u32,
    /// Of the messages that come much later than they should.
    pub delay: f64,
    /// Of the messages that the provider never sends.
    pub loss: f64,
    /// Of the answers that get lost, so that the provider tries again what we have.
    pub lost_answers: f64,
    /// Of the attempts whose connection breaks before the answer.
    pub hang_ups: f64,
    /// Of the lives in which the provider sends something that is no event.
    pub malformed: f64,
    /// Of the lives in which a stranger sends something.
    pub forged: f64,
    pub clocks: Clocks,
    /// How often the network is away, and for how long in the providers' time (seconds).
    pub outages: u32,
    pub outage_s: u64,
}

impl Chaos {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        duplicates: 0.0,
        reorder: 0.0,
        window: 10,
        delay: 0.0,
        loss: 0.0,
        lost_answers: 0.0,
        hang_ups: 0.0,
        malformed: 0.0,
        forged: 0.0,
        clocks: Clocks { drift_s: 0, broken: 0.0 },
        outages: 0,
        outage_s: 0,
    };
    /// A bad week.
    pub const SOME: Self = Self {
        duplicates: 0.1,
        reorder: 0.25,
        window: 10,
        delay: 0.03,
        loss: 0.02,
        lost_answers: 0.04,
        hang_ups: 0.02,
        malformed: 0.06,
        forged: 0.1,
        clocks: Clocks { drift_s: 120, broken: 0.06 },
        outages: 2,
        outage_s: 300,
    };

    /// The same with every share (and the outages) so many times as large.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let share = |share: f64| (share * factor).clamp(0.0, 0.9);
        Self {
            duplicates: share(self.duplicates),
            reorder: share(self.reorder),
            delay: share(self.delay),
            loss: share(self.loss),
            lost_answers: share(self.lost_answers),
            hang_ups: share(self.hang_ups),
            malformed: share(self.malformed),
            forged: share(self.forged),
            clocks: Clocks {
                drift_s: if factor > 0.0 { self.clocks.drift_s } else { 0 },
                broken: share(self.clocks.broken),
            },
            outages: if factor > 0.0 { self.outages } else { 0 },
            ..self
        }
    }

    /// The life, with what is no event and with what strangers send, at the end of its events.
    pub fn intrude(&self, world: &World, mut life: Life) -> Life {
        let mut random = world.random(life.number, "intruders");
        let mut ids = world.random(life.number, &format!("ids of intruders of {}", world.run));
        let genuine: Vec<Event> = life.events.clone();
        if genuine.is_empty() {
            return life;
        }
        if random.chance(self.malformed) {
            life.events.push(malformed(life.source, &genuine, &mut random, &mut ids));
        }
        if random.chance(self.forged) {
            life.events.push(forged(life.source, &genuine, &mut random, &mut ids));
        }
        life
    }
}

/// No reference is so long: whoever reads it refuses it, or the database does.
const UNKEEPABLE: Nature = Nature::Malformed { reasons: &["unidentified", "store_rejected"] };

const UNREADABLE: Nature = Nature::Malformed { reasons: &["unparseable", "unidentified"] };

/// Something authentic that is no event. SimplifyTrip's must be JSON, or nobody could check the signature.
fn malformed(source: Source, genuine: &[Event], random: &mut Random, ids: &mut Random) -> Event {
    let event = &genuine[index(random, genuine.len())];
    let name = ids.hex(16);
    if source == Source::SimplifyTrip {
        return if random.chance(0.5) { nameless(event, &name) } else { stale(event) };
    }
    let bytes = event.body.bytes(event.at);
    let (body, nature) = match random.below(6) {
        0 => (bytes[..bytes.len() / 2].to_vec(), UNREADABLE),
        1 => (Vec::new(), UNREADABLE),
        2 => (format!("hello {name}").into_bytes(), UNREADABLE),
        3 => (json!([name]).to_string().into_bytes(), UNREADABLE),
        4 => (json!({ "note": name }).to_string().into_bytes(), UNREADABLE),
        _ => (endless(source, &name).to_string().into_bytes(), UNKEEPABLE),
    };
    of_nobody(event, Body::Fixed(body), nature, &name)
}

/// Sent when `event` was, and saying nothing.
fn of_nobody(event: &Event, body: Body, nature: Nature, name: &str) -> Event {
    let (meaning, inbox, message_id) = (Meaning::default(), Inbox::default(), samples::message_id(name));
    Event { at: event.at, body, meaning, inbox, nature, message_id }
}

/// In the envelope, without what it is about.
fn nameless(event: &Event, name: &str) -> Event {
    let mut body = event.body.clone();
    if let Body::Dated { body, .. } = &mut body {
        body["id"] = name.into();
        body["data"] = json!({ "status": "SUCCESS" });
    }
    // What a clock has made stale is not looked at any further.
    let nature = if event.is_genuine() { UNREADABLE } else { event.nature.clone() };
    of_nobody(event, body, nature, name)
}

/// "Accept each event once within a 24-hour window": kept by somebody, and sent a day later.
fn stale(event: &Event) -> Event {
    let mut event = event.clone();
    if let Body::Dated { skew, .. } = &mut event.body {
        *skew = -TimeDelta::hours(31);
    }
    event.nature = STALE;
    event
}

/// What SimplifyTrip's window refuses.
pub const STALE: Nature = Nature::Malformed { reasons: &["stale_replay"] };

fn endless(source: Source, name: &str) -> Json {
    let reference = name.repeat(40);
    match source {
        Source::Airalo | Source::SimplifyTrip => json!({ "request_id": reference, "data": { "sims": [] } }),
        Source::EsimAccess => {
            json!({ "notifyType": "ORDER_STATUS", "content": { "orderNo": reference, "orderStatus": "GOT_RESOURCE" } })
        }
        Source::Yoni => json!({ "orderNo": reference, "result": "COMPLETED" }),
        Source::Airtm | Source::AirtmV2 => {
            json!({ "id": reference, "operation_type": "payout", "status": "completed", "amount": "1.00" })
        }
    }
}

fn forged(source: Source, genuine: &[Event], random: &mut Random, ids: &mut Random) -> Event {
    let event = &genuine[index(random, genuine.len())];
    let forgery = match random.below(4) {
        0 => Forgery::NoProof,
        1 => Forgery::WrongProof,
        2 if source == Source::AirtmV2 => Forgery::Outdated,
        _ => Forgery::Borrowed,
    };
    let mut body: Json = serde_json::from_slice(&event.body.bytes(event.at)).unwrap_or_default();
    worsen(&mut body);
    let name = ids.hex(16);
    body["note"] = name.clone().into();
    let body = Body::Fixed(body.to_string().into_bytes());
    // Its signature was right for that body.
    Event { message_id: event.message_id.clone(), ..of_nobody(event, body, Nature::Forged(forgery), &name) }
}

/// What would hurt, if anybody believed it.
fn worsen(body: &mut Json) {
    match body {
        Json::Object(fields) => {
            for (name, field) in fields {
                let worse = match name.as_str() {
                    "qrcode" | "lpa" | "qrCodeContent" => "LPA:1$stranger.example$STOLEN",
                    "result" => "FAILED",
                    "esimStatus" => "REVOKED",
                    "smdpStatus" => "DELETED",
                    "orderStatus" => "CANCEL",
                    "status" => "canceled",
                    "level" => "90%",
                    _ => {
                        worsen(field);
                        continue;
                    }
                };
                *field = worse.into();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(worsen),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn index(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.below(u64::try_from(length).unwrap_or_default())).unwrap_or_default()
}
