//! A contact: the customer that an order belongs to, as the shop registered it.

use serde::{Deserialize, Serialize};

/// The customer that a mail is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub email: String,
    pub name: Option<String>,
    /// BCP 47: decides the language, and by its region how dates and amounts are written.
    pub locale: Option<String>,
    /// IANA, such as `Europe/Madrid`. Without one, times are in UTC and say so.
    pub time_zone: Option<String>,
    /// The shop's own number for the order, the one that the customer knows.
    pub reference: Option<String>,
}
