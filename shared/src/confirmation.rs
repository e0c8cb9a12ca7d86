//! Proof: whether the provider stands behind what an unsigned webhook said, which is a doorbell; it knows no dialect.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::block::{Join, Latest};
use crate::words;

/// A provider's API may lag behind its webhooks: an answer asked for sooner after a webhook contradicts nothing.
const LAG: TimeDelta = TimeDelta::seconds(60);

words! {
    /// How well something is proven.
    pub enum Verdict {
        /// The provider said so itself: signed, or by its API.
        Confirmed,
        /// Only somebody who knows the address said so.
        Unconfirmed,
        /// The provider says something else.
        Refuted,
    }
}

/// What stands behind the claims of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nobody's word: our own clock's.
    Ours,
    /// A webhook that nobody signed, received then.
    Unsigned(Timestamp),
    /// A webhook whose signature was verified.
    Signed,
    /// The API, asked then.
    Answered(Timestamp),
}

/// What was claimed of one thing of value, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confirmation<T: Ord> {
    /// What an unsigned webhook said, as of our receipt.
    #[serde(skip_serializing_if = "Latest::is_empty")]
    pub rung: Latest<T>,
    /// What the provider proved, as of its own time, or of when its API was asked; `None`: that there is no such thing.
    #[serde(skip_serializing_if = "Latest::is_empty")]
    pub vouched: Latest<Option<T>>,
    /// All that it ever proved.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ever: BTreeSet<T>,
}

/// What was refuted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refutation<'a, T> {
    /// What an unsigned webhook said.
    pub claimed: &'a T,
    /// What the provider says; `None`: that there is no such thing.
    pub instead: Option<&'a T>,
    /// As of when.
    pub at: Timestamp,
}

impl<T: Ord> Default for Confirmation<T> {
    fn default() -> Self {
        Self { rung: Latest::default(), vouched: Latest::default(), ever: BTreeSet::new() }
    }
}

impl<T: Ord> Join for Confirmation<T> {
    fn join(&mut self, other: Self) {
        self.rung.join(other.rung);
        self.vouched.join(other.vouched);
        self.ever.join(other.ever);
    }

    fn distrust_after(&mut self, limit: Timestamp) -> bool {
        let rung = self.rung.distrust_after(limit);
        self.vouched.distrust_after(limit) || rung
    }
}

impl<T: Ord + Clone> Confirmation<T> {
    /// What an answer says that knows no such thing.
    pub fn denied(asked_at: Timestamp) -> Self {
        Self { vouched: Latest::claim(None, Some(asked_at)), ..Self::default() }
    }

    /// What a claim as of `at` makes of its proof; `None` is a claim that has no value. Only an answer says by it that
    /// there is nothing of value: a webhook that says so may have been overtaken.
    pub(crate) fn of(claimed: Option<T>, at: Option<Timestamp>, proof: Proof) -> Self {
        match (proof, claimed) {
            (Proof::Ours, _) | (Proof::Unsigned(_) | Proof::Signed, None) => Self::default(),
            (Proof::Answered(asked_at), None) => Self::denied(asked_at),
            (Proof::Unsigned(received_at), Some(claimed)) => {
                Self { rung: Latest::claim(claimed, Some(received_at)), ..Self::default() }
            }
            (Proof::Signed, Some(claimed)) => Self::vouched(claimed, at),
            (Proof::Answered(asked_at), Some(claimed)) => Self::vouched(claimed, Some(asked_at)),
        }
    }

    fn vouched(claimed: T, at: Option<Timestamp>) -> Self {
        let ever = BTreeSet::from([claimed.clone()]);
        Self { vouched: Latest::claim(Some(claimed), at), ever, ..Self::default() }
    }

    /// How well `current`, which is `None` while there is nothing of value, is proven; `None` if nobody claimed anything.
    pub fn verdict(&self, current: Option<&T>) -> Option<Verdict> {
        let is_vouched = |current| match self.vouched.value() {
            Some(Some(vouched)) => vouched == current,
            // What was proven and is unknown now was forgotten there, not forged here.
            Some(None) => self.ever.contains(current),
            None => false,
        };
        if current.is_some_and(is_vouched) {
            Some(Verdict::Confirmed)
        } else if self.is_refuted() {
            Some(Verdict::Refuted)
        } else if self.rung.is_empty() && (self.vouched.is_empty() || current.is_none()) {
            None
        } else {
            Some(Verdict::Unconfirmed)
        }
    }

    /// What an unsigned webhook said, and the provider never did and contradicts, whatever took its place since.
    pub fn refutation(&self) -> Option<Refutation<'_, T>> {
        let (claimed, instead) = (self.rung.value()?, self.vouched.value()?);
        let (rung_at, at) = (self.rung.at()?, self.vouched.at()?);
        let contradicts = at - rung_at >= LAG && !self.ever.contains(claimed);
        contradicts.then_some(Refutation { claimed, instead: instead.as_ref(), at })
    }

    pub fn is_refuted(&self) -> bool {
        self.refutation().is_some()
    }

    /// Whether the last unsigned webhook said something that is neither proven nor refuted.
    pub fn is_open(&self) -> bool {
        self.rung.value().is_some_and(|rung| !self.ever.contains(rung)) && !self.is_refuted()
    }

    pub fn is_empty(&self) -> bool {
        self.rung.is_empty() && self.vouched.is_empty() && self.ever.is_empty()
    }
}
