//! A difference between the tables and the events, in words that may be shown to anybody: what may be secret or personal
//! is named and not shown.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};
use shared::envelope::Envelope;
use shared::event::Malformed;
use shared::fold::EntityId;
use store::catalogue::{EntityTable, Visibility};
use store::verification::Wanted;

/// What is not as it should be.
#[derive(Clone, Copy)]
pub(super) enum Difference<'a> {
    /// The events say something else than the row.
    Column {
        id: &'a EntityId,
        column: &'a str,
        stored: &'a Value,
        refolded: &'a Value,
    },
    WithoutRow {
        id: &'a EntityId,
    },
    WithoutEvents {
        id: &'a EntityId,
    },
    /// What the state is worth telling was never promised.
    Promise(&'a Wanted),
    /// It was readable when it was applied.
    Unreadable {
        envelope: &'a Envelope,
        why: &'a Malformed,
    },
    /// The body or the time of receipt is not the one that was applied.
    EventKey {
        envelope: &'a Envelope,
    },
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column { id, column, stored, refolded } => {
                write!(f, "{}: ", named(id))?;
                match EntityTable::of(&id.key).visibility(column) {
                    Visibility::Public | Visibility::Row => {
                        write!(f, "{column} is {stored}, the events say {refolded}")
                    }
                    Visibility::Private | Visibility::Secret => write!(f, "{column} differs from what the events say"),
                    Visibility::Parts => write!(f, "{column} differ: {}", parts(stored, refolded).join(", ")),
                }
            }
            Self::WithoutRow { id } => write!(f, "{}: there are events and no row", named(id)),
            Self::WithoutEvents { id } => write!(f, "{}: there is a row and no event", named(id)),
            Self::Promise(wanted) => {
                let Wanted { source, kind, action_key, .. } = wanted;
                write!(f, "{source}: {} was not promised (action_key {action_key})", kind.as_str())
            }
            Self::Unreadable { envelope, why } => {
                write!(f, "{} event {}: it can't be read: {why}", envelope.source, envelope.id)
            }
            Self::EventKey { envelope } => {
                write!(f, "{} event {}: event_key is not that of the body", envelope.source, envelope.id)
            }
        }
    }
}

fn named(id: &EntityId) -> String {
    let (kind, reference) = id.key.parts();
    format!("{} {kind} {reference}", id.source)
}

/// The names of the parts that differ.
fn parts(stored: &Value, refolded: &Value) -> Vec<String> {
    let empty = Map::new();
    let of = |value: &'_ Value| value.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (stored, refolded) = (of(stored), of(refolded));
    let names: BTreeSet<&String> = stored.keys().chain(refolded.keys()).collect();
    names.into_iter().filter(|name| stored.get(*name) != refolded.get(*name)).cloned().collect()
}
