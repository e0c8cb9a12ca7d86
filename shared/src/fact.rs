//! What an event claims about which entity: a piece of that entity's state, ready to be joined to it.

use crate::Timestamp;
use crate::block::{Heard, Join, Latest};
use crate::confirmation::{Proof, Verdict};
use crate::esim::Esim;
use crate::order::Order;
use crate::origin::Mode;
use crate::payment::Payment;
use crate::return_request::ReturnRequest;

/// Which entity, within one source. References are the provider's own, as `design` of each dialect names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(tag = "entity", content = "ref", rename_all = "snake_case")]
pub enum EntityKey {
    Order(String),
    Esim(String),
    Payment(String),
    Return(String),
}

impl EntityKey {
    /// What kind of entity it is, in a word, and its reference.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Order(reference) => ("order", reference),
            Self::Esim(reference) => ("eSIM", reference),
            Self::Payment(reference) => ("payment", reference),
            Self::Return(reference) => ("return", reference),
        }
    }
}

/// An entity's state, or a piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an eSIM's is the most frequent, and a box would cost each an allocation"
)]
pub enum State {
    Order(Order),
    Esim(Esim),
    Payment(Payment),
    Return(ReturnRequest),
}

impl State {
    /// What is known of an entity of which nothing is known.
    pub fn unknown(key: &EntityKey) -> Self {
        match key {
            EntityKey::Order(_) => Self::Order(Order::default()),
            EntityKey::Esim(_) => Self::Esim(Esim::default()),
            EntityKey::Payment(_) => Self::Payment(Payment::default()),
            EntityKey::Return(_) => Self::Return(ReturnRequest::default()),
        }
    }

    /// Joins `claims`. Those for an entity of another kind can't be made: a fact's key and claims come from one
    /// constructor.
    pub fn join(&mut self, claims: Self) {
        match (self, claims) {
            (Self::Order(state), Self::Order(claims)) => state.join(claims),
            (Self::Esim(state), Self::Esim(claims)) => state.join(claims),
            (Self::Payment(state), Self::Payment(claims)) => state.join(claims),
            (Self::Return(state), Self::Return(claims)) => state.join(claims),
            (Self::Order(_) | Self::Esim(_) | Self::Payment(_) | Self::Return(_), _) => {
                debug_assert!(false, "claims for an entity of another kind");
            }
        }
    }

    /// The order that the entity called `reference` belongs to, or is.
    pub fn order_ref(&self, reference: &str) -> Option<String> {
        match self {
            Self::Order(_) => Some(reference.to_owned()),
            Self::Esim(esim) => esim.order_ref.value().cloned(),
            Self::Return(return_request) => return_request.order_ref.value().cloned(),
            Self::Payment(_) => None,
        }
    }

    pub fn mode(&self) -> Mode {
        match self {
            Self::Order(order) => order.mode(),
            Self::Esim(esim) => esim.mode(),
            Self::Payment(payment) => payment.mode(),
            Self::Return(return_request) => return_request.mode(),
        }
    }
}

impl State {
    /// How well what is of value in it is proven; `None` if nothing is of value, or nobody knows who said it.
    pub fn confirmation(&self) -> Option<Verdict> {
        match self {
            Self::Order(order) => order.verdict(),
            Self::Esim(esim) => esim.verdict(),
            Self::Payment(payment) => payment.verdict(),
            Self::Return(_) => None,
        }
    }

    /// When the provider's API refuted what an unsigned webhook said last.
    pub fn refuted_at(&self) -> Option<Timestamp> {
        match self {
            Self::Order(order) => order.confirmation.refutation().map(|refutation| refutation.at),
            Self::Esim(esim) => esim.confirmation.refutation().map(|refutation| refutation.at),
            Self::Payment(payment) => payment.confirmation.refutation().map(|refutation| refutation.at),
            Self::Return(_) => None,
        }
    }

    /// Whether the provider should be asked if it stands behind what was said.
    pub fn needs_confirmation(&self) -> bool {
        let is_open = match self {
            Self::Order(order) => order.confirmation.is_open(),
            Self::Esim(esim) => esim.confirmation.is_open(),
            Self::Payment(payment) => payment.confirmation.is_open(),
            Self::Return(_) => false,
        };
        is_open || self.confirmation() == Some(Verdict::Unconfirmed)
    }
}

/// What an event claims about one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub key: EntityKey,
    pub claims: State,
}

impl Fact {
    pub fn order(order_ref: impl Into<String>, claims: Order) -> Self {
        Self { key: EntityKey::Order(order_ref.into()), claims: State::Order(claims) }
    }

    pub fn esim(esim_ref: impl Into<String>, claims: Esim) -> Self {
        Self { key: EntityKey::Esim(esim_ref.into()), claims: State::Esim(claims) }
    }

    pub fn payment(payment_ref: impl Into<String>, claims: Payment) -> Self {
        Self { key: EntityKey::Payment(payment_ref.into()), claims: State::Payment(claims) }
    }

    pub fn return_request(return_ref: impl Into<String>, claims: ReturnRequest) -> Self {
        Self { key: EntityKey::Return(return_ref.into()), claims: State::Return(claims) }
    }

    /// Judges the fact's times by when it was received, and adds what every fact carries. Answers whether a time was
    /// not believed.
    pub fn settle(&mut self, heard: Heard, believed_until: Timestamp, mode: Mode, proof: Proof) -> bool {
        match &mut self.claims {
            State::Order(order) => {
                let distrusted = order.distrust_after(believed_until);
                order.note_untimed_final();
                order.note_proof(proof);
                order.heard = heard;
                order.mode = Latest::claim(mode, None);
                distrusted
            }
            State::Esim(esim) => {
                let distrusted = esim.distrust_after(believed_until);
                esim.note_proof(proof);
                esim.heard = heard;
                esim.mode = Latest::claim(mode, None);
                distrusted
            }
            State::Payment(payment) => {
                let distrusted = payment.distrust_after(believed_until);
                payment.note_proof(proof);
                payment.heard = heard;
                payment.mode = Latest::claim(mode, None);
                distrusted
            }
            State::Return(return_request) => {
                let distrusted = return_request.distrust_after(believed_until);
                return_request.heard = heard;
                return_request.mode = Latest::claim(mode, None);
                distrusted
            }
        }
    }
}
