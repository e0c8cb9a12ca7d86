//! Lives: what happens to one customer's purchase at one provider, from the order to the end, as far as it has come. A
//! life depends on its number and on what is given here, and on no other life.

mod airalo;
mod airtm;
mod esim_access;
mod simplifytrip;
mod yoni;

use chrono::TimeDelta;
use samples::{Source, message_id};
use serde::{Deserialize, Serialize};

use crate::chaos::STALE;
use crate::event::{Body, Event, Inbox, Meaning, Nature, Time};
use crate::random::Random;

/// What all lives of a run are made from.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub seed: u64,
    /// Goes into every id and nothing else: another run plays the same lives under other names.
    pub run: String,
    /// Now, as the lives see it: nothing of them lies after it.
    pub base: Time,
    pub clocks: Clocks,
}

/// How wrong the providers' clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    /// Every clock is off by up to so many seconds, one way or the other.
    pub drift_s: u32,
    /// The share of lives whose provider has a clock that is off by hours or days.
    pub broken: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    pub number: u64,
    pub source: Source,
    /// How far the provider's clock is ahead.
    pub skew: TimeDelta,
    /// By their time; some of them of one time.
    pub events: Vec<Event>,
}

/// How many of a hundred lives are of which source.
const SOURCES: [(Source, u64); 6] = [
    (Source::Airalo, 24),
    (Source::EsimAccess, 38),
    (Source::Yoni, 10),
    (Source::SimplifyTrip, 16),
    (Source::Airtm, 6),
    (Source::AirtmV2, 6),
];

/// Lives began up to so long ago.
const AGE_MAX: TimeDelta = TimeDelta::days(45);
const AGE_YOUNG: TimeDelta = TimeDelta::days(9);

/// We believe a time up to an hour ahead of ours. No time of a life lies so near to that line, seen from `base`, that it
/// would depend on how long a run takes.
const DOUBTFUL: (TimeDelta, TimeDelta) = (TimeDelta::minutes(30), TimeDelta::hours(13));
/// SimplifyTrip: "accept each event once within a 24-hour window"; by its own clock.
const STALE_AFTER: TimeDelta = TimeDelta::hours(24);
/// No clock is off by so nearly as much that it would be doubtful.
const STALE_DOUBTFUL: (TimeDelta, TimeDelta) = (TimeDelta::hours(20), TimeDelta::hours(30));

impl World {
    pub fn life(&self, number: u64) -> Life {
        let source = self.source(number);
        let told = self.told(number, source, TimeDelta::zero());
        let skew = self.skew(number, source, &told);
        let mut events = if skew.is_zero() { told } else { self.told(number, source, skew) };
        if source == Source::SimplifyTrip && skew.abs() > STALE_AFTER {
            events.iter_mut().for_each(|event| event.nature = STALE);
        }
        Life { number, source, skew, events }
    }

    /// Whose life it is.
    pub fn source(&self, number: u64) -> Source {
        let mut random = self.random(number, "source");
        let mut lot = random.below(SOURCES.iter().map(|(_, share)| share).sum());
        for (source, share) in SOURCES {
            if lot < share {
                return source;
            }
            lot -= share;
        }
        Source::EsimAccess
    }

    pub fn random(&self, life: u64, purpose: &str) -> Random {
        Random::new(self.seed, life, purpose)
    }

    fn told(&self, number: u64, source: Source, skew: TimeDelta) -> Vec<Event> {
        let mut random = self.random(number, "story");
        // Half of them are young, so that many an end is near.
        let oldest = if random.chance(0.5) { AGE_MAX } else { AGE_YOUNG };
        let age = TimeDelta::seconds(random.between(0..=oldest.num_seconds()));
        let mut story = Story {
            ids: self.random(number, &format!("ids of {}", self.run)),
            random,
            base: self.base,
            born: self.base - age,
            skew,
            origin: format!("{} {} {number}", self.run, self.seed),
            events: Vec::new(),
        };
        match source {
            Source::Airalo => airalo::tell(&mut story),
            Source::EsimAccess => esim_access::tell(&mut story),
            Source::Yoni => yoni::tell(&mut story),
            Source::SimplifyTrip => simplifytrip::tell(&mut story),
            Source::Airtm | Source::AirtmV2 => airtm::tell(&mut story, source),
        }
        story.events.sort_by_key(|event| event.at);
        story.events
    }

    fn skew(&self, number: u64, source: Source, told: &[Event]) -> TimeDelta {
        let mut random = self.random(number, "clock");
        let drift = i64::from(self.clocks.drift_s);
        if !random.chance(self.clocks.broken) {
            return TimeDelta::seconds(random.between(-drift..=drift));
        }
        let fits = |skew: &TimeDelta| is_clear(source, *skew, told, self.base);
        let hours = |random: &mut Random| match random.below(3) {
            // All of it lies ahead.
            0 => random.between(47 * 24..=60 * 24),
            // Some of it does.
            1 => random.between(1..=20 * 24),
            _ => random.between(-5 * 24..=-1),
        };
        let tries = std::iter::repeat_with(|| TimeDelta::hours(hours(&mut random))).take(20);
        tries.into_iter().find(fits).unwrap_or_default()
    }
}

/// Whether a clock that is off by `skew` leaves no doubt which times are believed.
fn is_clear(source: Source, skew: TimeDelta, told: &[Event], base: Time) -> bool {
    let within = |time: TimeDelta, (from, until): (TimeDelta, TimeDelta)| time > from && time < until;
    let times = told
        .iter()
        .flat_map(|event| event.meaning.said.iter().filter_map(|said| said.at).chain(event.inbox.occurred_at));
    let stale = source == Source::SimplifyTrip && within(skew.abs(), STALE_DOUBTFUL);
    !stale && times.into_iter().all(|time| !within(time + skew - base, DOUBTFUL))
}

/// A life while it is told.
struct Story {
    /// For what happens.
    random: Random,
    /// For what it is called.
    ids: Random,
    base: Time,
    /// When it begins.
    born: Time,
    skew: TimeDelta,
    origin: String,
    events: Vec<Event>,
}

impl Story {
    /// A time by the provider's clock.
    fn clock(&self, at: Time) -> Time {
        at + self.skew
    }

    /// Svix's name for what is told next.
    fn message_id(&self) -> String {
        message_id(&format!("{} {}", self.origin, self.events.len()))
    }

    /// Adds what happens at `at`; what has not happened yet is not told.
    fn tell(&mut self, at: Time, body: Body, meaning: Meaning, inbox: Inbox) {
        if at <= self.base {
            let message_id = self.message_id();
            self.events.push(Event { at, body, meaning, inbox, nature: Nature::Genuine, message_id });
        }
    }

    fn seconds(&mut self, from: i64, to: i64) -> TimeDelta {
        TimeDelta::seconds(self.random.between(from..=to))
    }

    fn minutes(&mut self, from: i64, to: i64) -> TimeDelta {
        self.seconds(from * 60, to * 60)
    }

    fn hours(&mut self, from: i64, to: i64) -> TimeDelta {
        self.seconds(from * 3_600, to * 3_600)
    }

    /// Of as many digits, the first of them 8 and 9 as in every ICCID.
    fn iccid(&mut self) -> String {
        // "Samples of 18, 19 and 20 digits."
        let length = usize::try_from(self.random.between(18..=20)).unwrap_or(19);
        format!("89{}", self.ids.digits(length - 2))
    }

    /// 24 digits of hexadecimal, as SimplifyTrip's ids have.
    fn object_id(&mut self) -> String {
        self.ids.hex(24)
    }
}

#[cfg(test)]
mod tests;
