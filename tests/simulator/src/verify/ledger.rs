//! What was delivered: from our answers, and, where no answer says it, from the inbox. And whether the inbox and the dead
//! letters hold exactly that.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::Difference;
use crate::event::{Event, Nature, Time};
use crate::journal::{Attempt, End, Journal};
use crate::life::Life;
use crate::tables::{Sheet, Texts, read_time};
use crate::truth::{BELIEVED_AHEAD, Heard};

/// A request whose answer nobody waited for may still have been received so much later.
const STRAGGLES: TimeDelta = TimeDelta::seconds(10);
/// How far the clocks of two machines may be apart.
const CLOCKS: TimeDelta = TimeDelta::seconds(60);

/// An event's life and its number there.
type Place = (usize, usize);

/// All attempts at one message, copies included.
#[derive(Debug)]
struct Message<'a> {
    life: &'a Life,
    event: &'a Event,
    number: usize,
    attempts: Vec<&'a Attempt>,
    rows: Vec<&'a Texts>,
    dead: Vec<&'a Texts>,
}

#[derive(Debug)]
pub(super) struct Ledger<'a> {
    messages: Vec<Message<'a>>,
    pub heard: Vec<Heard<'a>>,
    pub dead_letters: usize,
    pub settled_by_inbox: usize,
    /// In the inbox or among the dead letters, and nobody of ours.
    strangers: Vec<(&'static str, &'a Texts)>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(journal: &'a Journal, lives: &'a [Life], sheet: &'a Sheet) -> Self {
        let mut messages = messages(lives);
        let places: BTreeMap<u64, usize> = lives.iter().zip(0..).map(|(life, place)| (life.number, place)).collect();
        let by_place: BTreeMap<Place, usize> = messages
            .iter()
            .enumerate()
            .flat_map(|(index, (_, places))| places.iter().map(move |p| (*p, index)))
            .collect();
        let mut by_body: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for attempt in &journal.attempts {
            let place = places.get(&attempt.life).map(|life| (*life, attempt.event));
            if let Some(index) = place.and_then(|place| by_place.get(&place)) {
                let message = &mut messages[*index].0;
                message.attempts.push(attempt);
                by_body.insert((message.life.source.name(), &attempt.body), *index);
            }
        }
        let mut strangers = Vec::new();
        for row in &sheet.events {
            match by_body.get(&(text(row, "source"), &*body_hash(row))) {
                Some(index) => messages[*index].0.rows.push(row),
                None if row.get("origin").is_some_and(|origin| origin == "webhook") => strangers.push(("events", row)),
                None => {}
            }
        }
        for row in &sheet.dead_letters {
            match by_body.get(&(text(row, "source"), &*body_hash(row))) {
                Some(index) => messages[*index].0.dead.push(row),
                None => strangers.push(("dead_letters", row)),
            }
        }
        let messages: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        let heard: Vec<_> = messages.iter().filter_map(Message::heard).collect();
        Self {
            dead_letters: messages.iter().map(|message| message.dead.len()).sum(),
            settled_by_inbox: messages.iter().filter(|message| message.is_settled_by_inbox()).count(),
            messages,
            heard,
            strangers,
        }
    }

    /// The inbox rows of genuine messages: their ids.
    pub(super) fn event_ids(&self) -> BTreeSet<&str> {
        let rows = self.messages.iter().flat_map(|message| &message.rows);
        rows.filter_map(|row| row.get("id").map(String::as_str)).collect()
    }

    pub(super) fn differences(&self, is_shared: bool) -> Vec<Difference> {
        let mut differences: Vec<_> = self.messages.iter().flat_map(Message::differences).collect();
        if !is_shared {
            differences.extend(self.strangers.iter().map(|(table, row)| Difference {
                life: None,
                place: format!("{table} {}", text(row, "id")),
                what: format!("nobody of the simulation sent it; it is of source {}", text(row, "source")),
            }));
        }
        differences
    }
}

/// One for each body that is another: what comes twice byte for byte is one event.
fn messages(lives: &[Life]) -> Vec<(Message<'_>, Vec<Place>)> {
    let mut messages: Vec<(Message<'_>, Vec<Place>)> = Vec::new();
    let mut known: BTreeMap<(&str, String, bool), usize> = BTreeMap::new();
    for (place, life) in lives.iter().enumerate() {
        for (number, event) in life.events.iter().enumerate() {
            let key = (life.source.name(), event.body.identity(), event.is_genuine());
            let index = *known.entry(key).or_insert_with(|| {
                let (attempts, rows, dead) = (Vec::new(), Vec::new(), Vec::new());
                messages.push((Message { life, event, number, attempts, rows, dead }, Vec::new()));
                messages.len() - 1
            });
            messages[index].1.push((place, number));
        }
    }
    messages
}

fn body_hash(row: &Texts) -> String {
    use sha2::{Digest as _, Sha256};
    let body = row.get("body").and_then(|body| hex::decode(body).ok()).unwrap_or_default();
    hex::encode(Sha256::digest(body))
}

fn text<'a>(row: &'a Texts, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

impl<'a> Message<'a> {
    fn accepted(&self) -> impl Iterator<Item = &&'a Attempt> {
        self.attempts.iter().filter(|attempt| attempt.is_accepted())
    }

    fn uncertain(&self) -> impl Iterator<Item = &&'a Attempt> {
        self.attempts.iter().filter(|attempt| attempt.is_uncertain())
    }

    fn is_settled_by_inbox(&self) -> bool {
        self.event.is_genuine() && self.accepted().next().is_none() && !self.rows.is_empty()
    }

    /// The event, if we have it: because we said so, or because nobody can know and it is in the inbox.
    fn heard(&self) -> Option<Heard<'a>> {
        let is_certain = self.accepted().next().is_some();
        let is_heard = self.event.is_genuine() && (is_certain || !self.rows.is_empty());
        let between = self.between()?;
        is_heard.then_some(Heard { event: self.event, source: self.life.source, between })
    }

    fn between(&self) -> Option<(Time, Time)> {
        let earliest = self.accepted().chain(self.uncertain()).map(|attempt| attempt.sent_at).min()?;
        let answered = self.accepted().map(|attempt| attempt.ended_at);
        let latest = answered.chain(self.uncertain().map(|attempt| attempt.ended_at + STRAGGLES)).max()?;
        Some((earliest, latest))
    }

    fn difference(&self, table: &str, what: String) -> Difference {
        let place = format!("{table} of {} event {}", self.life.source.name(), self.number);
        Difference { life: Some(self.life.number), place, what }
    }

    fn differences(&self) -> Vec<Difference> {
        let mut differences = self.of_answers();
        match &self.event.nature {
            Nature::Genuine => {
                differences.extend(self.of_inbox());
                differences.extend(self.dead.iter().map(|row| {
                    let (reason, detail) = (text(row, "reason"), text(row, "detail"));
                    self.difference("dead_letters", format!("a good event must not be here: {reason} ({detail})"))
                }));
            }
            Nature::Malformed { reasons } => differences.extend(self.of_dead_letters(reasons)),
            Nature::Forged(forgery) => {
                let traces = self.rows.len() + self.dead.len();
                if traces > 0 {
                    let what = format!("a forged request ({forgery:?}) left {traces} rows in events or dead_letters");
                    differences.push(self.difference("events", what));
                }
            }
        }
        differences
    }

    /// What is authentic is taken, unless something is wrong on our side or the source has a limit; what is not is
    /// refused as unknown.
    fn of_answers(&self) -> Vec<Difference> {
        let is_forged = matches!(self.event.nature, Nature::Forged(_));
        let mut wrong = BTreeSet::new();
        for attempt in &self.attempts {
            if let End::Answered { status, .. } = attempt.end {
                let is_right = match status {
                    200 | 429 => !is_forged,
                    401 | 404 => is_forged,
                    _ => status >= 500,
                };
                if !is_right {
                    wrong.insert(status);
                }
            }
        }
        let (sort, expected) = match &self.event.nature {
            Nature::Genuine => ("an authentic webhook", "200"),
            Nature::Malformed { .. } => ("an authentic body that is no event", "200"),
            Nature::Forged(_) => ("a forged request", "401 or 404"),
        };
        let what = |status| format!("{sort} must be answered {expected}, and was answered {status}");
        wrong.into_iter().map(|status| self.difference("answers", what(status))).collect()
    }

    fn of_inbox(&self) -> Vec<Difference> {
        let is_certain = self.accepted().next().is_some();
        let may = is_certain || self.uncertain().next().is_some();
        match self.rows.as_slice() {
            [] if is_certain => vec![self.difference("events", "it was answered 200 and is not here".to_owned())],
            [] => Vec::new(),
            [row] if may => self.of_row(row),
            [_] => vec![self.difference("events", "no attempt can have been received, and it is here".to_owned())],
            rows => vec![self.difference("events", format!("it is here {} times", rows.len()))],
        }
    }

    /// What the inbox says of it.
    fn of_row(&self, row: &Texts) -> Vec<Difference> {
        let inbox = &self.event.inbox;
        let optional = |column: &'static str, expected: &Option<String>| {
            let (expected, found) = (expected.as_deref().unwrap_or_default(), text(row, column));
            (expected != found).then(|| format!("{column}: expected {expected:?}, found {found:?}"))
        };
        let plain = |column, expected: &str| optional(column, &Some(expected.to_owned()));
        let mut wrong: Vec<String> = [
            plain("source", self.life.source.name()),
            plain("provider", self.life.source.provider()),
            plain("mode", if inbox.is_test { "test" } else { "live" }),
            optional("order_ref", &inbox.order_ref),
            optional("esim_ref", &inbox.esim_ref),
            optional("payment_ref", &inbox.payment_ref),
            optional("provider_event_id", &inbox.provider_event_id),
        ]
        .into_iter()
        .flatten()
        .collect();
        wrong.extend(self.of_times(row));
        wrong.extend(self.of_id(row));
        wrong.into_iter().map(|what| self.difference("events", what)).collect()
    }

    /// The provider's time, believed or not, and ours.
    fn of_times(&self, row: &Texts) -> Vec<String> {
        let Some((earliest, latest)) = self.between() else { return Vec::new() };
        let said = self.event.inbox.occurred_at;
        let is_believed = |received: Time| said.is_some_and(|said| said <= received + BELIEVED_AHEAD);
        let mut wrong = Vec::new();
        if is_believed(earliest) == is_believed(latest) {
            let expected = [
                ("occurred_at", said.filter(|_| is_believed(latest))),
                ("disbelieved_at", said.filter(|_| !is_believed(latest))),
            ];
            for (column, expected) in expected {
                let found = row.get(column).and_then(|text| read_time(text));
                if found != expected {
                    wrong.push(format!("{column}: expected {expected:?}, found {found:?}"));
                }
            }
        }
        let received = row.get("received_at").and_then(|text| read_time(text));
        if !received.is_some_and(|received| received >= earliest - CLOCKS && received <= latest + CLOCKS) {
            wrong.push(format!("received_at: expected from {earliest} to {latest}, found {received:?}"));
        }
        wrong
    }

    /// The id must be one that was answered, unless an answer is missing.
    fn of_id(&self, row: &Texts) -> Option<String> {
        let is_answered = self.accepted().any(|attempt| match &attempt.end {
            End::Answered { id, .. } => id.as_deref() == row.get("id").map(String::as_str),
            End::Refused | End::Silent | End::Outage => false,
        });
        let may_be_another = self.uncertain().next().is_some();
        (!is_answered && !may_be_another).then(|| format!("id: {} was never answered", text(row, "id")))
    }

    fn of_dead_letters(&self, reasons: &[&str]) -> Vec<Difference> {
        let (least, more) = (self.accepted().count(), self.uncertain().count());
        let mut differences = Vec::new();
        if !(least..=least + more).contains(&self.dead.len()) {
            let expected = if more > 0 { format!("{least} to {}", least + more) } else { least.to_string() };
            let what = format!("expected {expected} dead letters of what is no event, found {}", self.dead.len());
            differences.push(self.difference("dead_letters", what));
        }
        for row in self.dead.iter().filter(|row| !reasons.contains(&text(row, "reason"))) {
            let what = format!("reason: expected one of {reasons:?}, found {:?}", text(row, "reason"));
            differences.push(self.difference("dead_letters", what));
        }
        if !self.rows.is_empty() {
            differences.push(self.difference("events", "it is no event, and was applied".to_owned()));
        }
        differences
    }
}
