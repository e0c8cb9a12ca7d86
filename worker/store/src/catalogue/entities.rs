//! The four tables of entities, by their names and keys.

use shared::fact::{EntityKey, State};

use super::fields::{Visibility, fields};
use super::value::Form;

/// A table of entities. They are locked in this order everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityTable {
    Orders,
    Esims,
    Payments,
    Returns,
}

impl EntityTable {
    pub const ALL: [Self; 4] = [Self::Orders, Self::Esims, Self::Payments, Self::Returns];

    pub fn of(key: &EntityKey) -> Self {
        match key {
            EntityKey::Order(_) => Self::Orders,
            EntityKey::Esim(_) => Self::Esims,
            EntityKey::Payment(_) => Self::Payments,
            EntityKey::Return(_) => Self::Returns,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Esims => "esims",
            Self::Payments => "payments",
            Self::Returns => "returns",
        }
    }

    /// The column that, with `source`, is the key.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Orders => "order_ref",
            Self::Esims => "esim_ref",
            Self::Payments => "payment_ref",
            Self::Returns => "return_ref",
        }
    }

    pub(crate) fn key(self, reference: String) -> EntityKey {
        match self {
            Self::Orders => EntityKey::Order(reference),
            Self::Esims => EntityKey::Esim(reference),
            Self::Payments => EntityKey::Payment(reference),
            Self::Returns => EntityKey::Return(reference),
        }
    }

    /// The state whose blocks a row holds.
    pub(crate) fn read_state(self, blocks: &str) -> Result<State, sqlx::Error> {
        let state = match self {
            Self::Orders => serde_json::from_str(blocks).map(State::Order),
            Self::Esims => serde_json::from_str(blocks).map(State::Esim),
            Self::Payments => serde_json::from_str(blocks).map(State::Payment),
            Self::Returns => serde_json::from_str(blocks).map(State::Return),
        };
        state.map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// The columns that come from the state, by name and form.
    pub(crate) fn state_columns(self) -> Vec<(&'static str, Form)> {
        let state = State::unknown(&self.key(String::new()));
        fields(&state).iter().map(|field| (field.name, field.value.form())).collect()
    }

    /// Where the column may be shown. A column that does not come from the state is part of the row's key, or names the
    /// provider.
    pub fn visibility(self, column: &str) -> Visibility {
        let state = State::unknown(&self.key(String::new()));
        let field = fields(&state).into_iter().find(|field| field.name == column);
        field.map_or(Visibility::Row, |field| field.visibility)
    }
}
