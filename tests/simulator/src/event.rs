//! What happens at a provider: the message that it sends of it, and what that message says, in the words of the public
//! tables. Written down when the message is made, and never read back from a body.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use samples::Source;
use sha2::{Digest as _, Sha256};

pub type Time = DateTime<Utc>;

/// A public table of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Orders,
    Esims,
    Payments,
    Returns,
}

impl Table {
    pub const ALL: [Self; 4] = [Self::Orders, Self::Esims, Self::Payments, Self::Returns];

    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Esims => "esims",
            Self::Payments => "payments",
            Self::Returns => "returns",
        }
    }

    /// The column with the provider's reference.
    pub fn key(self) -> &'static str {
        match self {
            Self::Orders => "order_ref",
            Self::Esims => "esim_ref",
            Self::Payments => "payment_ref",
            Self::Returns => "return_ref",
        }
    }
}

/// A row's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    pub source: &'static str,
    pub table: Table,
    pub reference: String,
}

impl Entity {
    pub fn new(source: Source, table: Table, reference: &str) -> Self {
        Self { source: source.name(), table, reference: reference.to_owned() }
    }
}

/// What stands in a column that is not null.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Text(String),
    Number(Decimal),
    Time(Time),
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

/// One thing that a message says of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub entity: Entity,
    pub column: &'static str,
    pub value: Value,
    /// As of when, by the message; `None` where the provider gives no time.
    pub at: Option<Time>,
    /// The provider's own number, which tells apart what is said as of one time.
    pub sequence: Option<u64>,
    /// How far along it is: decides where nothing else does.
    pub rank: usize,
    /// Not said in passing, where it may be stale.
    pub firm: bool,
    /// What holds if this holds: its reason, its measure.
    pub with: Vec<(&'static str, Option<Value>)>,
}

impl Said {
    pub fn new(entity: &Entity, column: &'static str, value: impl Into<Value>, at: Option<Time>) -> Self {
        let value = value.into();
        Self { entity: entity.clone(), column, value, at, sequence: None, rank: 0, firm: true, with: Vec::new() }
    }

    #[must_use]
    pub fn ranked(self, rank: usize) -> Self {
        Self { rank, ..self }
    }

    #[must_use]
    pub fn numbered(self, sequence: Option<u64>) -> Self {
        Self { sequence, ..self }
    }

    #[must_use]
    pub fn in_passing(self) -> Self {
        Self { firm: false, ..self }
    }

    #[must_use]
    pub fn with(mut self, column: &'static str, value: Option<Value>) -> Self {
        self.with.push((column, value));
        self
    }
}

/// What a message warns of, apart from the columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// So many % of this allowance (bytes) are used, by its measure or by the provider's word.
    Used { total_bytes: u64, percent: u32 },
    /// So many % are used of an allowance that is not named.
    LowData { percent: u32 },
    /// The plan ends then, in about so many days.
    Ends { at: Time, days: u32 },
    /// The plan ends in so many days; when is not said.
    EndsSoon { days: u32 },
    /// The provider used a word for an order's status that nobody knows.
    UnknownWord { word: String },
}

/// All that a message says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meaning {
    pub said: Vec<Said>,
    pub warnings: Vec<(Entity, Warning)>,
    /// The shop's credit with the provider runs low: the alert's text, and what is left.
    pub credit: Option<(String, Decimal)>,
}

/// What the inbox row of a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payment_ref: Option<String>,
    pub provider_event_id: Option<String>,
    /// The time that the message gives for the event; it may lie too far ahead to be believed.
    pub occurred_at: Option<Time>,
    pub is_test: bool,
}

/// The bytes of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Fixed(Vec<u8>),
    /// SimplifyTrip's, whose `sentDate` is the time of each attempt, by a clock that is off by `skew`.
    Dated {
        body: serde_json::Value,
        skew: TimeDelta,
    },
}

impl Body {
    /// As it is sent at `now`.
    pub fn bytes(&self, now: Time) -> Vec<u8> {
        match self {
            Self::Fixed(bytes) => bytes.clone(),
            Self::Dated { body, skew } => {
                let mut body = body.clone();
                body["sentDate"] = (now + *skew).to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into();
                body.to_string().into_bytes()
            }
        }
    }

    /// The same for all attempts and copies, and for nothing else: SHA-256 of what does not change.
    pub fn identity(&self) -> String {
        match self {
            Self::Fixed(bytes) => hex::encode(Sha256::digest(bytes)),
            Self::Dated { body, .. } => hex::encode(Sha256::digest(body.to_string())),
        }
    }
}

/// Who sends a message, and whether it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nature {
    Genuine,
    /// The provider's own, and no event: it ends as a dead letter, with one of these reasons.
    Malformed {
        reasons: &'static [&'static str],
    },
    /// A stranger's: refused, without a trace.
    Forged(Forgery),
}

/// How a stranger tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// Without a signature, or without the token.
    NoProof,
    /// Signed with another secret, or with another token.
    WrongProof,
    /// With a signature that was right for another body. For a source with a token: under the name of no source.
    Borrowed,
    /// Svix: rightly signed, and so old that anybody could have kept it.
    Outdated,
}

/// Something that happened at a provider, of which it sends a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// By a right clock.
    pub at: Time,
    pub body: Body,
    pub meaning: Meaning,
    pub inbox: Inbox,
    pub nature: Nature,
    /// Svix's name for the message, which all its attempts have; the other providers have none.
    pub message_id: String,
}

impl Event {
    pub fn is_genuine(&self) -> bool {
        self.nature == Nature::Genuine
    }
}
