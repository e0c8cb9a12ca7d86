//! The join: how two pieces of knowledge become one, whatever the order in which they came; it knows no entity.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Knowledge that can be put together. `join` is commutative, associative and idempotent, and `Default` is its
/// neutral element: that is all that is needed for the same events to end in the same state in any order.
pub trait Join {
    fn join(&mut self, other: Self);

    /// Takes the time from every claim that is dated after `limit`: such a clock is wrong, and would freeze its block.
    /// Answers whether there was one.
    fn distrust_after(&mut self, limit: Timestamp) -> bool;
}

/// How much a claim weighs before its time is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Said in passing, maybe stale: fills a block that nothing strong has filled, and never overrides one.
    Weak,
    #[default]
    Strong,
}

/// One claim for a block. Ordered by strength, then time (absent is lowest), then the provider's own sequence number,
/// then the value, whose order is its rank: so any two claims have exactly one newer of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim<T> {
    #[serde(default, skip_serializing_if = "is_strong")]
    pub strength: Strength,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    pub value: T,
}

fn is_strong(strength: &Strength) -> bool {
    *strength == Strength::Strong
}

/// A block that keeps the newest claim made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latest<T>(Option<Claim<T>>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Latest<T> {
    /// A claim as of `at`, or of no known time.
    pub fn claim(value: T, at: Option<Timestamp>) -> Self {
        Self(Some(Claim { strength: Strength::Strong, at, sequence: None, value }))
    }

    /// The same for a value that the event may not have carried.
    pub fn maybe(value: Option<T>, at: Option<Timestamp>) -> Self {
        value.map_or_else(Self::default, |value| Self::claim(value, at))
    }

    /// The same claim, but said in passing.
    #[must_use]
    pub fn weak(mut self) -> Self {
        if let Some(claim) = &mut self.0 {
            claim.strength = Strength::Weak;
        }
        self
    }

    /// The same claim, but as of `at`.
    #[must_use]
    pub fn as_of(mut self, at: Timestamp) -> Self {
        if let Some(claim) = &mut self.0 {
            claim.at = Some(at);
        }
        self
    }

    /// The same claim with the provider's own sequence number, which decides between claims of one time.
    #[must_use]
    pub fn numbered(mut self, sequence: Option<u64>) -> Self {
        if let Some(claim) = &mut self.0 {
            claim.sequence = sequence;
        }
        self
    }

    /// For the provider's own word beside our reading of it, to be called last: of words of one time (and number) the one
    /// wins whose reading does, by its `rank`, so that a row never shows a status and the word for another. A word that
    /// we can't read has none.
    #[must_use]
    pub fn ranked(mut self, rank: Option<u8>) -> Self {
        /// More than there are ranks.
        const RANKS: u64 = 256;
        if let Some(claim) = &mut self.0 {
            let number = claim.sequence.map_or(0, |sequence| sequence.saturating_add(1));
            let rank = rank.map_or(0, |rank| u64::from(rank) + 1);
            claim.sequence = Some(number.saturating_mul(RANKS).saturating_add(rank));
        }
        self
    }

    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|claim| &claim.value)
    }

    /// The value, unless it was only said in passing.
    pub fn firm_value(&self) -> Option<&T> {
        self.0.as_ref().filter(|claim| claim.strength == Strength::Strong).map(|claim| &claim.value)
    }

    /// As of when the value holds; `None` if there is none, or the provider gave no time.
    pub fn at(&self) -> Option<Timestamp> {
        self.0.as_ref().and_then(|claim| claim.at)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Ord> Join for Latest<T> {
    fn join(&mut self, other: Self) {
        if other.0 > self.0 {
            self.0 = other.0;
        }
    }

    fn distrust_after(&mut self, limit: Timestamp) -> bool {
        match &mut self.0 {
            Some(claim) if claim.at.is_some_and(|at| at > limit) => {
                claim.at = None;
                true
            }
            _ => false,
        }
    }
}

/// Everything that was ever said: a set only grows.
impl<T: Ord> Join for BTreeSet<T> {
    fn join(&mut self, other: Self) {
        self.extend(other);
    }

    fn distrust_after(&mut self, _limit: Timestamp) -> bool {
        false
    }
}

/// For each key the greatest value that was ever said.
impl<K: Ord, V: Ord> Join for BTreeMap<K, V> {
    fn join(&mut self, other: Self) {
        for (key, value) in other {
            match self.entry(key) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    if value > *entry.get() {
                        entry.insert(value);
                    }
                }
            }
        }
    }

    fn distrust_after(&mut self, _limit: Timestamp) -> bool {
        false
    }
}

/// When the entity was first and last heard of, by our own time of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heard {
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Heard {
    pub fn at(received_at: Timestamp) -> Self {
        Self { first: Some(received_at), last: Some(received_at) }
    }
}

impl Join for Heard {
    fn join(&mut self, other: Self) {
        self.first = match (self.first, other.first) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.last = self.last.max(other.last);
    }

    fn distrust_after(&mut self, _limit: Timestamp) -> bool {
        false
    }
}

/// Declares an entity's state as blocks, and its join as the join of each: a block can't be forgotten.
macro_rules! blocks {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $( $(#[$field_meta:meta])* pub $field:ident : $type:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name { $( $(#[$field_meta])* pub $field: $type, )* }

        impl $crate::block::Join for $name {
            fn join(&mut self, other: Self) {
                $( $crate::block::Join::join(&mut self.$field, other.$field); )*
            }

            fn distrust_after(&mut self, limit: $crate::Timestamp) -> bool {
                let mut distrusted = false;
                $( distrusted |= $crate::block::Join::distrust_after(&mut self.$field, limit); )*
                distrusted
            }
        }
    };
}
pub(crate) use blocks;
