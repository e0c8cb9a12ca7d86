//! How each provider says what happens: the message's body, written from the provider's documents alone, and what it says
//! in the words of the public tables. It reads nothing, so that it is a second opinion on those who do.

pub mod airalo;
pub mod airtm;
pub mod esim_access;
pub mod simplifytrip;
pub mod yoni;

use rust_decimal::Decimal;

use crate::event::{Entity, Said, Table, Time, Value};

/// The statuses of each column, by how far along they are: of two that nothing else tells apart the later one holds. A
/// completed order outranks a failed one, and money that came outranks money that did not.
const RANKS: [(&str, &[&str]); 4] = [
    ("order", &["pending", "processing", "shipping", "failed", "cancelled", "completed"]),
    ("plan", &["pending", "allocated", "suspended", "active", "depleted", "expired", "cancelled", "revoked"]),
    ("profile", &["released", "downloaded", "installed", "enabled", "disabled", "deleted"]),
    // Of payments and of returns: they share no word.
    ("other", &["pending", "requested", "reviewing", "failed", "rejected", "cancelled", "succeeded", "approved"]),
];

fn rank(kind: &str, status: &str) -> usize {
    let words = RANKS.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, words)| words);
    words.iter().position(|word| *word == status).unwrap_or_default()
}

/// A status, and the provider's own word for it.
struct Standing<'a> {
    kind: &'a str,
    columns: (&'static str, &'static str),
    /// `None`: the word is none that anybody knows.
    status: Option<&'a str>,
    word: &'a str,
    reason: Option<&'a str>,
    at: Option<Time>,
}

impl<'a> Standing<'a> {
    fn of_order(status: Option<&'a str>, word: &'a str, at: Option<Time>) -> Self {
        Self { kind: "order", columns: ("status", "provider_status"), status, word, reason: None, at }
    }

    /// What it says of `entity`. A reason is told with the status that it is the reason for.
    fn said(&self, entity: &Entity) -> Vec<Said> {
        let (status, word) = self.columns;
        // A word that is known outranks one that is not.
        let rank = self.status.map(|status| rank(self.kind, status) + 1).unwrap_or_default();
        let mut said = vec![Said::new(entity, word, self.word, self.at).ranked(rank)];
        if let Some(known) = self.status {
            let standing = Said::new(entity, status, known, self.at).ranked(rank);
            let has_reason = matches!(entity.table, Table::Orders | Table::Payments);
            let reason = ("failure_reason", self.reason.map(Value::from));
            said.push(if has_reason { standing.with(reason.0, reason.1) } else { standing });
        }
        said
    }
}

/// A number with the digits that it is written with.
fn number(digits: &str) -> serde_json::Value {
    serde_json::from_str(digits).unwrap_or_default()
}

/// `text` as a number, or as the text.
fn number_or_text(text: &str, as_text: bool) -> serde_json::Value {
    if as_text { text.into() } else { number(text) }
}

/// An amount by its value, however it is written.
fn amount(text: &str) -> Value {
    Value::Number(text.parse::<Decimal>().unwrap_or_default())
}

fn millis(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn seconds(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests;
